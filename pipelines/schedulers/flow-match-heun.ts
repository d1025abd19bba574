import { z } from 'zod';
import { option } from './option.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';
import { linspace } from './timestep-spacing.js';
import { weightedSum } from './weighted-sum.js';

const schema = z.object({
  num_train_timesteps: option(z.number().int().positive(), 1000),
  shift: option(z.number().positive(), 1),
});

const f = Math.fround;

/**
 * Heun's second-order method on a rectified flow: two evaluations a step but for the last. Karras et al. 2022,
 * algorithm 1; the shift is Esser et al. 2024, eq. 23.
 */
export function flowMatchHeun(config: unknown): SchedulerFactory {
  const { num_train_timesteps: total, shift } = schema.parse(config);
  const shifted = (sigma: number) => (shift * sigma) / (1 + (shift - 1) * sigma);
  const ends = [f(shifted(1)), f(shifted(f(1 / total)))];

  return {
    className: 'FlowMatchHeunDiscreteScheduler',
    plan(steps): Scheduler {
      const levels = linspace(ends[0] * total, ends[1] * total, steps).map((t) => f(shifted(t / total)));
      const twice = levels.flatMap((sigma, i) => (i === 0 ? [sigma] : [sigma, sigma]));
      const sigmas = [...twice, 0];
      let origin: Float32Array = new Float32Array();
      let first: Float32Array = new Float32Array();

      return {
        timesteps: twice.map((sigma) => f(sigma * total)),
        sigmas,
        initNoiseSigma: 1,
        scaleModelInput: (sample) => sample,
        step(output, index, sample) {
          if (index % 2 === 1) {
            const half = (sigmas[index] - sigmas[index - 1]) / 2;
            return weightedSum([1, origin], [half, first], [half, output]);
          }
          origin = sample;
          first = output;
          return weightedSum([1, sample], [sigmas[index + 1] - sigmas[index], output]);
        },
      };
    },
  };
}
