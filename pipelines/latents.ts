import { floats, type FloatTensor } from '../models/tensor/tensor.js';
import type { NoiseSource } from './noise/noise-source.js';

/** First latents: one draw for the whole shape, as the reference draws them, at the scheduler's noise level. */
export function firstLatents(noise: NoiseSource, length: number, sigma: number): Float32Array {
  const latents = noise.randn(length);
  if (sigma !== 1) for (let i = 0; i < length; i++) latents[i] *= sigma;
  return latents;
}

/**
 * Latents `[C, H, W]` as tokens `[H/2 * W/2, 4C]`, one for every 2x2 patch, channels before rows before columns.
 * Esser et al. 2024, "Scaling Rectified Flow Transformers", section 4.
 */
export function packPatches(latents: Float32Array, channels: number, h: number, w: number): Float32Array {
  const out = new Float32Array(latents.length);
  let o = 0;
  for (let y = 0; y < h; y += 2) {
    for (let x = 0; x < w; x += 2) {
      for (let c = 0; c < channels; c++) {
        const from = (c * h + y) * w + x;
        out[o++] = latents[from];
        out[o++] = latents[from + 1];
        out[o++] = latents[from + w];
        out[o++] = latents[from + w + 1];
      }
    }
  }
  return out;
}

/** The way back from `packPatches`. */
export function unpackPatches(tokens: Float32Array, channels: number, h: number, w: number): Float32Array {
  const out = new Float32Array(tokens.length);
  let i = 0;
  for (let y = 0; y < h; y += 2) {
    for (let x = 0; x < w; x += 2) {
      for (let c = 0; c < channels; c++) {
        const to = (c * h + y) * w + x;
        out[to] = tokens[i++];
        out[to + 1] = tokens[i++];
        out[to + w] = tokens[i++];
        out[to + w + 1] = tokens[i++];
      }
    }
  }
  return out;
}

/** Positions of the patches for rotary embeddings: `[rows * columns, 3] float32` of 0, row, column. */
export function patchPositions(rows: number, columns: number): FloatTensor {
  const data = new Float32Array(rows * columns * 3);
  for (let y = 0, o = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++, o += 3) {
      data[o + 1] = y;
      data[o + 2] = x;
    }
  }
  return floats(data, rows * columns, 3);
}
