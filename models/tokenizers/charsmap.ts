const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Graphemes of this many bytes and more are only looked up character by character. */
const LONG_GRAPHEME_BYTES = 6;

/**
 * SentencePiece's precompiled normalisation: a double-array trie from byte strings to their replacements. Kudo &
 * Richardson 2018, "SentencePiece", section 3.5; the trie is Aoe 1989, "An Efficient Digital Search Algorithm by Using
 * a Double-Array Structure", in the unit layout of Darts-clone.
 *
 * Applied as the fast tokenizers of transformers apply it, not as SentencePiece does: grapheme by grapheme, a short
 * grapheme as a whole being replaced by what its shortest known prefix becomes.
 */
export class Charsmap {
  readonly #units: Uint32Array;
  readonly #replacements: Uint8Array;
  readonly #known = new Map<string, string>();
  readonly #graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

  /** @throws RangeError for bytes that are no charsmap */
  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const trieBytes = view.getUint32(0, true);
    if (trieBytes % 4 !== 0 || 4 + trieBytes > bytes.length)
      throw new RangeError('not a precompiled charsmap');
    this.#units = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
    this.#replacements = bytes.subarray(4 + trieBytes);
  }

  normalize(text: string): string {
    let out = '';
    for (const { segment } of this.#graphemes.segment(text)) {
      let replacement = this.#known.get(segment);
      if (replacement === undefined) {
        replacement = this.#grapheme(segment);
        if (this.#known.size > 20_000) this.#known.clear();
        this.#known.set(segment, replacement);
      }
      out += replacement;
    }
    return out;
  }

  #grapheme(grapheme: string): string {
    const bytes = encoder.encode(grapheme);
    const whole = bytes.length < LONG_GRAPHEME_BYTES ? this.#shortestPrefix(bytes) : undefined;
    if (whole !== undefined) return whole;
    return Array.from(
      grapheme,
      (character) => this.#shortestPrefix(encoder.encode(character)) ?? character,
    ).join('');
  }

  #shortestPrefix(key: Uint8Array): string | undefined {
    const units = this.#units;
    let node = childrenOf(units[0]);
    for (const byte of key) {
      if (byte === 0) return undefined;
      node ^= byte;
      const unit = units[node];
      if ((unit & 0x800000ff) !== byte) return undefined;
      node ^= childrenOf(unit);
      if ((unit >>> 8) & 1) return this.#replacementAt(units[node] & 0x7fffffff);
    }
    return undefined;
  }

  #replacementAt(start: number): string {
    const end = this.#replacements.indexOf(0, start);
    return decoder.decode(this.#replacements.subarray(start, end < 0 ? undefined : end));
  }
}

/** Distance from a node to its children. */
function childrenOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}
