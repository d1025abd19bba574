import { z } from 'zod';
import { clipConfig, limitOf, thresholdConfig } from './limit-clean.js';
import { alphasCumprodOf, trainingConfig, zeroSnrConfig } from './noise-schedule.js';
import { option } from './option.js';
import { cleanWeights, noiseWeights, predictionConfig } from './prediction.js';
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
  set_alpha_to_one: option(z.boolean(), true),
});

/** Denoising diffusion implicit models. Song et al. 2021, eq. 12, and eq. 16 for the noise of η > 0. */
export function ddim(config: unknown): SchedulerFactory {
  const options = schema.parse(config);
  const type = options.prediction_type;
  const alphasCumprod = alphasCumprodOf(options);
  const finalAlpha = options.set_alpha_to_one ? 1 : alphasCumprod[0];
  const limit = limitOf(options);

  return {
    className: 'DDIMScheduler',
    plan(steps, { eta = 0 } = {}): Scheduler {
      const timesteps = trainedTimesteps(options, steps);
      const stride = Math.floor(options.num_train_timesteps / steps);
      return {
        timesteps,
        sigmas: [],
        initNoiseSigma: 1,
        scaleModelInput: (sample) => sample,
        step(output, index, sample, noise) {
          const t = timesteps[index];
          const bar = alphasCumprod[t];
          const previous = t - stride >= 0 ? alphasCumprod[t - stride] : finalAlpha;
          const variance = ((1 - previous) / (1 - bar)) * (1 - bar / previous);
          const deviation = eta === 0 ? 0 : eta * Math.sqrt(variance);
          const keep = Math.sqrt(previous);
          // All of the noise may be fresh, when rounding can leave less than nothing.
          const direction = Math.sqrt(Math.max(0, 1 - previous - deviation * deviation));
          const clean = cleanWeights(type, Math.sqrt(bar), Math.sqrt(1 - bar));
          const epsilon = noiseWeights(type, Math.sqrt(bar), Math.sqrt(1 - bar));
          let next: Float32Array;
          if (limit === undefined) {
            next = weightedSum(
              [keep * clean.sample + direction * epsilon.sample, sample],
              [keep * clean.output + direction * epsilon.output, output],
            );
          } else {
            const x0 = weightedSum([clean.sample, sample], [clean.output, output]);
            limit(x0);
            next = weightedSum(
              [keep, x0],
              [direction * epsilon.sample, sample],
              [direction * epsilon.output, output],
            );
          }
          return eta === 0 ? next : weightedSum([1, next], [deviation, noise.randn(next.length)]);
        },
      };
    },
  };
}
