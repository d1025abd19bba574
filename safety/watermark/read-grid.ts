import { CODED_BITS, gridIndex, type Carriers } from './carriers.js';
import { decode } from './convolutional-code.js';
import { emptySpectrum, GRID, transform, type Spectrum } from './fft.js';
import { crc16, PAYLOAD_BYTES, toHex } from './payload.js';

/** Below this pilot correlation nothing is believed, whatever the CRC says; docs/watermark.md has the odds. */
const MINIMUM_Z = 6.2;

export interface GridReading {
  readonly z: number;
  readonly payload: string | undefined;
}

/** Mirrorings of a picture, as signs of the horizontal frequency and of the phase: none, sideways, half turn, upside down. */
const FLIPS = [
  [1, 1],
  [-1, 1],
  [1, -1],
  [-1, -1],
] as const;

/** Values of the carriers in a folded tile's spectrum, whitened ring by ring, for one mirroring. */
function carrierValues(
  spectrum: Spectrum,
  carriers: Carriers,
  flip: number,
  conjugate: number,
): { re: Float64Array; im: Float64Array } {
  const re = new Float64Array(carriers.count);
  const im = new Float64Array(carriers.count);
  const power = new Float64Array(32);
  const counts = new Float64Array(32);
  for (let i = 0; i < carriers.count; i++) {
    const at = gridIndex(flip * carriers.u[i], carriers.v[i]);
    re[i] = spectrum.re[at];
    im[i] = conjugate * spectrum.im[at];
    const ring = Math.round(carriers.radius[i]);
    // Amplitudes rather than powers: one strong edge in the host must not silence its whole ring.
    power[ring] += Math.hypot(re[i], im[i]);
    counts[ring] += 1;
  }
  for (let i = 0; i < carriers.count; i++) {
    const ring = Math.round(carriers.radius[i]);
    const level = power[ring] / counts[ring] || 1;
    const size = Math.hypot(re[i], im[i]) / level;
    // Limiting keeps single host harmonics from outvoting the rest.
    const gain = (size > 1.5 ? 1.5 / size : 1) / level;
    re[i] *= gain;
    im[i] *= gain;
  }
  return { re, im };
}

interface Shift {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** The best shift by the pilots: their correlation with the known phases at every position of the tile. */
function findShift(
  values: { re: Float64Array; im: Float64Array },
  carriers: Carriers,
  asMade: boolean,
): Shift {
  const map = emptySpectrum();
  let energy = 0;
  let atZero = 0;
  for (let i = 0; i < carriers.count; i++) {
    if (!carriers.pilot[i]) continue;
    const c = Math.cos(carriers.phase[i]);
    const s = Math.sin(carriers.phase[i]);
    const at = gridIndex(carriers.u[i], carriers.v[i]);
    map.re[at] = values.re[i] * c + values.im[i] * s;
    map.im[at] = values.im[i] * c - values.re[i] * s;
    energy += values.re[i] ** 2 + values.im[i] ** 2;
    atZero += map.re[at];
  }
  const deviation = Math.sqrt(energy / 2) || 1;
  if (asMade) return { x: 0, y: 0, z: atZero / deviation };
  transform(map, 1);
  let best = 0;
  for (let i = 1; i < map.re.length; i++) if (map.re[i] > map.re[best]) best = i;
  const refine = (low: number, middle: number, high: number) => {
    const bend = low - 2 * middle + high;
    return bend === 0 ? 0 : (0.5 * (low - high)) / bend;
  };
  const bx = best % GRID;
  const by = Math.floor(best / GRID);
  const value = (x: number, y: number) => map.re[((y + GRID) % GRID) * GRID + ((x + GRID) % GRID)];
  return {
    x: bx + refine(value(bx - 1, by), value(bx, by), value(bx + 1, by)),
    y: by + refine(value(bx, by - 1), value(bx, by), value(bx, by + 1)),
    z: map.re[best] / deviation,
  };
}

function readBits(
  values: { re: Float64Array; im: Float64Array },
  carriers: Carriers,
  shift: Shift,
): number[] {
  const reliability = ringReliability(values, carriers, shift);
  const soft = new Float64Array(CODED_BITS);
  for (let i = 0; i < carriers.count; i++) {
    if (carriers.pilot[i]) continue;
    const turn =
      -carriers.phase[i] + (2 * Math.PI * (carriers.u[i] * shift.x + carriers.v[i] * shift.y)) / GRID;
    const c = Math.cos(turn);
    const s = Math.sin(turn);
    const weight = reliability[Math.round(carriers.radius[i])];
    soft[carriers.first[i]] += weight * (values.re[i] * c - values.im[i] * s);
    soft[carriers.second[i]] += weight * (values.re[i] * s + values.im[i] * c);
  }
  return decode(soft);
}

/** How well pilots near each radius agree with what is known of them; smoothed over neighbouring rings. */
function ringReliability(
  values: { re: Float64Array; im: Float64Array },
  carriers: Carriers,
  shift: Shift,
): Float64Array {
  const sum = new Float64Array(32);
  const count = new Float64Array(32);
  for (let i = 0; i < carriers.count; i++) {
    if (!carriers.pilot[i]) continue;
    const turn =
      -carriers.phase[i] + (2 * Math.PI * (carriers.u[i] * shift.x + carriers.v[i] * shift.y)) / GRID;
    for (
      let ring = Math.max(0, Math.round(carriers.radius[i]) - 3);
      ring <= Math.min(31, Math.round(carriers.radius[i]) + 3);
      ring++
    ) {
      sum[ring] += values.re[i] * Math.cos(turn) - values.im[i] * Math.sin(turn);
      count[ring] += 1;
    }
  }
  return sum.map((value, ring) => Math.max(0.05, count[ring] > 0 ? value / count[ring] : 0.05));
}

/**
 * Reads a folded tile: `GRID x GRID` means of the picture's detail. `asMade` trusts that the tile starts at
 * the picture's corner; otherwise shift and mirroring are searched.
 */
export function readGrid(tile: Float64Array, carriers: Carriers, asMade: boolean): GridReading {
  const spectrum = { re: Float64Array.from(tile), im: new Float64Array(tile.length) };
  transform(spectrum, -1);
  let best: GridReading = { z: 0, payload: undefined };
  for (const [flip, conjugate] of asMade ? FLIPS.slice(0, 1) : FLIPS) {
    const values = carrierValues(spectrum, carriers, flip, conjugate);
    const shift = findShift(values, carriers, asMade);
    if (shift.z > best.z) best = { z: shift.z, payload: undefined };
    if (shift.z < MINIMUM_Z) continue;
    const bits = readBits(values, carriers, shift);
    const bytes = Uint8Array.from({ length: PAYLOAD_BYTES + 2 }, (_, i) =>
      bits.slice(i * 8, i * 8 + 8).reduce((byte, bit) => (byte << 1) | bit, 0),
    );
    const payload = bytes.subarray(0, PAYLOAD_BYTES);
    if (crc16(payload) === (bytes[PAYLOAD_BYTES] << 8) + bytes[PAYLOAD_BYTES + 1])
      return { z: shift.z, payload: toHex(payload) };
  }
  return best;
}
