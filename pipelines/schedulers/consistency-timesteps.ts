import { z } from 'zod';
import { trainingConfig, zeroSnrConfig } from './noise-schedule.js';
import { option } from './option.js';
import { predictionConfig } from './prediction.js';
import { atMostTrained } from './step-count.js';
import { linspace } from './timestep-spacing.js';

/** Options of samplers for models that were distilled on a coarse set of timesteps. */
export const consistencyConfig = z.object({
  ...trainingConfig.shape,
  ...zeroSnrConfig.shape,
  ...predictionConfig.shape,
  beta_start: option(z.number(), 0.00085),
  beta_end: option(z.number(), 0.012),
  beta_schedule: option(z.enum(['linear', 'scaled_linear', 'squaredcos_cap_v2']), 'scaled_linear'),
  original_inference_steps: option(z.number().int().positive(), 50),
});

/** Timesteps of the distillation, evenly thinned out, falling. Luo et al. 2023, section 4.3. @throws REQUEST_INVALID */
export function consistencyTimesteps(options: z.output<typeof consistencyConfig>, steps: number): number[] {
  const original = options.original_inference_steps;
  atMostTrained(steps, Math.min(original, options.num_train_timesteps));
  const stride = Math.floor(options.num_train_timesteps / original);
  return linspace(0, original, steps + 1)
    .slice(0, steps)
    .map((index) => (original - Math.floor(index)) * stride - 1);
}
