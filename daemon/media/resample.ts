import type { PcmAudio } from '../../core/media.js';

const ZERO_CROSSINGS = 24;
const KAISER_BETA = 9;

/** Modified Bessel function of the first kind, order 0, by its power series. */
function besselI0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function kaiserSinc(x: number, cutoff: number): number {
  const position = x / ZERO_CROSSINGS;
  if (Math.abs(position) >= 1) return 0;
  const window = besselI0(KAISER_BETA * Math.sqrt(1 - position * position)) / besselI0(KAISER_BETA);
  const angle = Math.PI * cutoff * x;
  return window * cutoff * (angle === 0 ? 1 : Math.sin(angle) / angle);
}

/** Filter taps for each fractional position: `phases` rows of `2 * ZERO_CROSSINGS` taps. */
function polyphase(phases: number, cutoff: number): Float32Array[] {
  return Array.from({ length: phases }, (_, phase) => {
    const taps = Float32Array.from({ length: 2 * ZERO_CROSSINGS }, (__, tap) =>
      kaiserSinc(tap - ZERO_CROSSINGS + 1 - phase / phases, cutoff),
    );
    // Unit gain at 0 Hz in every phase: otherwise the phases' differences hum at the rate of their period.
    const sum = taps.reduce((total, tap) => total + tap, 0);
    return taps.map((tap) => tap / sum);
  });
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** `signal` at `up / down` times its rate, by a Kaiser-windowed sinc (Smith, "Digital Audio Resampling"). */
export function resampleChannel(signal: Float32Array, up: number, down: number): Float32Array {
  const bank = polyphase(up, Math.min(1, up / down));
  const out = new Float32Array(Math.round((signal.length * up) / down));
  for (let index = 0; index < out.length; index++) {
    const position = index * down;
    const whole = Math.floor(position / up);
    const taps = bank[position % up];
    const first = whole - ZERO_CROSSINGS + 1;
    let sum = 0;
    const from = Math.max(0, -first);
    const to = Math.min(taps.length, signal.length - first);
    for (let tap = from; tap < to; tap++) sum += taps[tap] * signal[first + tap];
    out[index] = sum;
  }
  return out;
}

/** The same sound at another sample rate. */
export function resample(sound: PcmAudio, sampleRateHz: number): PcmAudio {
  if (sound.sampleRateHz === sampleRateHz) return sound;
  const divisor = greatestCommonDivisor(sampleRateHz, sound.sampleRateHz);
  const up = sampleRateHz / divisor;
  const down = sound.sampleRateHz / divisor;
  return { sampleRateHz, channels: sound.channels.map((channel) => resampleChannel(channel, up, down)) };
}
