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

/** Without branches: which way each value goes cannot be foretold, and a wrong guess costs more than the rest. */
function clip(values: Float32Array, limit: number): void {
  for (let i = 0; i < values.length; i++) values[i] = Math.min(limit, Math.max(-limit, values[i]));
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
      clip(clean, limit);
      for (let i = 0; i < clean.length; i++) clean[i] /= limit;
    };
  }
  const range = options.clip_sample_range ?? 1;
  return options.clip_sample ? (clean) => clip(clean, range) : undefined;
}
