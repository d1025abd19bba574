import { AddedTokens, type AddedToken } from './added-tokens.js';
import { BYTE_CHARACTERS } from './byte-characters.js';
import { BytePairs } from './byte-pairs.js';
import { finish } from './finish.js';
import { highestId } from './tokenizer-files.js';
import type { Encoding, EncodeOptions, Tokenizer } from './tokenizer.js';

interface ClipVocabulary {
  /** Token → id, as in vocab.json. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** Merge rules in order of priority, as in merges.txt. */
  readonly merges: readonly (readonly [string, string])[];
  readonly added: readonly AddedToken[];
  readonly startId: number;
  readonly endId: number;
  readonly padId: number;
  readonly unknownId: number;
  readonly modelMaxLength: number;
}

/** CLIP's words: its two marks, contractions, runs of letters, single digits, runs of anything else. */
const WORDS =
  /<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\p{White_Space}\p{L}\p{N}]+/gu;
/** A mark that no added token stands for (in capitals, say) falls into these. */
const MARK_PARTS = /\p{L}+|[^\p{L}]+/gu;

/** NFC, white space to single spaces, lower case letter by letter: a final sigma is a sigma like any other. */
function clean(text: string): string {
  return text
    .normalize('NFC')
    .replace(/\p{White_Space}+/gu, ' ')
    .replace(/Σ/g, 'σ')
    .toLowerCase();
}

/**
 * Byte-level byte-pair encoding with `</w>` marking word ends, as CLIP uses it. Radford et al. 2021, "Learning
 * Transferable Visual Models", section 2.4.
 */
export class ClipTokenizer implements Tokenizer {
  readonly modelMaxLength: number;
  readonly vocabularySize: number;
  readonly #pairs: BytePairs;
  readonly #added: AddedTokens;
  readonly #cache = new Map<string, readonly number[]>();

  constructor(private readonly data: ClipVocabulary) {
    this.modelMaxLength = data.modelMaxLength;
    this.vocabularySize = 1 + highestId(data.vocabulary, data.added);
    this.#pairs = new BytePairs(data.vocabulary, data.merges, data.unknownId);
    this.#added = new AddedTokens(data.added, clean);
  }

  encode(text: string, options: EncodeOptions): Encoding {
    const ids: number[] = [];
    for (const segment of this.#added.split(text)) {
      if (typeof segment === 'number') ids.push(segment);
      else for (const [word] of segment.matchAll(WORDS)) this.#encodeWord(word, ids);
    }
    return finish(ids, this.data, options);
  }

  #encodeWord(word: string, ids: number[]): void {
    if (word.startsWith('<|') && word.endsWith('text|>')) {
      for (const [part] of word.matchAll(MARK_PARTS)) ids.push(...this.#word(part));
    } else for (const id of this.#word(word)) ids.push(id);
  }

  #word(word: string): readonly number[] {
    const known = this.#cache.get(word);
    if (known !== undefined) return known;
    const symbols = Array.from(Buffer.from(word, 'utf8'), (byte) => BYTE_CHARACTERS[byte]);
    symbols[symbols.length - 1] += '</w>';
    const ids = this.#pairs.encode(symbols);
    // Prompts are short, but nothing a customer sends may grow memory for ever.
    if (this.#cache.size > 20_000) this.#cache.clear();
    this.#cache.set(word, ids);
    return ids;
  }
}
