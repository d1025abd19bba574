import type { RgbImage } from '../../core/media.js';
import { carriersOf, gridIndex, symbolPhases, type Carriers } from './carriers.js';
import { transform } from './fft.js';
import { fold, mapping, type Mapping, type Normalised } from './fold.js';
import { contrast, lumaOf } from './local-contrast.js';
import { readGrid } from './read-grid.js';
import { renderTile } from './render-tile.js';

/**
 * Invisible watermark of a picture: a keyed periodic pattern in luma, a third of the short side wide, so that
 * any part of the picture of that size holds the whole payload. Its strength follows the picture's own
 * liveliness; docs/watermark.md tells the design and what it withstands.
 */
export type Detection =
  | { readonly found: true; readonly payload: string; readonly confidence: number }
  | { readonly found: false; readonly confidence: number };

export interface DetectOptions {
  /** `as-made`: not scaled, cropped or turned since it was marked. `full`: searched for; takes seconds. */
  readonly search?: 'as-made' | 'full';
}

const TILES_PER_SHORT_SIDE = 3;
/** Strength in luma levels (RMS): the same everywhere, more where the picture is lively, never above the cap. */
const FLOOR = 0.75;
const PER_DEVIATION = 0.11;
const CAP = 3.6;
/** Below this luma the eye sees noise most and the display adds to it. */
const DARK = 40;
const BRIGHT = 235;
/** Keeps flat surroundings from being blown up when reading. */
const QUIET = 1.5;

function periodOf(width: number, height: number): number {
  return Math.round(Math.min(width, height) / TILES_PER_SHORT_SIDE);
}

/** Half a wavelength of the slowest harmonic: slower parts of a picture carry nothing. */
function radiusFor(period: number): number {
  return Math.max(2, Math.round(period / 12));
}

function normalise(detail: Float32Array, deviation: Float32Array, width: number, height: number): Normalised {
  const data = new Float32Array(detail.length);
  for (let i = 0; i < data.length; i++) data[i] = detail[i] / (deviation[i] + QUIET);
  return { width, height, data };
}

/**
 * More strength for carriers that the picture itself pushes the wrong way, less for those it helps: informed
 * embedding, Cox, Miller & Bloom 2002, chapter 5.
 */
function informedGains(
  host: Normalised,
  carriers: Carriers,
  phases: Float64Array,
  period: number,
): Float64Array {
  const spectrum = { re: fold(host, mapping(period)), im: new Float64Array(128 * 128) };
  transform(spectrum, -1);
  let power = 0;
  const along = Float64Array.from({ length: carriers.count }, (_, i) => {
    const at = gridIndex(carriers.u[i], carriers.v[i]);
    power += spectrum.re[at] ** 2 + spectrum.im[at] ** 2;
    return spectrum.re[at] * Math.cos(phases[i]) + spectrum.im[at] * Math.sin(phases[i]);
  });
  const level = Math.sqrt(power / carriers.count) || 1;
  return along.map((value) => Math.min(2, Math.max(0.5, 1 - 0.7 * (value / level))));
}

/** A copy of the picture that carries the payload (6 bytes). The same picture, payload and key give the same bytes. */
export function embedPicture(image: RgbImage, payload: Uint8Array, key: Uint8Array): RgbImage {
  const { width, height, data } = image;
  const period = periodOf(width, height);
  const carriers = carriersOf(key);
  const luma = lumaOf(image);
  const { detail, deviation } = contrast(luma, width, height, radiusFor(period));
  const phases = symbolPhases(carriers, payload);
  const gains = informedGains(normalise(detail, deviation, width, height), carriers, phases, period);
  const tile = renderTile(carriers, phases, gains, period);
  const out = new Uint8Array(data.length);
  for (let y = 0, i = 0, p = 0; y < height; y++) {
    const row = (y % period) * period;
    for (let x = 0, tx = 0; x < width; x++, i++, p += 3) {
      const level = luma[i];
      const strength = Math.min(CAP, FLOOR + PER_DEVIATION * deviation[i]);
      const shade = level < DARK ? 0.6 + (0.4 * level) / DARK : level > BRIGHT ? 0.8 : 1;
      const change = strength * shade * tile[row + tx];
      const r = data[p] + change + 0.5;
      const g = data[p + 1] + change + 0.5;
      const b = data[p + 2] + change + 0.5;
      out[p] = r < 0 ? 0 : r > 255 ? 255 : r;
      out[p + 1] = g < 0 ? 0 : g > 255 ? 255 : g;
      out[p + 2] = b < 0 ? 0 : b > 255 ? 255 : b;
      if (++tx === period) tx = 0;
    }
  }
  return { width, height, data: out };
}

const SCALE_STEP = 1.004;
const SMALLEST_PERIOD = 48;
const ANGLES = [1, -1, 2, -2, 3, -3, 4, -4, 5, -5];
const STRETCHES = [1.2, 1 / 1.2, 1.1, 1 / 1.1];

/** Mappings to try, likeliest first: as made, turned, stretched, then every period that a crop could have left. */
function* hypotheses(width: number, height: number): Generator<Mapping> {
  const short = Math.min(width, height);
  const native = short / TILES_PER_SHORT_SIDE;
  yield mapping(Math.round(native));
  yield mapping(native);
  for (const side of [width, height]) yield mapping(side / TILES_PER_SHORT_SIDE);
  for (const stretch of STRETCHES) {
    yield mapping(height / TILES_PER_SHORT_SIDE, 0, stretch);
    yield mapping(width / TILES_PER_SHORT_SIDE / stretch, 0, stretch);
  }
  const largest = Math.max(short * 1.3, native);
  for (let period = native; period < largest; period *= SCALE_STEP) yield mapping(period);
  for (let period = native; period > Math.max(SMALLEST_PERIOD, native * 0.5); period /= SCALE_STEP)
    yield mapping(period);
  for (const angle of ANGLES) {
    for (let factor = 0.97; factor < 1.25; factor *= 1.006) yield mapping(native * factor, angle);
  }
}

/** Looks for a mark of this key. */
export function detectPicture(
  image: RgbImage,
  key: Uint8Array,
  { search = 'full' }: DetectOptions = {},
): Detection {
  const { width, height } = image;
  const carriers = carriersOf(key);
  const period = periodOf(width, height);
  const { detail, deviation } = contrast(lumaOf(image), width, height, radiusFor(period));
  const normalised = normalise(detail, deviation, width, height);
  let confidence = 0;
  const asMade = search === 'as-made';
  for (const map of asMade ? [mapping(period)] : hypotheses(width, height)) {
    const reading = readGrid(fold(normalised, map), carriers, asMade);
    if (reading.payload !== undefined)
      return { found: true, payload: reading.payload, confidence: reading.z };
    confidence = Math.max(confidence, reading.z);
  }
  return { found: false, confidence };
}
