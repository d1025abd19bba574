import type { RgbImage } from '../../core/media.js';
import { carriersOf, codedBits, type Carriers } from './carriers.js';
import { AS_MADE_Z, payloadOf, pilotZ, whitenRings } from './demodulate.js';
import type { Detection } from './detection.js';
import { eroded, readerWeight, whitened, type Whitened } from './local-contrast.js';
import { blockPlanes } from './planes.js';
import { informed, readerGain } from './informed.js';
import { layoutOf, radiusFor, type Layout } from './layout.js';
import { searchPicture } from './search.js';
import { folded, projected, synthesised, type Values } from './tile.js';

export interface DetectOptions {
  /** `as-made`: not scaled, cropped or turned since it was marked. `full`: searched for; takes about a second. */
  readonly search?: 'as-made' | 'full';
}

/** Strength in levels (RMS): the same everywhere, more where the picture is lively, never above the cap. */
const LUMA = { floor: 0.65, perDeviation: 0.1, cap: 4.5 };
const COLOUR = { floor: 0.45, perDeviation: 0.055, cap: 3.5 };
/** The mean square change, in levels of R, G and B, that leaves a peak signal-to-noise ratio of 42.2 dB. */
const MOST_POWER = 3.9;
/** Mean square of R, G and B for a change of 1 in Cb and in Cr together. */
const COLOUR_POWER = 1.91;
/** Below this luma the eye sees noise most and the display adds to it; near white there is no room. */
const DARK = 40;
const BRIGHT = 235;

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
  let power = 0;
  for (let i = 0; i < calm.length; i++) {
    const level = luma.mean[i];
    const shade =
      level < DARK ? 0.75 + (0.25 * level) / DARK : level > BRIGHT ? 1 - (0.3 * (level - BRIGHT)) / 20 : 1;
    const lively = calm[i];
    const y = LUMA.floor + LUMA.perDeviation * lively;
    const c = COLOUR.floor + COLOUR.perDeviation * lively;
    calm[i] = shade * (y < LUMA.cap ? y : LUMA.cap);
    colour[i] = shade * (c < COLOUR.cap ? c : COLOUR.cap);
    power += calm[i] * calm[i] + COLOUR_POWER * colour[i] * colour[i];
  }
  const excess = power / calm.length / MOST_POWER;
  if (excess > 1) {
    const less = 1 / Math.sqrt(excess);
    for (let i = 0; i < calm.length; i++) {
      calm[i] *= less;
      colour[i] *= less;
    }
  }
  return { luma: calm, colour };
}

/**
 * Invisible watermark of a picture: a keyed periodic pattern in luma and colour, a third of the short side wide,
 * so that any part of the picture of that size holds the whole payload. Its strength follows the picture's own
 * liveliness; docs/watermark.md tells the design and what it withstands.
 *
 * A copy of the picture that carries the payload (6 bytes). The same picture, payload and key give the same bytes.
 */
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

/** The picture plus its tiles (luma, Cb, Cr), at the strength of each cell; cells and tiles begin together. */
function added(
  { width, height, data }: RgbImage,
  [luma, blue, red]: readonly Float32Array[],
  strength: { luma: Float32Array; colour: Float32Array },
  columns: number,
  rows: number,
  { period, factor }: Layout,
): RgbImage {
  const out = new Uint8Array(data.length);
  const limited = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : value);
  for (let y = 0, p = 0; y < height; y++) {
    const row = (y % period) * period;
    const cells = Math.min(rows - 1, Math.floor(y / factor)) * columns;
    for (let cell = 0, x = 0, t = row; x < width; cell++) {
      // Pixels past the last whole cell go with it.
      const at = cells + (cell < columns ? cell : columns - 1);
      const s = strength.luma[at];
      const c = strength.colour[at];
      for (const end = Math.min(width, x + factor); x < end; x++, t++, p += 3) {
        const change = s * luma[t] + 0.5;
        const cb = c * blue[t];
        const cr = c * red[t];
        out[p] = limited(data[p] + change + 1.402 * cr);
        out[p + 1] = limited(data[p + 1] + change - 0.344136 * cb - 0.714136 * cr);
        out[p + 2] = limited(data[p + 2] + change + 1.772 * cb);
      }
      if (t >= row + period) t = row;
    }
  }
  return { width, height, data: out };
}

function readAsMade(image: RgbImage, plan: readonly Carriers[]): Detection {
  const layout = layoutOf(image.width, image.height);
  const values = measured(whitenedPlanes(image, layout), plan, layout);
  values.forEach((channel, index) => whitenRings(channel, plan[index]));
  const confidence = pilotZ(values, plan);
  const payload = confidence < AS_MADE_Z ? undefined : payloadOf(values, plan);
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
