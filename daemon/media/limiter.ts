import type { PcmAudio } from '../../core/media.js';
import { resampleChannel } from './resample.js';

const OVERSAMPLING = 4;

/** Minimum over `[index - radius, index + radius]`, in one pass with a queue of candidates. */
function slidingMinimum(values: Float32Array, radius: number): Float32Array {
  const out = new Float32Array(values.length);
  const queue = new Int32Array(values.length);
  let head = 0;
  let tail = 0;
  for (let index = 0; index < values.length + radius; index++) {
    if (index < values.length) {
      while (tail > head && values[queue[tail - 1]] >= values[index]) tail -= 1;
      queue[tail++] = index;
    }
    const centre = index - radius;
    if (centre < 0) continue;
    while (queue[head] < centre - radius) head += 1;
    out[centre] = values[queue[head]]!;
  }
  return out;
}

/** Mean over `[index - radius, index + radius]`, with the end values held beyond the ends. */
function slidingMean(values: Float32Array, radius: number): Float32Array {
  const out = new Float32Array(values.length);
  const last = values.length - 1;
  const at = (index: number): number => values[Math.min(last, Math.max(0, index))];
  let sum = 0;
  for (let index = -radius; index <= radius; index++) sum += at(index);
  for (let index = 0; index <= last; index++) {
    out[index] = sum / (2 * radius + 1);
    sum += at(index + radius + 1) - at(index - radius);
  }
  return out;
}

/** Largest absolute value in any channel around each sample, the values between samples included. */
export function peakEnvelope(sound: PcmAudio): Float32Array {
  const envelope = new Float32Array(sound.channels[0]?.length ?? 0);
  for (const channel of sound.channels) {
    const dense = resampleChannel(channel, OVERSAMPLING, 1);
    for (let index = 0; index < envelope.length; index++) {
      let peak = envelope[index];
      const last = Math.min(dense.length, (index + 1) * OVERSAMPLING);
      for (let at = Math.max(0, (index - 1) * OVERSAMPLING + 1); at < last; at++) {
        peak = Math.max(peak, Math.abs(dense[at]));
      }
      envelope[index] = peak;
    }
  }
  return envelope;
}

/**
 * The sound amplified by `gainDb` with true peaks held at `ceilingDb`. The reduction that each sample needs is
 * spread by a sliding minimum and smoothed by a mean of the same width, so it is never less than what the
 * sample needs and has no corners to hear. All channels share it, which keeps the stereo image still.
 */
export function amplifyLimited(
  sound: PcmAudio,
  envelope: Float32Array,
  gainDb: number,
  ceilingDb: number,
): PcmAudio {
  const gain = 10 ** (gainDb / 20);
  const highest = 10 ** (ceilingDb / 20) / gain;
  const needed = envelope.map((peak) => (peak > highest ? highest / peak : 1));
  const radius = Math.round(sound.sampleRateHz * 0.004);
  const reduction = slidingMean(slidingMinimum(needed, radius), radius);
  return {
    sampleRateHz: sound.sampleRateHz,
    channels: sound.channels.map((channel) =>
      channel.map((sample, index) => sample * gain * reduction[index]),
    ),
  };
}
