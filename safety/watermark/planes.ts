import type { RgbImage } from '../../core/media.js';

/** `[height, width] float32`. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

export function emptyPlane(width: number, height: number): Plane {
  return { width, height, data: new Float32Array(width * height) };
}

/**
 * Luma of blocks of `factor` pixels square and Cb, Cr of blocks twice as wide (BT.601, 0..255 and -128..128).
 * What does not fill a block at the right and bottom is left out.
 */
export function blockPlanes({ width, height, data }: RgbImage, factor: number): Plane[] {
  const columns = Math.floor(width / (2 * factor));
  const rows = Math.floor(height / (2 * factor));
  const luma = emptyPlane(2 * columns, 2 * rows);
  const blue = emptyPlane(columns, rows);
  const red = emptyPlane(columns, rows);
  const cells = 2 * columns;
  const sumR = new Int32Array(cells);
  const sumG = new Int32Array(cells);
  const sumB = new Int32Array(cells);
  const area = factor * factor;
  for (let row = 0; row < 2 * rows; row++) {
    sumR.fill(0);
    sumG.fill(0);
    sumB.fill(0);
    for (let y = row * factor; y < (row + 1) * factor; y++) {
      let p = y * width * 3;
      for (let cell = 0; cell < cells; cell++) {
        let r = 0;
        let g = 0;
        let b = 0;
        for (let k = 0; k < factor; k++, p += 3) {
          r += data[p];
          g += data[p + 1];
          b += data[p + 2];
        }
        sumR[cell] += r;
        sumG[cell] += g;
        sumB[cell] += b;
      }
    }
    const to = row * cells;
    const chroma = (row >> 1) * columns;
    for (let cell = 0; cell < cells; cell++) {
      const y = (0.299 * sumR[cell] + 0.587 * sumG[cell] + 0.114 * sumB[cell]) / area;
      luma.data[to + cell] = y;
      // Four cells make one of colour.
      blue.data[chroma + (cell >> 1)] += 0.141 * (sumB[cell] / area - y);
      red.data[chroma + (cell >> 1)] += 0.17825 * (sumR[cell] / area - y);
    }
  }
  return [luma, blue, red];
}

/** Luma of blocks of `factor` pixels square (BT.601, 0..255). */
export function lumaPlane({ width, height, data }: RgbImage, factor: number): Plane {
  const luma = emptyPlane(Math.floor(width / factor), Math.floor(height / factor));
  const area = factor * factor;
  for (let y = 0; y < luma.height * factor; y++) {
    const row = Math.floor(y / factor) * luma.width;
    let p = y * width * 3;
    for (let cell = row; cell < row + luma.width; cell++) {
      let sum = 0;
      for (let k = 0; k < factor; k++, p += 3)
        sum += 0.299 * data[p] + 0.587 * data[p + 1] + 0.114 * data[p + 2];
      luma.data[cell] += sum / area;
    }
  }
  return luma;
}

/** Luma, Cb and Cr at full size. */
export function fullPlanes({ width, height, data }: RgbImage): Plane[] {
  const [luma, blue, red] = [0, 1, 2].map(() => emptyPlane(width, height));
  for (let i = 0, p = 0; i < luma.data.length; i++, p += 3) {
    const y = 0.299 * data[p] + 0.587 * data[p + 1] + 0.114 * data[p + 2];
    luma.data[i] = y;
    blue.data[i] = 0.564 * (data[p + 2] - y);
    red.data[i] = 0.713 * (data[p] - y);
  }
  return [luma, blue, red];
}

/** Shares of source cells in one target cell: where they start and how much each counts. */
function shares(from: number, to: number): { start: number; weights: Float32Array }[] {
  const step = from / to;
  return Array.from({ length: to }, (_, i) => {
    const low = i * step;
    const high = Math.min(from, low + step);
    const start = Math.floor(low);
    const weights = new Float32Array(Math.max(1, Math.ceil(high - 1e-9) - start));
    for (let k = 0; k < weights.length; k++)
      weights[k] = (Math.min(high, start + k + 1) - Math.max(low, start + k)) / step;
    return { start, weights };
  });
}

/** A plane made smaller by averaging areas. */
export function shrunk(plane: Plane, width: number, height: number): Plane {
  const across = shares(plane.width, width);
  const down = shares(plane.height, height);
  const out = emptyPlane(width, height);
  const line = new Float32Array(plane.width);
  for (let y = 0; y < height; y++) {
    line.fill(0);
    const { start, weights } = down[y];
    for (let k = 0; k < weights.length; k++) {
      const row = (start + k) * plane.width;
      for (let x = 0; x < plane.width; x++) line[x] += weights[k] * plane.data[row + x];
    }
    for (let x = 0; x < width; x++) {
      const share = across[x];
      let sum = 0;
      for (let k = 0; k < share.weights.length; k++) sum += share.weights[k] * line[share.start + k];
      out.data[y * width + x] = sum;
    }
  }
  return out;
}
