import { createHmac } from 'node:crypto';
import { encode, RATE, TAIL } from './convolutional-code.js';
import { GRID } from './fft.js';
import { crc16, PAYLOAD_BYTES } from './payload.js';

/** Harmonics of the tile that carry the mark: low enough for scaling and compression, high enough to hide. */
const INNER = 5;
const OUTER = 30;
/** One carrier in four is a pilot. */
const PILOT_EVERY = 4;
const MESSAGE_BITS = PAYLOAD_BYTES * 8 + 16;
/** Coded bits of a message. */
export const CODED_BITS = RATE * (MESSAGE_BITS + TAIL);

/** The keyed plan of a mark: which harmonics there are, their secret phases, what each one carries. */
export interface Carriers {
  readonly count: number;
  /** Horizontal and vertical frequency in cycles per tile; v > 0, or v = 0 and u > 0. */
  readonly u: Int16Array;
  readonly v: Int16Array;
  readonly radius: Float32Array;
  /** Secret phase in radians. */
  readonly phase: Float32Array;
  /** True for pilots, whose symbol is known. */
  readonly pilot: Uint8Array;
  /** For data carriers: which two coded bits their QPSK symbol holds. */
  readonly first: Int16Array;
  readonly second: Int16Array;
}

/** Uniform numbers in [0, 1) that follow from a key: HMAC-SHA-256 in counter mode. */
function keyedNumbers(key: Uint8Array): () => number {
  let block = Buffer.alloc(0);
  let counter = 0;
  let at = 0;
  return () => {
    if (at + 4 > block.length) {
      block = createHmac('sha256', key).update(`picture ${counter++}`).digest();
      at = 0;
    }
    at += 4;
    return block.readUInt32BE(at - 4) / 4294967296;
  };
}

const plans = new Map<string, Carriers>();

/** The carriers of a key. Coded bits are dealt ring by ring, so that each is carried at every radius. */
export function carriersOf(key: Uint8Array): Carriers {
  const name = Buffer.from(key).toString('hex');
  const known = plans.get(name);
  if (known !== undefined) return known;
  const list: { u: number; v: number; radius: number }[] = [];
  for (let v = 0; v <= OUTER; v++) {
    for (let u = -OUTER; u <= OUTER; u++) {
      const radius = Math.hypot(u, v);
      if (radius >= INNER && radius <= OUTER && (v > 0 || u > 0)) list.push({ u, v, radius });
    }
  }
  const random = keyedNumbers(key);
  list.sort((a, b) => a.radius - b.radius || a.v - b.v || a.u - b.u);
  const count = list.length;
  const slots: number[] = [];
  const nextBit = () => {
    if (slots.length === 0) {
      for (let i = 0; i < CODED_BITS; i++) slots.splice(Math.floor(random() * (slots.length + 1)), 0, i);
    }
    return slots.pop() ?? 0;
  };
  const carriers: Carriers = {
    count,
    u: Int16Array.from(list, ({ u }) => u),
    v: Int16Array.from(list, ({ v }) => v),
    radius: Float32Array.from(list, ({ radius }) => radius),
    phase: Float32Array.from(list, () => random() * 2 * Math.PI),
    pilot: Uint8Array.from(list, (_, i) => (i % PILOT_EVERY === 0 ? 1 : 0)),
    first: new Int16Array(count),
    second: new Int16Array(count),
  };
  for (let i = 0; i < count; i++) {
    if (carriers.pilot[i]) continue;
    carriers.first[i] = nextBit();
    carriers.second[i] = nextBit();
  }
  plans.set(name, carriers);
  return carriers;
}

function bitsOf(bytes: Uint8Array): number[] {
  return Array.from(bytes).flatMap((byte) => Array.from({ length: 8 }, (_, i) => (byte >> (7 - i)) & 1));
}

/** Phase of every carrier, in radians, for a payload. */
export function symbolPhases(carriers: Carriers, payload: Uint8Array): Float64Array {
  const crc = crc16(payload);
  const coded = encode(bitsOf(Uint8Array.of(...payload, crc >> 8, crc & 255)));
  return Float64Array.from({ length: carriers.count }, (_, i) => {
    if (carriers.pilot[i]) return carriers.phase[i];
    const x = coded[carriers.first[i]] ? -1 : 1;
    const y = coded[carriers.second[i]] ? -1 : 1;
    return carriers.phase[i] + Math.atan2(y, x);
  });
}

/** Where a carrier stands on the frequency grid. */
export function gridIndex(u: number, v: number): number {
  return ((v + GRID) % GRID) * GRID + ((u + GRID) % GRID);
}
