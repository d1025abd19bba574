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

/** Adds one line of a picture to sums of `factor` pixels each, `[cells]` of R, G and B in turn. */
function addLine(data: Uint8Array, start: number, factor: number, cells: number, sums: Int32Array): void {
  let p = start;
  if (factor === 2) {
    for (let at = 0; at < 3 * cells; at += 3, p += 6) {
      sums[at] += data[p] + data[p + 3];
      sums[at + 1] += data[p + 1] + data[p + 4];
      sums[at + 2] += data[p + 2] + data[p + 5];
    }
    return;
  }
  for (let at = 0; at < 3 * cells; at += 3) {
    for (let k = 0; k < factor; k++, p += 3) {
      sums[at] += data[p];
      sums[at + 1] += data[p + 1];
      sums[at + 2] += data[p + 2];
    }
  }
}

/**
 * Luma of blocks of `factor` pixels square and Cb, Cr of blocks twice as wide (BT.601, 0..255 and -128..128).
 * What does not fill a block at the right and bottom is left out.
 */
export function blockPlanes({ width, height, data }: RgbImage, factor: number): Plane[] {
  const columns = Math.floor(width / (2 * factor));
  const rows = Math.floor(height / (2 * factor));
  const cells = 2 * columns;
  const luma = emptyPlane(cells, 2 * rows);
  const blue = emptyPlane(columns, rows);
  const red = emptyPlane(columns, rows);
  const sums = new Int32Array(3 * cells);
  const share = 1 / (factor * factor);
  for (let row = 0; row < 2 * rows; row++) {
    sums.fill(0);
    for (let y = row * factor; y < (row + 1) * factor; y++) addLine(data, y * width * 3, factor, cells, sums);
    const to = row * cells;
    const chroma = (row >> 1) * columns;
    for (let cell = 0, at = 0; cell < columns; cell++, at += 6) {
      const one = share * (0.299 * sums[at] + 0.587 * sums[at + 1] + 0.114 * sums[at + 2]);
      const other = share * (0.299 * sums[at + 3] + 0.587 * sums[at + 4] + 0.114 * sums[at + 5]);
      luma.data[to + 2 * cell] = one;
      luma.data[to + 2 * cell + 1] = other;
      // Four cells make one of colour.
      blue.data[chroma + cell] += 0.141 * (share * (sums[at + 2] + sums[at + 5]) - one - other);
      red.data[chroma + cell] += 0.17825 * (share * (sums[at] + sums[at + 3]) - one - other);
    }
  }
  return [luma, blue, red];
}

/** Luma of blocks of `factor` pixels square (BT.601, 0..255). */
export function lumaPlane({ width, height, data }: RgbImage, factor: number): Plane {
  const luma = emptyPlane(Math.floor(width / factor), Math.floor(height / factor));
  const sums = new Int32Array(3 * luma.width);
  const share = 1 / (factor * factor);
  for (let row = 0, to = 0; row < luma.height; row++) {
    sums.fill(0);
    for (let y = row * factor; y < (row + 1) * factor; y++)
      addLine(data, y * width * 3, factor, luma.width, sums);
    for (let at = 0; at < sums.length; at += 3)
      luma.data[to++] = share * (0.299 * sums[at] + 0.587 * sums[at + 1] + 0.114 * sums[at + 2]);
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
