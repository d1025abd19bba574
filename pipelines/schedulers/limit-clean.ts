import { z } from 'zod';
import { option } from './option.js';

const f = Math.fround;

export const thresholdConfig = z.object({
  thresholding: option(z.boolean(), false),
  dynamic_thresholding_ratio: option(z.number(), 0.995),
  sample_max_value: option(z.number(), 1),
});
type ThresholdOptions = z.output<typeof thresholdConfig>;

/** Clipping, for samplers that know it; some of them clip unless told not to. */
export function clipConfig(fallback: boolean) {
  return z.object({
    clip_sample: option(z.boolean(), fallback),
    clip_sample_range: option(z.number(), 1),
  });
}
type ClipOptions = z.output<ReturnType<typeof clipConfig>>;

/** Changes clean data in place to what the sampler goes on with. */
export type Limit = (clean: Float32Array) => void;

/** The q-quantile of magnitudes, between neighbours by linear interpolation, in float32. */
function magnitudeQuantile(values: Float32Array, q: number): number {
  const sorted = values.map(Math.abs).sort();
  const rank = f(f(q) * (sorted.length - 1));
  const below = Math.floor(rank);
  const above = Math.min(below + 1, sorted.length - 1);
  return f(sorted[below] + f(rank - below) * (sorted[above] - sorted[below]));
}

function clamp(values: Float32Array, limit: number, divisor: number): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    values[i] = (value > limit ? limit : value < -limit ? -limit : value) / divisor;
  }
}

/**
 * What the config asks to do to clean data, or undefined where it asks for nothing. Dynamic thresholding: Saharia et
 * al. 2022, "Photorealistic Text-to-Image Diffusion Models", section 2.3.
 */
export function limitOf(options: ThresholdOptions & Partial<ClipOptions>): Limit | undefined {
  if (options.thresholding) {
    return (clean) => {
      const quantile = magnitudeQuantile(clean, options.dynamic_thresholding_ratio);
      const limit = Math.min(options.sample_max_value, Math.max(1, quantile));
      clamp(clean, limit, limit);
    };
  }
  const range = options.clip_sample_range ?? 1;
  return options.clip_sample ? (clean) => clamp(clean, range, 1) : undefined;
}
