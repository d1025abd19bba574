/** Rate 1/4, constraint length 9, in octal; free distance 24 (Larsen 1973, table III). */
const GENERATORS = [0o463, 0o535, 0o733, 0o745];
const MEMORY = 8;
const STATES = 1 << MEMORY;

export const RATE = GENERATORS.length;
/** Times that a message is gone round before and after the part that is believed. */
const ROUNDS = 3;

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

/** The coder begins in the state it ends in, so that no tail has to be sent: Ma and Wolf 1986. */
export function encode(bits: readonly number[]): number[] {
  let register = bits.slice(-MEMORY).reduce((state, bit) => (state << 1) | bit, 0);
  return bits.flatMap((bit) => {
    register = ((register << 1) | bit) & (STATES * 2 - 1);
    return OUTPUTS[register];
  });
}

/**
 * The likeliest bits for soft values (positive: 0, negative: 1). Viterbi 1967, with correlation as metric, going
 * round the message until its start no longer matters.
 */
export function decode(soft: ArrayLike<number>): number[] {
  const length = soft.length / RATE;
  const steps = ROUNDS * length;
  let metrics = new Float64Array(STATES);
  let next = new Float64Array(STATES);
  // The bit shifted out is what the new state does not tell.
  const came = new Uint8Array(steps * STATES);
  const gains = new Float64Array(STATES * 2);
  for (let step = 0; step < steps; step++) {
    const at = (step % length) * RATE;
    for (let register = 0; register < STATES * 2; register++) {
      const output = OUTPUTS[register];
      let gain = 0;
      for (let i = 0; i < RATE; i++) gain += output[i] ? -soft[at + i] : soft[at + i];
      gains[register] = gain;
    }
    for (let state = 0; state < STATES; state++) {
      const zero = metrics[state >> 1] + gains[state];
      const one = metrics[(state >> 1) | (STATES >> 1)] + gains[state | STATES];
      came[step * STATES + state] = one > zero ? 1 : 0;
      next[state] = one > zero ? one : zero;
    }
    [metrics, next] = [next, metrics];
  }
  let state = metrics.indexOf(Math.max(...metrics));
  const bits: number[] = [];
  for (let step = steps - 1; step >= length; step--) {
    if (step < 2 * length) bits.push(state & 1);
    state = (state >> 1) | (came[step * STATES + state] << (MEMORY - 1));
  }
  return bits.reverse();
}
