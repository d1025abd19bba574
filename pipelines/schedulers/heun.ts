import { z } from 'zod';
import { clipConfig, limitOf, thresholdConfig } from './limit-clean.js';
import { alphasCumprodOf, trainingConfig } from './noise-schedule.js';
import { option } from './option.js';
import { denoisedWeights, predictionConfig } from './prediction.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';
import { askedCurve, curveConfig, oneCurve } from './sigma-curves.js';
import { continuousTimesteps, spacingConfig } from './timestep-spacing.js';
import { TrainingLevels } from './training-levels.js';
import { weightedSum } from './weighted-sum.js';

const schema = z
  .object({
    ...trainingConfig.shape,
    ...spacingConfig('linspace').shape,
    ...curveConfig.shape,
    ...predictionConfig.shape,
    ...clipConfig(false).shape,
    beta_start: option(z.number(), 0.00085),
    beta_end: option(z.number(), 0.012),
  })
  .superRefine(oneCurve);

/**
 * Heun's second-order method on the probability-flow ODE: two evaluations a step but for the last. Karras et al. 2022,
 * algorithm 1.
 */
export function heun(config: unknown): SchedulerFactory {
  const options = schema.parse(config);
  const levels = new TrainingLevels(alphasCumprodOf(options));
  const limit = limitOf({ ...thresholdConfig.parse({}), ...options });

  return {
    className: 'HeunDiscreteScheduler',
    plan(steps): Scheduler {
      let visited = continuousTimesteps(options, steps);
      const trained = visited.map((t) => levels.at(t));
      const curve = askedCurve(options, trained[trained.length - 1], trained[0], steps);
      if (curve !== undefined) visited = curve.map((sigma) => levels.timestepOf(sigma));
      // Every level but the first is visited twice: to correct the step to it and to start the next.
      const twice = (values: readonly number[]) =>
        values.flatMap((value, i) =>
          i === 0 ? [Math.fround(value)] : Array<number>(2).fill(Math.fround(value)),
        );
      const timesteps = twice(visited);
      const sigmas = [...twice(curve ?? trained), 0];
      const largest = Math.max(...sigmas);
      let origin: Float32Array = new Float32Array();
      let firstSlope: Float32Array = new Float32Array();

      return {
        timesteps,
        sigmas,
        initNoiseSigma: options.timestep_spacing === 'leading' ? Math.hypot(largest, 1) : largest,
        scaleModelInput: (sample, index) => weightedSum([1 / Math.hypot(sigmas[index], 1), sample]),
        step(output, index, sample) {
          const correcting = index % 2 === 1;
          const sigma = sigmas[index];
          const weights = denoisedWeights(options.prediction_type, sigma);
          const clean = weightedSum([weights.sample, sample], [weights.output, output]);
          limit?.(clean);
          const slope = weightedSum([1 / sigma, sample], [-1 / sigma, clean]);
          if (correcting) {
            const half = (sigma - sigmas[index - 1]) / 2;
            return weightedSum([1, origin], [half, firstSlope], [half, slope]);
          }
          origin = sample;
          firstSlope = slope;
          return weightedSum([1, sample], [sigmas[index + 1] - sigma, slope]);
        },
      };
    },
  };
}
