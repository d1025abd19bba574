import { NodeError } from '../../core/errors.js';

interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

interface StoredMatrix {
  readonly shape: readonly number[];
  readonly data: string;
}

const STARTED = 2;
const ENDED = 3;
const MAX_PHONEMES = 20;

function decode({ shape, data }: StoredMatrix): Matrix {
  const bytes = Buffer.from(data, 'base64');
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  return { rows: shape[0], columns: shape[1] ?? 1, data: values };
}

function affine(weights: Matrix, input: Float32Array, bias: Matrix): Float32Array {
  const out = new Float32Array(weights.rows);
  for (let row = 0; row < weights.rows; row++) {
    let sum = bias.data[row];
    const start = row * weights.columns;
    for (let column = 0; column < weights.columns; column++)
      sum += weights.data[start + column] * input[column];
    out[row] = sum;
  }
  return out;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** A gated recurrent unit (Cho et al., 2014) in the form whose reset gate acts after the product. */
class RecurrentCell {
  constructor(
    private readonly input: Matrix,
    private readonly state: Matrix,
    private readonly inputBias: Matrix,
    private readonly stateBias: Matrix,
  ) {}

  get width(): number {
    return this.state.columns;
  }

  step(input: Float32Array, state: Float32Array): Float32Array {
    const fromInput = affine(this.input, input, this.inputBias);
    const fromState = affine(this.state, state, this.stateBias);
    const width = this.width;
    return state.map((before, index) => {
      const reset = sigmoid(fromInput[index] + fromState[index]);
      const update = sigmoid(fromInput[width + index] + fromState[width + index]);
      const candidate = Math.tanh(fromInput[2 * width + index] + reset * fromState[2 * width + index]);
      return (1 - update) * candidate + update * before;
    });
  }
}

/** Pronounces words that no dictionary has, letter by letter, with a small recurrent network. */
export class WordGuesser {
  private constructor(
    private readonly letters: ReadonlyMap<string, number>,
    private readonly letterVectors: Matrix,
    private readonly reader: RecurrentCell,
    private readonly phonemes: readonly string[],
    private readonly phonemeVectors: Matrix,
    private readonly speaker: RecurrentCell,
    private readonly scores: Matrix,
    private readonly scoreBias: Matrix,
  ) {}

  /** @throws PACK_INVALID when the weights are not those of a letters-to-phonemes network */
  static fromJson(weights: Readonly<Record<string, unknown>>): WordGuesser {
    const matrix = (name: string): Matrix => {
      const stored = weights[name] as StoredMatrix | undefined;
      if (stored?.shape === undefined) throw new NodeError('PACK_INVALID', `g2p_model.json has no ${name}`);
      return decode(stored);
    };
    const cell = (part: 'enc' | 'dec'): RecurrentCell =>
      new RecurrentCell(
        matrix(`${part}_w_ih`),
        matrix(`${part}_w_hh`),
        matrix(`${part}_b_ih`),
        matrix(`${part}_b_hh`),
      );
    const letters = weights['graphemes'] as readonly string[];
    return new WordGuesser(
      new Map(letters.map((letter, index) => [letter, index])),
      matrix('enc_emb'),
      cell('enc'),
      weights['phonemes'] as readonly string[],
      matrix('dec_emb'),
      cell('dec'),
      matrix('fc_w'),
      matrix('fc_b'),
    );
  }

  /** ARPAbet phonemes of a lower-case word. */
  guess(word: string): string[] {
    const row = (table: Matrix, index: number): Float32Array =>
      table.data.subarray(index * table.columns, (index + 1) * table.columns);
    const unknown = this.letters.get('<unk>') ?? 0;
    let state: Float32Array = new Float32Array(this.reader.width);
    for (const letter of [...word, '</s>']) {
      state = this.reader.step(row(this.letterVectors, this.letters.get(letter) ?? unknown), state);
    }
    const spoken: string[] = [];
    let last = STARTED;
    while (spoken.length < MAX_PHONEMES) {
      state = this.speaker.step(row(this.phonemeVectors, last), state);
      const scores = affine(this.scores, state, this.scoreBias);
      last = scores.indexOf(Math.max(...scores));
      if (last === ENDED) break;
      spoken.push(this.phonemes[last]);
    }
    return spoken;
  }
}
