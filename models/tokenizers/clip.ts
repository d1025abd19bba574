import type { Encoding, EncodeOptions, Tokenizer } from './tokenizer.js';

export interface ClipVocabulary {
  /** Token → id, as in vocab.json. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** Merge rules in order of priority, as in merges.txt. */
  readonly merges: readonly (readonly [string, string])[];
  readonly startId: number;
  readonly endId: number;
  readonly padId: number;
  readonly modelMaxLength: number;
}

/** Printable stand-ins for all 256 bytes, as GPT-2 chose them: visible Latin-1 stays, the rest move up to U+0100. */
function byteAlphabet(): string[] {
  const visible = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(visible(byte) ? byte : next++));
}
const BYTE_CHARACTERS = byteAlphabet();

/** CLIP's words: its two special tokens, contractions, runs of letters, single digits, runs of anything else. */
const WORDS = /<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/giu;

/**
 * Byte-level byte-pair encoding with `</w>` marking word ends, as CLIP uses it.
 * Sennrich et al. 2016, algorithm 1; Radford et al. 2021, section 2.4.
 */
export class ClipTokenizer implements Tokenizer {
  readonly modelMaxLength: number;
  readonly vocabularySize: number;
  readonly #ranks = new Map<string, number>();
  readonly #cache = new Map<string, readonly number[]>();
  readonly #unknownId: number;

  constructor(private readonly data: ClipVocabulary) {
    this.modelMaxLength = data.modelMaxLength;
    this.vocabularySize = data.vocabulary.size;
    data.merges.forEach(([left, right], rank) => this.#ranks.set(`${left} ${right}`, rank));
    // CLIP has no token for the unknown: its end token stands for it.
    this.#unknownId = data.endId;
  }

  encode(text: string, { maxLength, pad }: EncodeOptions): Encoding {
    const clean = text.normalize('NFC').replace(/\s+/gu, ' ').trim().toLowerCase();
    const ids: number[] = [this.data.startId];
    for (const [word] of clean.matchAll(WORDS)) {
      if (word === '<|startoftext|>') ids.push(this.data.startId);
      else if (word === '<|endoftext|>') ids.push(this.data.endId);
      else for (const id of this.#word(word)) ids.push(id);
    }
    const truncated = ids.length + 1 > maxLength;
    if (truncated) ids.length = maxLength - 1;
    ids.push(this.data.endId);
    const attentionMask = ids.map(() => 1);
    while (pad && ids.length < maxLength) {
      ids.push(this.data.padId);
      attentionMask.push(0);
    }
    return { ids, attentionMask, truncated };
  }

  #word(word: string): readonly number[] {
    const known = this.#cache.get(word);
    if (known !== undefined) return known;
    const bytes = Array.from(Buffer.from(word, 'utf8'), (byte) => BYTE_CHARACTERS[byte]);
    bytes[bytes.length - 1] += '</w>';
    const ids = this.#merge(bytes).map((token) => this.data.vocabulary.get(token) ?? this.#unknownId);
    // Prompts are short, but nothing a customer sends may grow memory for ever.
    if (this.#cache.size > 20_000) this.#cache.clear();
    this.#cache.set(word, ids);
    return ids;
  }

  #merge(start: string[]): string[] {
    let tokens = start;
    while (tokens.length > 1) {
      let best = Infinity;
      let at = -1;
      for (let i = 0; i + 1 < tokens.length; i++) {
        const rank = this.#ranks.get(`${tokens[i]} ${tokens[i + 1]}`);
        if (rank !== undefined && rank < best) [best, at] = [rank, i];
      }
      if (at < 0) break;
      const [left, right] = this.data.merges[best];
      const merged: string[] = [];
      for (let i = 0; i < tokens.length; i++) {
        if (i + 1 < tokens.length && tokens[i] === left && tokens[i + 1] === right) {
          merged.push(left + right);
          i++;
        } else merged.push(tokens[i]);
      }
      tokens = merged;
    }
    return tokens;
  }
}
