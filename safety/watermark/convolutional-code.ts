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
/** The same as one number of four bits, the first one highest. */
const OUTPUT_INDEX = Uint8Array.from(OUTPUTS, (bits) => bits.reduce((index, bit) => 2 * index + bit, 0));

/** The coder begins in the state it ends in, so that no tail has to be sent: Ma and Wolf 1986. */
export function encode(bits: readonly number[]): number[] {
  let register = bits.slice(-MEMORY).reduce((state, bit) => (state << 1) | bit, 0);
  return bits.flatMap((bit) => {
    register = ((register << 1) | bit) & (STATES * 2 - 1);
    return OUTPUTS[register];
  });
}

/**
 * The likeliest messages for soft values (positive: 0, negative: 1), likeliest first. Viterbi 1967, with correlation
 * as metric, going round the message until its start no longer matters. The others are the paths that leave the best
 * one once, where that costs least: list decoding after Seshadri and Sundberg 1994, one detour deep.
 */
export function* decodings(soft: ArrayLike<number>, alternatives = 0): Generator<number[]> {
  const length = soft.length / RATE;
  const steps = ROUNDS * length;
  let metrics = new Float64Array(STATES);
  let next = new Float64Array(STATES);
  // The bit shifted out is what the new state does not tell.
  const came = new Uint8Array(steps * STATES);
  const margins = new Float32Array(steps * STATES);
  const gains = new Float64Array(1 << RATE);
  for (let step = 0; step < steps; step++) {
    const at = (step % length) * RATE;
    for (let index = 0; index < gains.length; index++) {
      let gain = 0;
      for (let i = 0; i < RATE; i++) gain += (index >> (RATE - 1 - i)) & 1 ? -soft[at + i] : soft[at + i];
      gains[index] = gain;
    }
    const row = step * STATES;
    for (let state = 0; state < STATES; state++) {
      const zero = metrics[state >> 1] + gains[OUTPUT_INDEX[state]];
      const one = metrics[(state >> 1) | (STATES >> 1)] + gains[OUTPUT_INDEX[state | STATES]];
      came[row + state] = one > zero ? 1 : 0;
      next[state] = one > zero ? one : zero;
      margins[row + state] = one > zero ? one - zero : zero - one;
    }
    [metrics, next] = [next, metrics];
  }
  const end = metrics.indexOf(Math.max(...metrics));
  /** The path back from the end; at the step `turn`, if any, it comes from the other side. */
  const path = (turn: number): { bits: number[]; costs: { step: number; cost: number }[] } => {
    let state = end;
    const bits: number[] = [];
    const costs: { step: number; cost: number }[] = [];
    for (let step = steps - 1; step >= length; step--) {
      if (step < 2 * length) bits.push(state & 1);
      if (step < 2 * length + MEMORY) costs.push({ step, cost: margins[step * STATES + state] });
      const from = came[step * STATES + state] ^ (step === turn ? 1 : 0);
      state = (state >> 1) | (from << (MEMORY - 1));
    }
    return { bits: bits.reverse(), costs };
  };
  const best = path(-1);
  yield best.bits;
  const turns = best.costs.sort((a, b) => a.cost - b.cost).slice(0, alternatives);
  for (const { step } of turns) yield path(step).bits;
}
