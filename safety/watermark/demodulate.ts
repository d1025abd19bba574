import { CODED_BITS, type Carriers } from './carriers.js';
import { decode, encode } from './convolutional-code.js';
import { crc16, PAYLOAD_BYTES, toHex } from './payload.js';
import type { Values } from './tile.js';

/**
 * Below this pilot correlation nothing is believed, whatever the CRC says: after a search of very many places, and
 * where only one was looked at. docs/watermark.md has the odds.
 */
export const SEARCHED_Z = 6.2;
export const AS_MADE_Z = 4.5;
/**
 * What the message, coded again, must agree with the carriers that held it. A wrong message is the best of many, so
 * chance alone reaches about 9; of the 2^48 messages whose CRC fits, one above 10 comes up once in 5e8 decodings.
 */
const MINIMUM_AGREEMENT = 10;
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

/** Agreement of whitened pilots with what is known of them, in standard deviations of chance. */
export function pilotZ(channels: readonly Values[], plan: readonly Carriers[]): number {
  let sum = 0;
  let energy = 0;
  plan.forEach(({ pilots, cos, sin }, channel) => {
    const { re, im } = channels[channel];
    for (const i of pilots) {
      sum += re[i] * cos[i] + im[i] * sin[i];
      energy += re[i] * re[i] + im[i] * im[i];
    }
  });
  return energy === 0 ? 0 : sum / Math.sqrt(energy / 2);
}

/** The payload that whitened values hold, in hex; undefined where the CRC or the carriers do not bear it out. */
export function payloadOf(channels: readonly Values[], plan: readonly Carriers[]): string | undefined {
  const soft = new Float64Array(CODED_BITS);
  let energy = 0;
  plan.forEach((carriers, channel) => {
    const { re, im } = channels[channel];
    const reliability = ringReliability(channels[channel], carriers);
    for (let i = 0; i < carriers.count; i++) {
      if (carriers.first[i] < 0) continue;
      const weight = reliability[carriers.ring[i]];
      energy += weight * weight * (re[i] * re[i] + im[i] * im[i]);
      soft[carriers.first[i]] += weight * (re[i] * carriers.cos[i] + im[i] * carriers.sin[i]);
      soft[carriers.second[i]] += weight * (im[i] * carriers.cos[i] - re[i] * carriers.sin[i]);
    }
  });
  const bits = decode(soft);
  const bytes = Uint8Array.from({ length: PAYLOAD_BYTES + 2 }, (_, index) =>
    bits.slice(index * 8, index * 8 + 8).reduce((byte, bit) => (byte << 1) | bit, 0),
  );
  const payload = bytes.subarray(0, PAYLOAD_BYTES);
  const fits = crc16(payload) === (bytes[PAYLOAD_BYTES] << 8) + bytes[PAYLOAD_BYTES + 1];
  return fits && agreement(bits, soft, energy) >= MINIMUM_AGREEMENT ? toHex(payload) : undefined;
}

/** Correlation of soft values with the coded message, in standard deviations of chance for one given message. */
function agreement(bits: readonly number[], soft: Float64Array, energy: number): number {
  const sum = encode(bits).reduce((total, bit, at) => total + (bit ? -soft[at] : soft[at]), 0);
  return energy === 0 ? 0 : sum / Math.sqrt(energy);
}

/** How well the pilots of each ring and its neighbours agree with what is known of them. */
function ringReliability({ re, im }: Values, carriers: Carriers): Float64Array {
  const sum = new Float64Array(carriers.rings);
  const count = new Float64Array(carriers.rings);
  for (const i of carriers.pilots) {
    sum[carriers.ring[i]] += re[i] * carriers.cos[i] + im[i] * carriers.sin[i];
    count[carriers.ring[i]] += 1;
  }
  return sum.map((_, ring) => {
    let agreement = 0;
    let pilots = 0;
    for (let near = Math.max(0, ring - 1); near <= Math.min(carriers.rings - 1, ring + 1); near++) {
      const share = near === ring ? 1 : 0.5;
      agreement += share * sum[near];
      pilots += share * count[near];
    }
    const mean = pilots === 0 ? 0 : agreement / pilots;
    // Signal over noise: what is not agreement is noise.
    return Math.max(0.02, mean) / (1.2 - Math.min(0.9, Math.max(0, mean)) ** 2);
  });
}
