import type { RgbImage } from '../../core/media.js';

/** BT.601 luma, `[height, width] float32` in 0..255. */
export function lumaOf({ width, height, data }: RgbImage): Float32Array {
  const luma = new Float32Array(width * height);
  for (let i = 0, p = 0; i < luma.length; i++, p += 3)
    luma[i] = 0.299 * data[p] + 0.587 * data[p + 1] + 0.114 * data[p + 2];
  return luma;
}

/** Mean over a square of side `2 radius + 1`, edges repeated; two passes of running sums. */
function boxMean(values: Float32Array, width: number, height: number, radius: number): Float32Array {
  const scale = 1 / (2 * radius + 1);
  const rows = new Float32Array(values.length);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    const last = width - 1;
    let sum = values[row] * (radius + 1);
    for (let x = 1; x <= radius; x++) sum += values[row + Math.min(x, last)];
    for (let x = 0; x < width; x++) {
      rows[row + x] = sum * scale;
      sum += values[row + Math.min(x + radius + 1, last)] - values[row + Math.max(x - radius, 0)];
    }
  }
  const out = new Float32Array(values.length);
  const sums = new Float64Array(width);
  const bottom = height - 1;
  for (let x = 0; x < width; x++) sums[x] = rows[x] * (radius + 1);
  for (let y = 1; y <= radius; y++) {
    const row = Math.min(y, bottom) * width;
    for (let x = 0; x < width; x++) sums[x] += rows[row + x];
  }
  for (let y = 0; y < height; y++) {
    const row = y * width;
    const enter = Math.min(y + radius + 1, bottom) * width;
    const leave = Math.max(y - radius, 0) * width;
    for (let x = 0; x < width; x++) {
      out[row + x] = sums[x] * scale;
      sums[x] += rows[enter + x] - rows[leave + x];
    }
  }
  return out;
}

/** What is left of luma without its slow parts, and how lively it is around each pixel (standard deviation). */
export function contrast(
  luma: Float32Array,
  width: number,
  height: number,
  radius: number,
): { detail: Float32Array; deviation: Float32Array } {
  const mean = boxMean(luma, width, height, radius);
  const detail = new Float32Array(luma.length);
  const squares = new Float32Array(luma.length);
  for (let i = 0; i < luma.length; i++) {
    const d = luma[i] - mean[i];
    detail[i] = d;
    squares[i] = d * d;
  }
  const deviation = boxMean(squares, width, height, Math.max(1, radius >> 1));
  for (let i = 0; i < deviation.length; i++) deviation[i] = Math.sqrt(Math.max(0, deviation[i]));
  return { detail, deviation };
}
