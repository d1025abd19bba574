/** How much worse an unknown character is than the worst piece, in natural logarithms. */
const UNKNOWN_PENALTY = 10;

export interface UnigramVocabulary {
  /** Pieces with their log probabilities, in order of their ids. */
  readonly pieces: readonly (readonly [piece: string, score: number])[];
  readonly unknownId: number;
  /** Spell what the vocabulary lacks in pieces `<0x00>` to `<0xFF>`. */
  readonly byteFallback: boolean;
}

/**
 * The most probable cut of a word into pieces. Kudo 2018, "Subword Regularization", section 3.2, by Viterbi's
 * algorithm; neighbouring unknown characters become one unknown piece.
 */
export class Unigram {
  readonly #ids = new Map<string, number>();
  readonly #scores: readonly number[];
  readonly #unknownScore: number;
  readonly #longest: number;

  constructor(private readonly data: UnigramVocabulary) {
    data.pieces.forEach(([piece], id) => this.#ids.set(piece, id));
    this.#scores = data.pieces.map(([, score]) => score);
    this.#unknownScore =
      this.#scores.reduce((low, score) => Math.min(low, score), Infinity) - UNKNOWN_PENALTY;
    this.#longest = data.pieces.reduce((most, [piece]) => Math.max(most, piece.length), 0);
  }

  idOf(piece: string): number | undefined {
    return this.#ids.get(piece);
  }

  /** Ids of a text without white space. */
  encode(text: string): number[] {
    const pieces = this.#bestPieces(text);
    return pieces.flatMap((piece) => {
      const id = this.#ids.get(piece);
      if (id !== undefined) return [id];
      return (this.data.byteFallback ? this.#spelled(piece) : undefined) ?? [this.data.unknownId];
    });
  }

  #bestPieces(text: string): string[] {
    const { unknownId } = this.data;
    const size = text.length;
    const best = new Float64Array(size + 1).fill(-Infinity);
    const start = new Int32Array(size + 1).fill(-1);
    const unknown = new Uint8Array(size + 1);
    best[0] = 0;
    for (let at = 0; at < size;) {
      const character = String.fromCodePoint(text.codePointAt(at)!).length;
      let single = false;
      for (let end = at + 1; end <= Math.min(size, at + this.#longest); end++) {
        const id = this.#ids.get(text.slice(at, end));
        if (id === undefined) continue;
        const score = this.#scores[id] + best[at];
        if (start[end] < 0 || score > best[end]) {
          best[end] = score;
          start[end] = at;
          unknown[end] = id === unknownId ? 1 : 0;
        }
        if (end - at === character) single = true;
      }
      const end = at + character;
      if (!single && (start[end] < 0 || this.#unknownScore + best[at] > best[end])) {
        best[end] = this.#unknownScore + best[at];
        start[end] = at;
        unknown[end] = 1;
      }
      at += character;
    }
    const pieces: string[] = [];
    for (let end = size, joins = false; end > 0; end = start[end]) {
      const piece = text.slice(start[end], end);
      if (joins && unknown[end]) pieces[pieces.length - 1] = piece + pieces[pieces.length - 1];
      else pieces.push(piece);
      joins = unknown[end] === 1;
    }
    return pieces.reverse();
  }

  #spelled(piece: string): number[] | undefined {
    const ids: number[] = [];
    for (const byte of Buffer.from(piece, 'utf8')) {
      const id = this.#ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
      if (id === undefined) return undefined;
      ids.push(id);
    }
    return ids;
  }
}
