import type { Plane } from './planes.js';

/** Keeps flat surroundings from being blown up when reading, in levels. */
const QUIET = 1;
/** Where detail is cut off, in deviations: single edges must not outvote the rest. */
const LIMIT = 3;

/** Mean square, in levels, below which a plane is empty: the colour of a grey picture holds rounding and nothing else. */
const EMPTY = 1e-6;

/** A plane made ready for reading. */
export interface Whitened extends Plane {
  /** Local standard deviation: how lively the picture is around each cell. */
  readonly deviation: Float32Array;
  readonly radius: number;
}

/** Sums over `2 radius + 1` neighbours along a line, its ends repeated; `padded` has room for them. */
function lineSums(
  values: Float32Array,
  start: number,
  width: number,
  radius: number,
  padded: Float64Array,
  out: Float32Array,
): void {
  const first = values[start];
  const last = values[start + width - 1];
  for (let x = 0; x < radius; x++) padded[x] = first;
  for (let x = 0; x < width; x++) padded[radius + x] = values[start + x];
  for (let x = radius + width; x < padded.length; x++) padded[x] = last;
  let sum = 0;
  for (let x = 0; x <= 2 * radius; x++) sum += padded[x];
  for (let x = 0; x < width; x++) {
    out[start + x] = sum;
    sum += padded[x + 2 * radius + 1] - padded[x];
  }
}

/** Column sums of the rows around row 0, the top one repeated. */
function firstSums(rows: Float32Array, width: number, height: number, radius: number): Float64Array {
  const sums = new Float64Array(width);
  for (let x = 0; x < width; x++) sums[x] = rows[x] * (radius + 1);
  for (let y = 1; y <= radius; y++) {
    const row = Math.min(y, height - 1) * width;
    for (let x = 0; x < width; x++) sums[x] += rows[row + x];
  }
  return sums;
}

/**
 * What is left of a plane without its slow parts, divided by how lively its surroundings are. Means are over squares
 * of side `2 radius + 1`, edges repeated, by running sums: along the lines, then down the columns, twice.
 */
export function whitened(plane: Plane, radius: number): Whitened {
  const { width, height } = plane;
  const size = width * height;
  const scale = 1 / (2 * radius + 1) ** 2;
  const bottom = height - 1;
  const padded = new Float64Array(width + 2 * radius + 1);
  const rows = new Float32Array(size);
  for (let y = 0; y < height; y++) lineSums(plane.data, y * width, width, radius, padded, rows);
  const data = new Float32Array(size);
  const squares = new Float32Array(size);
  const squareRows = new Float32Array(size);
  let sums = firstSums(rows, width, height, radius);
  let total = 0;
  for (let y = 0; y < height; y++) {
    const row = y * width;
    const enter = Math.min(y + radius + 1, bottom) * width;
    const leave = Math.max(y - radius, 0) * width;
    for (let x = 0; x < width; x++) {
      const sum = sums[x];
      const average = sum * scale;
      const detail = plane.data[row + x] - average;
      const square = detail * detail;
      data[row + x] = detail;
      squares[row + x] = square;
      total += square;
      sums[x] = sum + rows[enter + x] - rows[leave + x];
    }
    lineSums(squares, row, width, radius, padded, squareRows);
  }
  if (total < EMPTY * size) data.fill(0);
  const deviation = squares;
  sums = firstSums(squareRows, width, height, radius);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    const enter = Math.min(y + radius + 1, bottom) * width;
    const leave = Math.max(y - radius, 0) * width;
    for (let x = 0; x < width; x++) {
      const sum = sums[x];
      const sigma = sum > 0 ? Math.sqrt(sum * scale) : 0;
      const value = data[row + x] / (sigma + QUIET);
      deviation[row + x] = sigma;
      data[row + x] = value > LIMIT ? LIMIT : value < -LIMIT ? -LIMIT : value;
      sums[x] = sum + squareRows[enter + x] - squareRows[leave + x];
    }
  }
  return { width, height, data, deviation, radius };
}

/** How much of a harmonic of this frequency (cycles per cell) is left by taking off the local mean. */
export function passed(fx: number, fy: number, radius: number): number {
  const box = (f: number): number =>
    f === 0 ? 1 : Math.sin(Math.PI * f * (2 * radius + 1)) / (Math.PI * f * (2 * radius + 1));
  return 1 - box(fx) * box(fy);
}

/** What a mark of these strengths is worth to a reader, all cells of a plane together; told from every fourth. */
export function worthTo({ width, height, deviation }: Whitened, map: Plane): number {
  let worth = 0;
  let count = 0;
  for (let y = 0; y < height; y += 2) {
    const row = Math.floor((y * map.height) / height) * map.width;
    for (let x = 0; x < width; x += 2) {
      worth += map.data[row + Math.floor((x * map.width) / width)] / (deviation[y * width + x] + QUIET);
      count += 1;
    }
  }
  return count === 0 ? 0 : (worth * width * height) / count;
}
