import { forward } from './fft.js';
import type { Plane } from './planes.js';

/**
 * Fourier sums of a plane at any frequency, not only those of a grid: a fast transform of the plane on a wider
 * grid, interpolated with a Kaiser-Bessel kernel. Fessler and Sutton 2003, "Nonuniform fast Fourier transforms
 * using min-max interpolation"; kernel width after Beatty et al. 2005, eq. 5.
 */
export interface Spectrum {
  readonly columns: number;
  readonly rows: number;
  /** Real and imaginary parts in turn, row by row. */
  readonly data: Float32Array;
  readonly across: Float32Array;
  readonly down: Float32Array;
}

const TAPS = 4;
const STEPS = 256;

function bessel0(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function beta(oversampling: number): number {
  return Math.PI * Math.sqrt((TAPS / oversampling) ** 2 * (oversampling - 0.5) ** 2 - 0.8);
}

/** Kernel at distances 0..TAPS/2 in steps of 1/STEPS. */
function kernel(b: number): Float32Array {
  return Float32Array.from({ length: (TAPS / 2) * STEPS + 2 }, (_, i) => {
    const inside = 1 - ((2 * i) / STEPS / TAPS) ** 2;
    return inside <= 0 ? 0 : bessel0(b * Math.sqrt(inside)) / bessel0(b);
  });
}

/** What the kernel does to each place of the plane, to be divided out beforehand. */
function apodization(length: number, grid: number, b: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => {
    const n = i - (length >> 1);
    const z = Math.sqrt(Math.max(1e-9, b * b - ((Math.PI * TAPS * n) / grid) ** 2));
    return (TAPS * Math.sinh(z)) / z / bessel0(b);
  });
}

function gridFor(length: number): number {
  let grid = 64;
  while (grid < 1.4 * length) grid *= 2;
  return grid;
}

export function spectrumOf({ width, height, data }: Plane): Spectrum {
  const columns = gridFor(width);
  const rows = gridFor(height);
  const bx = beta(columns / width);
  const by = beta(rows / height);
  const ax = apodization(width, columns, bx);
  const ay = apodization(height, rows, by);
  const grid = new Float32Array(2 * columns * rows);
  for (let y = 0; y < height; y++) {
    const row = ((y - (height >> 1) + rows) % rows) * columns;
    for (let x = 0; x < width; x++)
      grid[2 * (row + ((x - (width >> 1) + columns) % columns))] = data[y * width + x] / (ax[x] * ay[y]);
  }
  forward(grid, columns, rows);
  return { columns, rows, data: grid, across: kernel(bx), down: kernel(by) };
}

const weightsX = new Float32Array(TAPS);
const placesX = new Int32Array(TAPS);
/** The last sample taken; one object, since millions are taken. */
export const sample = { re: 0, im: 0 };

/** The Fourier sum at a frequency in cycles per cell, into `sample`; the plane's middle has phase 0. */
export function take(spectrum: Spectrum, fx: number, fy: number): void {
  const { columns, rows, data, across, down } = spectrum;
  const gx = fx * columns;
  const gy = fy * rows;
  const x0 = Math.floor(gx) - 1;
  const y0 = Math.floor(gy) - 1;
  for (let k = 0; k < TAPS; k++) {
    weightsX[k] = across[(Math.abs(gx - x0 - k) * STEPS + 0.5) | 0];
    placesX[k] = 2 * ((x0 + k) & (columns - 1));
  }
  let re = 0;
  let im = 0;
  for (let j = 0; j < TAPS; j++) {
    const weight = down[(Math.abs(gy - y0 - j) * STEPS + 0.5) | 0];
    const row = 2 * ((y0 + j) & (rows - 1)) * columns;
    let a = 0;
    let b = 0;
    for (let k = 0; k < TAPS; k++) {
      const at = row + placesX[k];
      a += weightsX[k] * data[at];
      b += weightsX[k] * data[at + 1];
    }
    re += weight * a;
    im += weight * b;
  }
  sample.re = re;
  sample.im = im;
}
