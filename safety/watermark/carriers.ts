import { createHmac } from 'node:crypto';
import { CODED_BITS } from './message.js';

/** Harmonics of the tile in cycles: low enough for scaling and compression, high enough to hide. */
const INNER = 5;
/** The highest harmonic of luma, Cb and Cr: the eye and every codec keep less detail in colour. */
const PICTURE_OUTER = [30, 22, 22] as const;
/** Films have luma alone, and larger tiles: the finer part of the pattern costs a codec least and is read best. */
const FILM_OUTER = [40] as const;
/** One carrier in six is a pilot: enough to find the mark wherever its message can be read. */
const PILOT_SHARE = 1 / 6;

/** The keyed plan of one channel: which harmonics there are, their secret phases, what each one carries. */
export interface Carriers {
  readonly outer: number;
  readonly count: number;
  /** Horizontal and vertical frequency in cycles per tile; u > 0, or u = 0 and v > 0. */
  readonly u: Int16Array;
  readonly v: Int16Array;
  /** Rings of like radius, whitened and weighed together; numbered from the inside. */
  readonly ring: Uint8Array;
  readonly rings: number;
  /** The secret phase as a point on the unit circle. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  /** Coded bits on the two axes of a data carrier; -1 for a pilot, whose symbol is known. */
  readonly first: Int16Array;
  readonly second: Int16Array;
  /** Places of the pilots, and of each pilot's mirror image in v. */
  readonly pilots: Int16Array;
  readonly mirrors: Int16Array;
}

/** Uniform numbers in [0, 1) that follow from a key: HMAC-SHA-256 in counter mode. */
function keyedNumbers(key: Uint8Array, purpose: string): () => number {
  let block = Buffer.alloc(0);
  let counter = 0;
  let at = 0;
  return () => {
    if (at + 4 > block.length) {
      block = createHmac('sha256', key).update(`${purpose} ${counter++}`).digest();
      at = 0;
    }
    at += 4;
    return block.readUInt32BE(at - 4) / 4294967296;
  };
}

const plans = new Map<string, readonly Carriers[]>();

function planOf(key: Uint8Array, purpose: string, outers: readonly number[]): readonly Carriers[] {
  const name = `${purpose} ${Buffer.from(key).toString('hex')}`;
  const known = plans.get(name);
  if (known !== undefined) return known;
  const random = keyedNumbers(key, purpose);
  const plan = outers.map((outer) => channelPlan(outer, random));
  plans.set(name, plan);
  return plan;
}

/** The carriers of a key for the luma, Cb and Cr of pictures; made once for each key. */
export function carriersOf(key: Uint8Array): readonly Carriers[] {
  return planOf(key, 'picture', PICTURE_OUTER);
}

/** The same for the luma of films. */
export function filmCarriersOf(key: Uint8Array): readonly Carriers[] {
  return planOf(key, 'film', FILM_OUTER);
}

/** Coded bits are dealt from the inside outwards, so that each is carried at every radius. */
function channelPlan(outer: number, random: () => number): Carriers {
  const list: { u: number; v: number; radius: number }[] = [];
  for (let u = 0; u <= outer; u++) {
    for (let v = -outer; v <= outer; v++) {
      const radius = Math.hypot(u, v);
      if (radius >= INNER && radius <= outer && (u > 0 || v > 0)) list.push({ u, v, radius });
    }
  }
  list.sort((a, b) => a.radius - b.radius || a.u - b.u || a.v - b.v);
  const place = new Map(list.map(({ u, v }, index) => [`${u} ${v}`, index]));
  let slots: number[] = [];
  const nextBit = (): number => {
    if (slots.length === 0) slots = shuffled(CODED_BITS, random);
    return slots.pop() ?? 0;
  };
  // A pilot's mirror image is a pilot too, so that mirrored pictures are found from the same samples.
  const chosen = new Set<string>();
  for (const { u, v } of list) if (v >= 0 && random() < PILOT_SHARE) chosen.add(`${u} ${v}`);
  const isPilot = list.map(({ u, v }) => chosen.has(`${u} ${Math.abs(v)}`));
  const phases = list.map(() => random() * 2 * Math.PI);
  const pilots = list.flatMap((_, index) => (isPilot[index] ? [index] : []));
  const ring = Uint8Array.from(list, ({ radius }) => (radius - INNER) >> 1);
  return {
    outer,
    count: list.length,
    u: Int16Array.from(list, ({ u }) => u),
    v: Int16Array.from(list, ({ v }) => v),
    ring,
    rings: ring[ring.length - 1] + 1,
    cos: Float32Array.from(phases, Math.cos),
    sin: Float32Array.from(phases, Math.sin),
    first: Int16Array.from(list, (_, index) => (isPilot[index] ? -1 : nextBit())),
    second: Int16Array.from(list, (_, index) => (isPilot[index] ? -1 : nextBit())),
    pilots: Int16Array.from(pilots),
    mirrors: Int16Array.from(pilots, (index) => {
      const { u, v } = list[index];
      return place.get(`${u} ${u === 0 ? v : -v}`) ?? index;
    }),
  };
}

function shuffled(length: number, random: () => number): number[] {
  const order = Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
