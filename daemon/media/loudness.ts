import type { PcmAudio } from '../../core/media.js';
import { resampleChannel } from './resample.js';

/** Measures are defined at this rate: the filter coefficients below hold for 48 kHz only. */
export const MASTER_RATE_HZ = 48_000;

interface Biquad {
  readonly b: readonly [number, number, number];
  readonly a: readonly [number, number];
}

/** The two stages of K-weighting at 48 kHz: ITU-R BS.1770-4, tables 1 and 2. */
const SHELF: Biquad = {
  b: [1.53512485958697, -2.69169618940638, 1.19839281085285],
  a: [-1.69065929318241, 0.73248077421585],
};
const HIGH_PASS: Biquad = { b: [1, -2, 1], a: [-1.99004745483398, 0.99007225036621] };

/** A block is 400 ms, moved by a quarter of itself. */
const STEP = MASTER_RATE_HZ / 10;
const ABSOLUTE_GATE_LUFS = -70;
const RELATIVE_GATE_LU = -10;

function filtered(signal: Float32Array, { b, a }: Biquad): Float32Array {
  const out = new Float32Array(signal.length);
  let x1 = 0;
  let x2 = 0;
  let y1 = 0;
  let y2 = 0;
  for (let index = 0; index < signal.length; index++) {
    const x = signal[index];
    const y = b[0] * x + b[1] * x1 + b[2] * x2 - a[0] * y1 - a[1] * y2;
    x2 = x1;
    x1 = x;
    y2 = y1;
    y1 = y;
    out[index] = y;
  }
  return out;
}

/** Mean square of each 400 ms block, summed over channels. */
function blockPowers(sound: PcmAudio): number[] {
  const weighted = sound.channels.map((channel) => filtered(filtered(channel, SHELF), HIGH_PASS));
  const steps = Math.floor((weighted[0]?.length ?? 0) / STEP);
  const stepEnergy = Array.from({ length: steps }, (_, step) => {
    let sum = 0;
    for (const channel of weighted) {
      for (let index = step * STEP; index < (step + 1) * STEP; index++) sum += channel[index] ** 2;
    }
    return sum;
  });
  return Array.from(
    { length: Math.max(0, steps - 3) },
    (_, step) =>
      (stepEnergy[step] + stepEnergy[step + 1] + stepEnergy[step + 2] + stepEnergy[step + 3]) / (4 * STEP),
  );
}

const toLufs = (power: number): number => -0.691 + 10 * Math.log10(power);
const mean = (values: readonly number[]): number =>
  values.reduce((sum, each) => sum + each, 0) / values.length;

/**
 * Integrated loudness in LUFS of 48 kHz sound of one or two channels, gated (ITU-R BS.1770-4, equations 2
 * to 7); -Infinity for silence and for less than 400 ms.
 */
export function integratedLoudness(sound: PcmAudio): number {
  const loud = blockPowers(sound).filter((power) => toLufs(power) > ABSOLUTE_GATE_LUFS);
  if (loud.length === 0) return -Infinity;
  const gate = toLufs(mean(loud)) + RELATIVE_GATE_LU;
  return toLufs(mean(loud.filter((power) => toLufs(power) > gate)));
}

/** Largest absolute value between as well as at the samples, as dBTP (BS.1770-4 annex 2: 4x oversampling). */
export function truePeakDb(sound: PcmAudio): number {
  let peak = 0;
  for (const channel of sound.channels) {
    for (const sample of channel) peak = Math.max(peak, Math.abs(sample));
    for (const sample of resampleChannel(channel, 4, 1)) peak = Math.max(peak, Math.abs(sample));
  }
  return 20 * Math.log10(peak);
}
