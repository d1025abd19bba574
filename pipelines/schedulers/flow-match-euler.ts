import { z } from 'zod';
import { NodeError } from '../../core/errors.js';
import { option } from './option.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';
import { askedCurve, curveConfig, oneCurve } from './sigma-curves.js';
import { stretchedTo } from './stretch.js';
import { linspace } from './timestep-spacing.js';
import { weightedSum } from './weighted-sum.js';

const schema = z
  .object({
    ...curveConfig.shape,
    num_train_timesteps: option(z.number().int().positive(), 1000),
    shift: option(z.number().positive(), 1),
    use_dynamic_shifting: option(z.boolean(), false),
    time_shift_type: option(z.enum(['exponential', 'linear']), 'exponential'),
    shift_terminal: z.number().nullish(),
    invert_sigmas: option(z.boolean(), false),
    stochastic_sampling: option(z.boolean(), false),
  })
  .superRefine(oneCurve);

const f = Math.fround;

/**
 * Euler's method on the straight paths of a rectified flow. Liu et al. 2023, "Flow Straight and Fast", eq. 1; the
 * shift of its times towards noise is Esser et al. 2024, "Scaling Rectified Flow Transformers", eq. 23.
 */
export function flowMatchEuler(config: unknown): SchedulerFactory {
  const options = schema.parse(config);
  const total = options.num_train_timesteps;
  const shifted = (sigma: number, shift: number) => (shift * sigma) / (1 + (shift - 1) * sigma);
  // A shift that does not depend on the picture is already in the ends of the range, and is applied once more below.
  const fixed = options.use_dynamic_shifting ? 1 : options.shift;
  const ends = [f(shifted(1, fixed)), f(shifted(f(1 / total), fixed))];

  const levelsOf = (
    steps: number,
    mu: number | undefined,
    given: readonly number[] | undefined,
  ): number[] => {
    let levels = (given ?? linspace(ends[0] * total, ends[1] * total, steps).map((t) => t / total)).slice();
    if (given !== undefined) levels = levels.map(f);
    if (options.use_dynamic_shifting) {
      if (mu === undefined)
        throw new NodeError(
          'SCHEDULER_UNKNOWN',
          'FlowMatchEulerDiscreteScheduler: use_dynamic_shifting needs mu',
        );
      const pull = options.time_shift_type === 'exponential' ? Math.exp(mu) : mu;
      levels = levels.map((sigma) => pull / (pull + (1 / sigma - 1)));
    } else levels = levels.map((sigma) => shifted(sigma, options.shift));
    if (options.shift_terminal) levels = stretchedTo(options.shift_terminal, levels);
    return (askedCurve(options, levels[levels.length - 1], levels[0], steps) ?? levels).map(f);
  };

  return {
    className: 'FlowMatchEulerDiscreteScheduler',
    plan(steps, { mu, sigmas: given } = {}): Scheduler {
      if (given !== undefined && given.length !== steps)
        throw new NodeError('INTERNAL', `${given.length} sigmas were given for ${steps} steps`);
      let levels = levelsOf(steps, mu, given);
      if (options.invert_sigmas) levels = levels.map((sigma) => f(1 - sigma));
      const sigmas = [...levels, options.invert_sigmas ? 1 : 0];
      return {
        timesteps: levels.map((sigma) => f(sigma * total)),
        sigmas,
        initNoiseSigma: 1,
        scaleModelInput: (sample) => sample,
        step(output, index, sample, noise) {
          const [sigma, next] = [sigmas[index], sigmas[index + 1]];
          if (!options.stochastic_sampling) return weightedSum([1, sample], [next - sigma, output]);
          const random = noise.randn(sample.length);
          return weightedSum([1 - next, sample], [-(1 - next) * sigma, output], [next, random]);
        },
      };
    },
  };
}
