import type { Carriers } from './carriers.js';
import { decodings, encode } from './convolutional-code.js';
import { CODED_BITS, payloadIn } from './message.js';
import type { Values } from './tile.js';

/**
 * Below this pilot correlation no message is decoded: after a search of very many places, and where only one was
 * looked at. There it only saves time: where a codec left nothing but the inner rings, all pilots together agree little.
 * What protects against false readings is MINIMUM_AGREEMENT; docs/watermark.md has the odds.
 */
export const SEARCHED_Z = 5.2;
export const AS_MADE_Z = 1;
/**
 * What the message, coded again, must agree with the carriers that held it, in standard deviations of chance for one
 * given message. 2^48 messages have a CRC that fits, so chance brings one of them above 11 once in 2e13 decodings.
 */
const MINIMUM_AGREEMENT = 11;
/** Messages that are tried after the likeliest, and times that the worth of the rings is told anew. */
const ALTERNATIVES = 12;
const ROUNDS = 2;
/** Where a whitened value is cut off: single host harmonics must not outvote the rest. */
const LIMIT = 2;

/** Values divided by the size that is usual on their ring, large ones limited. Works in place on the list given. */
export function whitenRings(values: Values, carriers: Carriers, which?: Int16Array): void {
  const sum = new Float64Array(carriers.rings);
  const count = new Float64Array(carriers.rings);
  const total = which === undefined ? carriers.count : which.length;
  for (let n = 0; n < total; n++) {
    const i = which === undefined ? n : which[n];
    const size = Math.sqrt(values.re[i] * values.re[i] + values.im[i] * values.im[i]);
    if (size === 0) continue;
    // Amplitudes rather than powers: one strong edge in the host must not silence its whole ring.
    sum[carriers.ring[i]] += size;
    count[carriers.ring[i]] += 1;
  }
  for (let n = 0; n < total; n++) {
    const i = which === undefined ? n : which[n];
    const level = sum[carriers.ring[i]] / Math.max(1, count[carriers.ring[i]]);
    if (level === 0) continue;
    const size = Math.sqrt(values.re[i] * values.re[i] + values.im[i] * values.im[i]) / level;
    const gain = (size > LIMIT ? LIMIT / size : 1) / level;
    values.re[i] *= gain;
    values.im[i] *= gain;
  }
}

/**
 * What pilots of luma, Cb and Cr count for when a mark is looked for: codecs and scaling leave colour about a third
 * of the agreement that they leave luma, and what is barely there must not drown what is.
 */
export const PILOT_WEIGHTS = [1, 0.35, 0.35] as const;

/** Agreement of whitened pilots with what is known of them, in standard deviations of chance. */
export function pilotZ(channels: readonly Values[], plan: readonly Carriers[]): number {
  let sum = 0;
  let energy = 0;
  plan.forEach(({ pilots, cos, sin }, channel) => {
    const { re, im } = channels[channel];
    const weight = PILOT_WEIGHTS[channel];
    for (const i of pilots) {
      sum += weight * (re[i] * cos[i] + im[i] * sin[i]);
      energy += weight * weight * (re[i] * re[i] + im[i] * im[i]);
    }
  });
  return energy === 0 ? 0 : sum / Math.sqrt(energy / 2);
}

/** A message that whitened values may hold, and what it agrees by, in standard deviations of chance. */
interface Reading {
  readonly bits: number[];
  readonly agreement: number;
  /** 0 where the rings were weighed by their pilots, 1 where by all carriers with the likeliest message taken for true. */
  readonly round: number;
}

/** The likeliest messages first, of either weighting of the rings. */
export function* readings(channels: readonly Values[], plan: readonly Carriers[]): Generator<Reading> {
  let worth = plan.map((carriers, channel) => ringWorth(channels[channel], carriers, undefined));
  for (let round = 0; round < ROUNDS; round++) {
    const { soft, energy } = softBits(channels, plan, worth);
    let likeliest: number[] | undefined;
    for (const bits of decodings(soft, ALTERNATIVES)) {
      likeliest ??= bits;
      yield { bits, agreement: agreement(bits, soft, energy), round };
    }
    const coded = encode(likeliest ?? []);
    worth = plan.map((carriers, channel) => ringWorth(channels[channel], carriers, coded));
  }
}

/** The payload that whitened values hold, in hex; undefined where the CRC or the carriers do not bear it out. */
export function payloadOf(channels: readonly Values[], plan: readonly Carriers[]): string | undefined {
  for (const { bits, agreement: agreed } of readings(channels, plan)) {
    const payload = payloadIn(bits);
    if (payload !== undefined && agreed >= MINIMUM_AGREEMENT) return payload;
  }
  return undefined;
}

/** Coded bits as all their carriers have them (positive: 0), and the energy that went into them. */
function softBits(
  channels: readonly Values[],
  plan: readonly Carriers[],
  worth: readonly Float64Array[],
): { soft: Float64Array; energy: number } {
  const soft = new Float64Array(CODED_BITS);
  let energy = 0;
  plan.forEach(({ count, first, second, ring, cos, sin }, channel) => {
    const { re, im } = channels[channel];
    for (let i = 0; i < count; i++) {
      if (first[i] < 0) continue;
      const weight = worth[channel][ring[i]];
      energy += weight * weight * (re[i] * re[i] + im[i] * im[i]);
      soft[first[i]] += weight * (re[i] * cos[i] + im[i] * sin[i]);
      soft[second[i]] += weight * (im[i] * cos[i] - re[i] * sin[i]);
    }
  });
  return { soft, energy };
}

/** Correlation of soft values with the coded message, in standard deviations of chance for one given message. */
function agreement(bits: readonly number[], soft: Float64Array, energy: number): number {
  const sum = encode(bits).reduce((total, bit, at) => total + (bit ? -soft[at] : soft[at]), 0);
  return energy === 0 ? 0 : sum / Math.sqrt(energy);
}

/** What each further ring counts for beside a ring's own carriers: rings are small, and neighbours fare alike. */
const NEIGHBOUR = 0.5;

/**
 * Signal over noise of each ring: how well its pilots, and its data carriers where the coded message is given, agree
 * with what they should hold. Rings of few carriers lean on their neighbours.
 */
function ringWorth(
  { re, im }: Values,
  carriers: Carriers,
  coded: readonly number[] | undefined,
): Float64Array {
  const { rings, ring, count, first, second, cos, sin } = carriers;
  const sum = new Float64Array(rings);
  const held = new Float64Array(rings);
  for (let i = 0; i < count; i++) {
    const real = re[i] * cos[i] + im[i] * sin[i];
    if (first[i] < 0) sum[ring[i]] += real;
    else if (coded !== undefined) {
      const imaginary = im[i] * cos[i] - re[i] * sin[i];
      sum[ring[i]] +=
        Math.SQRT1_2 * ((coded[first[i]] ? -real : real) + (coded[second[i]] ? -imaginary : imaginary));
    } else continue;
    held[ring[i]] += 1;
  }
  return sum.map((_, r) => {
    let near = 0;
    let total = 0;
    for (let other = 0; other < rings; other++) {
      const share = NEIGHBOUR ** Math.abs(other - r);
      near += share * sum[other];
      total += share * held[other];
    }
    const level = Math.min(0.95, Math.max(0.02, total === 0 ? 0 : near / total));
    // What is not agreement is noise; a whitened value has a mean square of about 1.2.
    return level / (1.2 - level * level);
  });
}
