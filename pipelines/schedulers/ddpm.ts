import { z } from 'zod';
import { clipConfig, limitOf, thresholdConfig } from './limit-clean.js';
import { alphasCumprodOf, trainingConfig, zeroSnrConfig } from './noise-schedule.js';
import { option } from './option.js';
import { cleanWeights, predictionConfig } from './prediction.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';
import { spacingConfig, trainedTimesteps } from './timestep-spacing.js';
import { weightedSum } from './weighted-sum.js';

const schema = z.object({
  ...trainingConfig.shape,
  ...zeroSnrConfig.shape,
  ...predictionConfig.shape,
  ...spacingConfig('leading').shape,
  ...thresholdConfig.shape,
  ...clipConfig(true).shape,
  variance_type: option(z.enum(['fixed_small', 'fixed_small_log', 'fixed_large']), 'fixed_small'),
});

/** Denoising diffusion probabilistic models: ancestral sampling. Ho et al. 2020, eqs. 6 and 7, algorithm 2. */
export function ddpm(config: unknown): SchedulerFactory {
  const options = schema.parse(config);
  const alphasCumprod = alphasCumprodOf(options);
  const limit = limitOf(options);

  return {
    className: 'DDPMScheduler',
    plan(steps): Scheduler {
      const timesteps = trainedTimesteps(options, steps);
      return {
        timesteps,
        sigmas: [],
        initNoiseSigma: 1,
        scaleModelInput: (sample) => sample,
        step(output, index, sample, noise) {
          const t = timesteps[index];
          const bar = alphasCumprod[t];
          const previous = index + 1 < timesteps.length ? alphasCumprod[timesteps[index + 1]] : 1;
          const alpha = Math.fround(bar / previous);
          const beta = 1 - alpha;
          const weights = cleanWeights(options.prediction_type, Math.sqrt(bar), Math.sqrt(1 - bar));
          const x0 = weightedSum([weights.sample, sample], [weights.output, output]);
          limit?.(x0);
          const toClean = (Math.sqrt(previous) * beta) / (1 - bar);
          const toSample = (Math.sqrt(alpha) * (1 - previous)) / (1 - bar);
          if (t === 0) return weightedSum([toClean, x0], [toSample, sample]);
          const variance =
            options.variance_type === 'fixed_large'
              ? beta
              : Math.max(((1 - previous) / (1 - bar)) * beta, 1e-20);
          const random = noise.randn(sample.length);
          return weightedSum([toClean, x0], [toSample, sample], [Math.sqrt(variance), random]);
        },
      };
    },
  };
}
