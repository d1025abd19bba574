import { z } from 'zod';
import { alphasCumprodOf, trainingConfig, zeroSnrConfig } from './noise-schedule.js';
import { option } from './option.js';
import { denoisedWeights } from './prediction.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';
import { continuousTimesteps, spacingConfig } from './timestep-spacing.js';
import { TrainingLevels } from './training-levels.js';
import { weightedSum } from './weighted-sum.js';

const schema = z.object({
  ...trainingConfig.shape,
  ...zeroSnrConfig.shape,
  ...spacingConfig('linspace').shape,
  prediction_type: option(z.enum(['epsilon', 'v_prediction']), 'epsilon'),
});

/**
 * Euler's method to a lower noise level than the next, then fresh noise up to it. Song et al. 2021, "Score-Based
 * Generative Modeling", appendix F (ancestral sampling of the variance-exploding process).
 */
export function eulerAncestral(config: unknown): SchedulerFactory {
  const options = schema.parse(config);
  const levels = new TrainingLevels(alphasCumprodOf(options), options.rescale_betas_zero_snr);

  return {
    className: 'EulerAncestralDiscreteScheduler',
    plan(steps): Scheduler {
      const timesteps = continuousTimesteps(options, steps);
      const sigmas = [...timesteps.map((t) => levels.at(t)), 0].map(Math.fround);
      const largest = Math.max(...sigmas);
      return {
        timesteps,
        sigmas,
        initNoiseSigma: options.timestep_spacing === 'leading' ? Math.hypot(largest, 1) : largest,
        scaleModelInput: (sample, index) => weightedSum([1 / Math.hypot(sigmas[index], 1), sample]),
        step(output, index, sample, noise) {
          const [from, to] = [sigmas[index], sigmas[index + 1]];
          const up = Math.sqrt((to * to * (from * from - to * to)) / (from * from));
          const down = (to * to) / from;
          const clean = denoisedWeights(options.prediction_type, from);
          const slope = (down - from) / from;
          return weightedSum(
            [1 + slope * (1 - clean.sample), sample],
            [-slope * clean.output, output],
            [up, noise.randn(sample.length)],
          );
        },
      };
    },
  };
}
