import type { RgbImage } from '../../core/media.js';
import type { StrengthMap } from './strength.js';

/** Tiles and strengths are multiplied as whole numbers of 1/256; products are 1/65536. */
const UNIT = 256;
const SHIFT = 16;
const HALF = 1 << (SHIFT - 1);

/** A tile of unit strength as changes of R, G and B, `[period, period, 3]` in units of 1/256. */
export type RgbTile = Int32Array;

/** The change of R, G and B that luma `[period, period]` makes, and Cb and Cr at half its resolution (BT.601). */
export function rgbTile(
  period: number,
  luma: Float32Array,
  colour?: { readonly blue: Float32Array; readonly red: Float32Array },
): RgbTile {
  const out = new Int32Array(3 * period * period);
  const half = period >> 1;
  for (let y = 0, i = 0; y < period; y++) {
    for (let x = 0; x < period; x++, i++) {
      const at = (y >> 1) * half + (x >> 1);
      const cb = colour === undefined ? 0 : colour.blue[at];
      const cr = colour === undefined ? 0 : colour.red[at];
      out[3 * i] = Math.round(UNIT * (luma[i] + 1.402 * cr));
      out[3 * i + 1] = Math.round(UNIT * (luma[i] - 0.344136 * cb - 0.714136 * cr));
      out[3 * i + 2] = Math.round(UNIT * (luma[i] + 1.772 * cb));
    }
  }
  return out;
}

/** Strengths along one line of pixels, in units. */
function strengthLine(map: StrengthMap, y: number, blended: Float32Array, out: Int32Array): void {
  const { width, height, data, block } = map;
  const place = Math.min(height - 1, Math.max(0, (y + 0.5) / block - 0.5));
  const row = Math.min(height - 1, Math.floor(place));
  const below = Math.min(height - 1, row + 1);
  const share = place - row;
  for (let column = 0; column < width; column++) {
    const upper = data[row * width + column];
    blended[column] = UNIT * (upper + share * (data[below * width + column] - upper));
  }
  const middle = block >> 1;
  let x = 0;
  for (const end = Math.min(out.length, middle); x < end; x++) out[x] = blended[0];
  for (let column = 0; x < out.length; column++) {
    const here = blended[Math.min(width - 1, column)];
    const step = (blended[Math.min(width - 1, column + 1)] - here) / block;
    let value = here;
    for (const end = Math.min(out.length, x + block); x < end; x++) {
      out[x] = value;
      value += step;
    }
  }
}

/** A copy of the picture with a tile laid over it from its left upper corner, as strong as the map says. */
export function withMark(
  { width, height, data }: RgbImage,
  tile: RgbTile,
  period: number,
  map: StrengthMap,
): RgbImage {
  const out = new Uint8ClampedArray(data.length);
  const strength = new Int32Array(width);
  const blended = new Float32Array(map.width);
  for (let y = 0, p = 0; y < height; y++) {
    strengthLine(map, y, blended, strength);
    const line = 3 * (y % period) * period;
    for (let start = 0; start < width; start += period) {
      const end = Math.min(width, start + period);
      for (let x = start, t = line; x < end; x++, t += 3, p += 3) {
        const s = strength[x];
        out[p] = data[p] + ((Math.imul(s, tile[t]) + HALF) >> SHIFT);
        out[p + 1] = data[p + 1] + ((Math.imul(s, tile[t + 1]) + HALF) >> SHIFT);
        out[p + 2] = data[p + 2] + ((Math.imul(s, tile[t + 2]) + HALF) >> SHIFT);
      }
    }
  }
  return { width, height, data: new Uint8Array(out.buffer) };
}
