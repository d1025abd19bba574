import type { Encoding, EncodeOptions, Tokenizer } from './tokenizer.js';

const LONGEST_WORD = 100;
const CONTROL = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/u;
const WORDS =
  /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[\p{P}$+<=>^`|~]|[^\s\p{P}$+<=>^`|~\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+/gu;

/**
 * BERT's uncased WordPiece: greedy longest match from the left, `##` before word parts.
 * Wu et al. 2016, section 4.1; Devlin et al. 2019, section 3.
 */
export class WordPieceTokenizer implements Tokenizer {
  readonly vocabularySize: number;
  readonly #ids: ReadonlyMap<string, number>;

  /** `tokens` in order of their ids, as in vocab.txt. */
  constructor(
    tokens: readonly string[],
    readonly modelMaxLength = 512,
  ) {
    this.#ids = new Map(tokens.map((token, id) => [token, id]));
    this.vocabularySize = tokens.length;
  }

  encode(text: string, { maxLength, pad }: EncodeOptions): Encoding {
    const id = (token: string) => this.#ids.get(token) ?? 0;
    const pieces = this.#words(text).flatMap((word) => this.#pieces(word));
    const truncated = pieces.length > maxLength - 2;
    const ids = [id('[CLS]'), ...pieces.slice(0, maxLength - 2).map(id), id('[SEP]')];
    const attentionMask = ids.map(() => 1);
    while (pad && ids.length < maxLength) {
      ids.push(id('[PAD]'));
      attentionMask.push(0);
    }
    return { ids, attentionMask, truncated };
  }

  #words(text: string): string[] {
    const clean = Array.from(text, (character) =>
      /\s/u.test(character) ? ' ' : CONTROL.test(character) ? '' : character,
    ).join('');
    const plain = clean
      .toLowerCase()
      .normalize('NFD')
      .replace(/\p{Mn}/gu, '');
    return plain.match(WORDS) ?? [];
  }

  #pieces(word: string): string[] {
    const characters = Array.from(word);
    if (characters.length > LONGEST_WORD) return ['[UNK]'];
    const pieces: string[] = [];
    for (let start = 0; start < characters.length;) {
      let end = characters.length;
      let piece = '';
      for (; end > start; end--) {
        piece = (start > 0 ? '##' : '') + characters.slice(start, end).join('');
        if (this.#ids.has(piece)) break;
      }
      if (end === start) return ['[UNK]'];
      pieces.push(piece);
      start = end;
    }
    return pieces;
  }
}
