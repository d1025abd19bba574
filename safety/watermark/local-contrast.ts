import { emptyPlane, type Plane } from './planes.js';

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

/** Keeps flat surroundings from being blown up when reading, in levels. */
const QUIET = 1;
/** Where detail is cut off, in deviations: single edges must not outvote the rest. */
const LIMIT = 3;

/** A plane made ready for reading. */
export interface Whitened extends Plane {
  readonly mean: Float32Array;
  /** Local standard deviation: how lively the picture is around each cell. */
  readonly deviation: Float32Array;
  readonly radius: number;
}

/** What is left of a plane without its slow parts, divided by how lively its surroundings are. */
export function whitened(plane: Plane, radius: number): Whitened {
  const { width, height } = plane;
  const mean = boxMean(plane.data, width, height, radius);
  const data = new Float32Array(plane.data.length);
  const squares = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const detail = plane.data[i] - mean[i];
    data[i] = detail;
    squares[i] = detail * detail;
  }
  const deviation = boxMean(squares, width, height, radius);
  for (let i = 0; i < data.length; i++) {
    const sigma = Math.sqrt(Math.max(0, deviation[i]));
    deviation[i] = sigma;
    const value = data[i] / (sigma + QUIET);
    data[i] = value > LIMIT ? LIMIT : value < -LIMIT ? -LIMIT : value;
  }
  return { width, height, data, mean, deviation, radius };
}

/** How much of a harmonic of this frequency (cycles per cell) is left by taking off the local mean. */
export function passed(fx: number, fy: number, radius: number): number {
  const box = (f: number): number =>
    f === 0 ? 1 : Math.sin(Math.PI * f * (2 * radius + 1)) / (Math.PI * f * (2 * radius + 1));
  return 1 - box(fx) * box(fy);
}

/** What 1 level of change is worth to a reader at each cell. */
export function readerWeight(deviation: number): number {
  return 1 / (deviation + QUIET);
}

/** The smallest of nine values around each cell, so that the surroundings of an edge count as the calm they are. */
export function eroded({ width, height, deviation, radius }: Whitened): Float32Array {
  const rows = emptyPlane(width, height).data;
  const out = new Float32Array(deviation.length);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0; x < width; x++) {
      const left = deviation[row + (x < radius ? 0 : x - radius)];
      const right = deviation[row + (x + radius >= width ? width - 1 : x + radius)];
      const here = deviation[row + x];
      const least = left < right ? left : right;
      rows[row + x] = here < least ? here : least;
    }
  }
  for (let y = 0; y < height; y++) {
    const above = Math.max(0, y - radius) * width;
    const below = Math.min(height - 1, y + radius) * width;
    for (let x = 0; x < width; x++) {
      const a = rows[above + x];
      const b = rows[below + x];
      const here = rows[y * width + x];
      const least = a < b ? a : b;
      out[y * width + x] = here < least ? here : least;
    }
  }
  return out;
}
