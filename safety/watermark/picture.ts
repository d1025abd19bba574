import type { RgbImage } from '../../core/media.js';
import { carriersOf, codedBits, type Carriers } from './carriers.js';
import { MINIMUM_Z, payloadOf, pilotZ, whitenRings } from './demodulate.js';
import { eroded, passed, readerWeight, whitened, type Whitened } from './local-contrast.js';
import { blockPlanes } from './planes.js';
import { searchPicture } from './search.js';
import { layoutOf, radiusFor, type Layout } from './layout.js';
import { emptyValues, folded, projected, synthesised, type Values } from './tile.js';

/**
 * Invisible watermark of a picture: a keyed periodic pattern in luma and colour, a third of the short side wide,
 * so that any part of the picture of that size holds the whole payload. Its strength follows the picture's own
 * liveliness; docs/watermark.md tells the design and what it withstands.
 */
export type Detection =
  | { readonly found: true; readonly payload: string; readonly confidence: number }
  | { readonly found: false; readonly confidence: number };

export interface DetectOptions {
  /** `as-made`: not scaled, cropped or turned since it was marked. `full`: searched for; takes about a second. */
  readonly search?: 'as-made' | 'full';
}

/** Strength in levels (RMS): the same everywhere, more where the picture is lively, never above the cap. */
const LUMA = { floor: 0.55, perDeviation: 0.1, cap: 4.5 };
const COLOUR = { floor: 0.4, perDeviation: 0.05, cap: 3.5 };
/** Below this luma the eye sees noise most and the display adds to it; near white there is no room. */
const DARK = 40;
const BRIGHT = 235;
/** How far a carrier's share may move from its nominal one. */
const LEAST_SHARE = 0.3;
const MOST_SHARE = 2.2;

function whitenedPlanes(image: RgbImage, layout: Layout): Whitened[] {
  return blockPlanes(image, layout.factor).map((plane, channel) =>
    whitened(plane, radiusFor(channel === 0 ? layout.side : layout.side / 2)),
  );
}

function measured(planes: readonly Whitened[], plan: readonly Carriers[], layout: Layout): Values[] {
  return planes.map((plane, channel) => {
    const side = channel === 0 ? layout.side : layout.side / 2;
    return projected(folded(plane, side), side, plan[channel]);
  });
}

/** Strength of the mark at each cell of luma, for luma and for colour. */
function strengths(luma: Whitened): { luma: Float32Array; colour: Float32Array } {
  const calm = eroded(luma);
  const colour = new Float32Array(calm.length);
  for (let i = 0; i < calm.length; i++) {
    const level = luma.mean[i];
    const shade =
      level < DARK ? 0.6 + (0.4 * level) / DARK : level > BRIGHT ? 1 - (0.3 * (level - BRIGHT)) / 20 : 1;
    const lively = calm[i];
    const y = LUMA.floor + LUMA.perDeviation * lively;
    const c = COLOUR.floor + COLOUR.perDeviation * lively;
    calm[i] = shade * (y < LUMA.cap ? y : LUMA.cap);
    colour[i] = shade * (c < COLOUR.cap ? c : COLOUR.cap);
  }
  return { luma: calm, colour };
}

/**
 * Complex amplitude of every carrier. Axes that the picture itself pushes the wrong way get more, those it helps
 * get less, at the same power on every ring: informed embedding, Cox, Miller & Bloom 2002, chapter 5.
 */
function informed(host: Values, carriers: Carriers, coded: readonly number[], gain: Float64Array): Values {
  const out = emptyValues(carriers.count);
  const nominal = Math.sqrt(2 / carriers.count);
  for (let ring = 0; ring < carriers.rings; ring++) {
    const axes: { carrier: number; imaginary: boolean; sign: number; size: number; push: number }[] = [];
    for (let i = 0; i < carriers.count; i++) {
      if (carriers.ring[i] !== ring) continue;
      const real = host.re[i] * carriers.cos[i] + host.im[i] * carriers.sin[i];
      const imaginary = host.im[i] * carriers.cos[i] - host.re[i] * carriers.sin[i];
      if (carriers.first[i] < 0) {
        axes.push({ carrier: i, imaginary: false, sign: 1, size: 1, push: real / gain[i] });
        continue;
      }
      const a = coded[carriers.first[i]] ? -1 : 1;
      const b = coded[carriers.second[i]] ? -1 : 1;
      const size = Math.SQRT1_2;
      axes.push({ carrier: i, imaginary: false, sign: a, size, push: (a * real) / (gain[i] * size) });
      axes.push({ carrier: i, imaginary: true, sign: b, size, push: (b * imaginary) / (gain[i] * size) });
    }
    const spread = Math.sqrt(axes.reduce((sum, { push }) => sum + push * push, 0) / axes.length);
    const scale = 1 / Math.max(1, spread);
    const share = (push: number, target: number): number =>
      Math.min(MOST_SHARE, Math.max(LEAST_SHARE, target - push * scale));
    let low = -3;
    let high = 6;
    for (let step = 0; step < 14; step++) {
      const target = (low + high) / 2;
      const power = axes.reduce((sum, { push }) => sum + share(push, target) ** 2, 0) / axes.length;
      if (power > 1) high = target;
      else low = target;
    }
    for (const { carrier, imaginary, sign, size, push } of axes) {
      const amount = nominal * sign * size * share(push, low);
      out.re[carrier] += amount * (imaginary ? -carriers.sin[carrier] : carriers.cos[carrier]);
      out.im[carrier] += amount * (imaginary ? carriers.cos[carrier] : carriers.sin[carrier]);
    }
  }
  return out;
}

/** What a reader would measure of each carrier at its nominal amplitude. */
function readerGain(carriers: Carriers, side: number, radius: number, worth: number): Float64Array {
  const half = Math.sqrt(2 / carriers.count) / 2;
  return Float64Array.from(
    { length: carriers.count },
    (_, i) => worth * half * Math.max(0.1, passed(carriers.u[i] / side, carriers.v[i] / side, radius)),
  );
}

/** A copy of the picture that carries the payload (6 bytes). The same picture, payload and key give the same bytes. */
export function embedPicture(image: RgbImage, payload: Uint8Array, key: Uint8Array): RgbImage {
  const layout = layoutOf(image.width, image.height);
  const plan = carriersOf(key);
  const coded = codedBits(payload);
  const planes = whitenedPlanes(image, layout);
  const host = measured(planes, plan, layout);
  const strength = strengths(planes[0]);
  const tiles = plan.map((carriers, channel) => {
    const plane = planes[channel];
    const map = channel === 0 ? strength.luma : strength.colour;
    let worth = 0;
    for (let y = 0, i = 0; y < plane.height; y++) {
      for (let x = 0; x < plane.width; x++, i++) {
        const at = channel === 0 ? i : 2 * y * planes[0].width + 2 * x;
        worth += map[at] * readerWeight(plane.deviation[i]);
      }
    }
    const side = channel === 0 ? layout.side : layout.side / 2;
    const gain = readerGain(carriers, side, plane.radius, worth);
    return synthesised(informed(host[channel], carriers, coded, gain), layout.period, carriers);
  });
  return added(image, tiles, strength, planes[0].width, planes[0].height, layout);
}

/** The picture plus its tiles (luma, Cb, Cr), at the strength of each cell. */
function added(
  { width, height, data }: RgbImage,
  [luma, blue, red]: readonly Float32Array[],
  strength: { luma: Float32Array; colour: Float32Array },
  columns: number,
  rows: number,
  { period, factor }: Layout,
): RgbImage {
  const out = new Uint8Array(data.length);
  // Rounds and limits by itself.
  const clamped = new Uint8ClampedArray(out.buffer);
  const green = Float32Array.from(blue, (value, i) => -0.344136 * value - 0.714136 * red[i]);
  const cellOf = Int32Array.from({ length: width }, (_, x) => Math.min(columns - 1, Math.floor(x / factor)));
  for (let y = 0, p = 0; y < height; y++) {
    const row = (y % period) * period;
    const cells = Math.min(rows - 1, Math.floor(y / factor)) * columns;
    for (let x = 0, t = row; x < width; x++, p += 3) {
      const cell = cells + cellOf[x];
      const c = strength.colour[cell];
      const change = strength.luma[cell] * luma[t];
      clamped[p] = data[p] + change + c * 1.402 * red[t];
      clamped[p + 1] = data[p + 1] + change + c * green[t];
      clamped[p + 2] = data[p + 2] + change + c * 1.772 * blue[t];
      if (++t === row + period) t = row;
    }
  }
  return { width, height, data: out };
}

function readAsMade(image: RgbImage, plan: readonly Carriers[]): Detection {
  const layout = layoutOf(image.width, image.height);
  const values = measured(whitenedPlanes(image, layout), plan, layout);
  values.forEach((channel, index) => whitenRings(channel, plan[index]));
  const confidence = pilotZ(values, plan);
  const payload = confidence < MINIMUM_Z ? undefined : payloadOf(values, plan);
  return payload === undefined
    ? { found: false, confidence: Math.max(0, confidence) }
    : { found: true, payload, confidence };
}

/** Looks for a mark of this key. */
export function detectPicture(
  image: RgbImage,
  key: Uint8Array,
  { search = 'full' }: DetectOptions = {},
): Detection {
  const plan = carriersOf(key);
  const asMade = readAsMade(image, plan);
  if (asMade.found || search === 'as-made') return asMade;
  const found = searchPicture(image, plan);
  return found.payload === undefined
    ? { found: false, confidence: Math.max(asMade.confidence, found.z) }
    : { found: true, payload: found.payload, confidence: found.z };
}
