/** Rate 1/4, constraint length 9, in octal; free distance 24 (Larsen 1973, table III). */
const GENERATORS = [0o463, 0o535, 0o733, 0o745];
const MEMORY = 8;
const STATES = 1 << MEMORY;

export const RATE = GENERATORS.length;
/** Zero bits that bring the encoder back to its start, so that the end is as safe as the middle. */
export const TAIL = MEMORY;

function parity(value: number): number {
  let x = value ^ (value >> 8);
  x ^= x >> 4;
  x ^= x >> 2;
  return (x ^ (x >> 1)) & 1;
}

/** Four output bits for each 9-bit register content. */
const OUTPUTS = Array.from({ length: STATES * 2 }, (_, register) =>
  GENERATORS.map((generator) => parity(register & generator)),
);

/** Bits (0 or 1) to `RATE · (bits + TAIL)` coded bits. */
export function encode(bits: readonly number[]): number[] {
  let register = 0;
  return [...bits, ...new Array<number>(TAIL).fill(0)].flatMap((bit) => {
    register = ((register << 1) | bit) & (STATES * 2 - 1);
    return OUTPUTS[register];
  });
}

/** The likeliest bits for soft values (positive: 0, negative: 1). Viterbi 1967, with correlation as metric. */
export function decode(soft: ArrayLike<number>): number[] {
  const steps = soft.length / RATE;
  let metrics = new Float64Array(STATES).fill(-Infinity);
  metrics[0] = 0;
  const came = new Uint8Array(steps * STATES);
  for (let step = 0; step < steps; step++) {
    const next = new Float64Array(STATES).fill(-Infinity);
    for (let state = 0; state < STATES; state++) {
      if (metrics[state] === -Infinity) continue;
      for (let bit = 0; bit < (step < steps - TAIL ? 2 : 1); bit++) {
        const register = (state << 1) | bit;
        const output = OUTPUTS[register];
        let metric = metrics[state];
        for (let i = 0; i < RATE; i++) metric += output[i] ? -soft[step * RATE + i] : soft[step * RATE + i];
        const to = register & (STATES - 1);
        if (metric > next[to]) {
          next[to] = metric;
          // The bit shifted out is what the new state does not tell.
          came[step * STATES + to] = state >> (MEMORY - 1);
        }
      }
    }
    metrics = next;
  }
  const bits: number[] = [];
  for (let step = steps - 1, state = 0; step >= 0; step--) {
    bits.push(state & 1);
    state = (state >> 1) | (came[step * STATES + state] << (MEMORY - 1));
  }
  return bits.reverse().slice(0, steps - TAIL);
}
