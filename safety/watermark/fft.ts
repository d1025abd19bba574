/** Side of the frequency grid. */
export const GRID = 128;

const COS = Float64Array.from({ length: GRID }, (_, i) => Math.cos((2 * Math.PI * i) / GRID));
const SIN = Float64Array.from({ length: GRID }, (_, i) => Math.sin((2 * Math.PI * i) / GRID));
const REVERSED = Uint8Array.from({ length: GRID }, (_, i) =>
  parseInt(i.toString(2).padStart(7, '0').split('').reverse().join(''), 2),
);

/** Complex numbers on the grid, row by row. */
export interface Spectrum {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

export function emptySpectrum(): Spectrum {
  return { re: new Float64Array(GRID * GRID), im: new Float64Array(GRID * GRID) };
}

/** One line of `GRID` values, `stride` apart, in place. Cooley & Tukey 1965. */
function line({ re, im }: Spectrum, start: number, stride: number, sign: number): void {
  for (let i = 0; i < GRID; i++) {
    const j = REVERSED[i];
    if (j <= i) continue;
    const a = start + i * stride;
    const b = start + j * stride;
    [re[a], re[b]] = [re[b], re[a]];
    [im[a], im[b]] = [im[b], im[a]];
  }
  for (let half = 1; half < GRID; half *= 2) {
    const turn = GRID / (2 * half);
    for (let block = 0; block < GRID; block += 2 * half) {
      for (let k = 0; k < half; k++) {
        const c = COS[k * turn];
        const s = sign * SIN[k * turn];
        const a = start + (block + k) * stride;
        const b = a + half * stride;
        const x = re[b] * c - im[b] * s;
        const y = re[b] * s + im[b] * c;
        re[b] = re[a] - x;
        im[b] = im[a] - y;
        re[a] += x;
        im[a] += y;
      }
    }
  }
}

/** Two-dimensional transform in place, unscaled: `sign` -1 to frequencies, +1 back. */
export function transform(spectrum: Spectrum, sign: 1 | -1): void {
  for (let y = 0; y < GRID; y++) line(spectrum, y * GRID, 1, sign);
  for (let x = 0; x < GRID; x++) line(spectrum, x, GRID, sign);
}
