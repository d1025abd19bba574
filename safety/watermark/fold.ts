import { GRID } from './fft.js';

/** Detail of a picture, made ready for folding: each pixel divided by how lively its surroundings are. */
export interface Normalised {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** Where a pixel lies in the tile: `x' = a x + b y`, `y' = c x + d y`, in tiles. */
export interface Mapping {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/** A picture whose tile has this side in pixels, turned by an angle and stretched sideways. */
export function mapping(period: number, degrees = 0, stretch = 1): Mapping {
  const angle = (degrees * Math.PI) / 180;
  const cos = Math.cos(angle) / period;
  const sin = Math.sin(angle) / period;
  return { a: cos / stretch, b: sin, c: -sin / stretch, d: cos };
}

/** Means of the detail by position in the tile, `GRID x GRID`; where the mark adds up and the picture does not. */
export function fold({ width, height, data }: Normalised, { a, b, c, d }: Mapping): Float64Array {
  const sums = new Float64Array(GRID * GRID);
  const counts = new Float64Array(GRID * GRID);
  if (b === 0 && c === 0) {
    const columns = Uint8Array.from(
      { length: width },
      (_, x) => Math.floor((x + 0.5) * a * GRID) & (GRID - 1),
    );
    for (let y = 0, p = 0; y < height; y++) {
      const row = (Math.floor((y + 0.5) * d * GRID) & (GRID - 1)) * GRID;
      for (let x = 0; x < width; x++, p++) {
        sums[row + columns[x]] += data[p];
        counts[row + columns[x]] += 1;
      }
    }
  } else {
    for (let y = 0, p = 0; y < height; y++) {
      let tx = (0.5 * a + (y + 0.5) * b) * GRID;
      let ty = (0.5 * c + (y + 0.5) * d) * GRID;
      for (let x = 0; x < width; x++, p++, tx += a * GRID, ty += c * GRID) {
        const at = (Math.floor(ty) & (GRID - 1)) * GRID + (Math.floor(tx) & (GRID - 1));
        sums[at] += data[p];
        counts[at] += 1;
      }
    }
  }
  for (let i = 0; i < sums.length; i++) if (counts[i] > 0) sums[i] /= counts[i];
  return sums;
}
