import { z } from 'zod';
import { clipConfig, limitOf, thresholdConfig } from './limit-clean.js';
import { consistencyConfig, consistencyTimesteps } from './consistency-timesteps.js';
import { alphasCumprodOf } from './noise-schedule.js';
import { option } from './option.js';
import { cleanWeights } from './prediction.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';
import { weightedSum } from './weighted-sum.js';

const schema = z.object({
  ...consistencyConfig.shape,
  ...thresholdConfig.shape,
  ...clipConfig(false).shape,
  timestep_scaling: option(z.number(), 10),
});

/** Deviation of the data that the boundary condition is written for. */
const SIGMA_DATA = 0.5;

/**
 * Multistep consistency sampling in latent space. Luo et al. 2023, "Latent Consistency Models", algorithm 3; the
 * boundary condition is Song et al. 2023, "Consistency Models", eq. 5 and appendix C.
 */
export function lcm(config: unknown): SchedulerFactory {
  const options = schema.parse(config);
  const alphasCumprod = alphasCumprodOf(options);
  const limit = limitOf(options);

  return {
    className: 'LCMScheduler',
    plan(steps): Scheduler {
      const timesteps = consistencyTimesteps(options, steps);
      return {
        timesteps,
        sigmas: [],
        initNoiseSigma: 1,
        scaleModelInput: (sample) => sample,
        step(output, index, sample, noise) {
          const bar = alphasCumprod[timesteps[index]];
          const scaled = timesteps[index] * options.timestep_scaling;
          const spread = scaled ** 2 + SIGMA_DATA ** 2;
          const skip = SIGMA_DATA ** 2 / spread;
          const out = scaled / Math.sqrt(spread);
          const clean = cleanWeights(options.prediction_type, Math.sqrt(bar), Math.sqrt(1 - bar));
          const x0 = weightedSum([clean.sample, sample], [clean.output, output]);
          limit?.(x0);
          if (index === timesteps.length - 1) return weightedSum([out, x0], [skip, sample]);
          const previous = alphasCumprod[timesteps[index + 1]];
          const keep = Math.sqrt(previous);
          return weightedSum(
            [keep * out, x0],
            [keep * skip, sample],
            [Math.sqrt(1 - previous), noise.randn(sample.length)],
          );
        },
      };
    },
  };
}
