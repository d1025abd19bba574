import { gridIndex, type Carriers } from './carriers.js';
import { emptySpectrum, GRID, transform } from './fft.js';

/** Cubic convolution weights of four neighbours. Keys 1981, eq. 15. */
function cubic(t: number): [number, number, number, number] {
  const t2 = t * t;
  const t3 = t2 * t;
  return [
    -0.5 * t3 + t2 - 0.5 * t,
    1.5 * t3 - 2.5 * t2 + 1,
    -1.5 * t3 + 2 * t2 + 0.5 * t,
    0.5 * t3 - 0.5 * t2,
  ];
}

/**
 * The mark's tile: `side x side float32` of unit RMS, the sum of all harmonics with their phases. It is made
 * on the frequency grid and interpolated; the highest harmonic has more than four grid points a cycle.
 */
export function renderTile(
  carriers: Carriers,
  phases: Float64Array,
  gains: Float64Array,
  side: number,
): Float32Array {
  const spectrum = emptySpectrum();
  for (let i = 0; i < carriers.count; i++) {
    const at = gridIndex(carriers.u[i], carriers.v[i]);
    spectrum.re[at] = gains[i] * Math.cos(phases[i]);
    spectrum.im[at] = gains[i] * Math.sin(phases[i]);
  }
  transform(spectrum, 1);
  const grid = spectrum.re;
  let power = 0;
  for (const value of grid) power += value * value;
  const scale = 1 / Math.sqrt(power / grid.length);

  const places = Array.from({ length: side }, (_, i) => {
    // The fold counts a pixel's middle into the bin around it; bins' middles lie half a bin further.
    const at = ((i + 0.5) * GRID) / side - 0.5;
    const low = Math.floor(at);
    return { index: [low - 1, low, low + 1, low + 2].map((j) => (j + GRID) % GRID), weight: cubic(at - low) };
  });
  const wide = new Float32Array(GRID * side);
  for (let y = 0; y < GRID; y++) {
    for (let x = 0; x < side; x++) {
      const { index, weight } = places[x];
      const row = y * GRID;
      wide[y * side + x] =
        weight[0] * grid[row + index[0]] +
        weight[1] * grid[row + index[1]] +
        weight[2] * grid[row + index[2]] +
        weight[3] * grid[row + index[3]];
    }
  }
  const tile = new Float32Array(side * side);
  for (let y = 0; y < side; y++) {
    const { index, weight } = places[y];
    const [r0, r1, r2, r3] = index.map((row) => row * side);
    for (let x = 0; x < side; x++) {
      tile[y * side + x] =
        scale *
        (weight[0] * wide[r0 + x] +
          weight[1] * wide[r1 + x] +
          weight[2] * wide[r2 + x] +
          weight[3] * wide[r3 + x]);
    }
  }
  return tile;
}
