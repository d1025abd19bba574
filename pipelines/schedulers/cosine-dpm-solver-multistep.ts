import { z } from 'zod';
import { integratorWeights } from './exponential-integrator.js';
import { option } from './option.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';
import { karrasSigmas } from './sigma-curves.js';
import { linspace } from './timestep-spacing.js';
import { weightedSum, type Term } from './weighted-sum.js';

const schema = z.object({
  sigma_min: option(z.number().positive(), 0.3),
  sigma_max: option(z.number().positive(), 500),
  sigma_data: option(z.number().positive(), 1),
  sigma_schedule: option(z.enum(['exponential', 'karras']), 'exponential'),
  solver_order: option(z.number().int().min(1).max(2), 2),
  prediction_type: option(z.enum(['epsilon', 'v_prediction']), 'v_prediction'),
  rho: option(z.number(), 7),
  solver_type: option(
    z
      .enum(['midpoint', 'heun', 'logrho', 'bh1', 'bh2'])
      .transform((type) => (type === 'heun' ? 'heun' : 'midpoint')),
    'midpoint',
  ),
  lower_order_final: option(z.boolean(), true),
  euler_at_final: option(z.boolean(), false),
  final_sigmas_type: option(z.enum(['zero', 'sigma_min']), 'zero'),
});

const f = Math.fround;
/** Runs shorter than this end with a step of first order where the config says so. */
const FEW_STEPS = 15;

/**
 * The stochastic second-order multistep solver of Stable Audio, in the variance-exploding form with the
 * preconditioning of Karras et al. 2022, table 1; the step is Lu et al. 2022, "DPM-Solver++", section 6. The model is
 * told the angle arctan σ in right angles. The reference takes its noise from a Brownian tree; over steps that do
 * not overlap that is independent unit noise, which is drawn here.
 */
export function cosineDpmSolverMultistep(config: unknown): SchedulerFactory {
  const options = schema.parse(config);
  const { sigma_min: low, sigma_max: high, sigma_data: data } = options;

  const levelsOf = (steps: number): number[] =>
    options.sigma_schedule === 'karras'
      ? karrasSigmas(low, high, steps, options.rho)
      : linspace(Math.log(low), Math.log(high), steps).map(Math.exp).reverse();

  return {
    className: 'CosineDPMSolverMultistepScheduler',
    plan(steps): Scheduler {
      const sigmas = [...levelsOf(steps), options.final_sigmas_type === 'zero' ? 0 : low].map(f);
      const points = sigmas.map((sigma) => ({ alpha: 1, sigma, lambda: -f(Math.log(sigma)) }));
      const firstAtEnd =
        options.euler_at_final ||
        (options.lower_order_final && steps < FEW_STEPS) ||
        options.final_sigmas_type === 'zero';
      let before: Float32Array | undefined;

      return {
        timesteps: sigmas.slice(0, -1).map((sigma) => f((Math.atan(sigma) / Math.PI) * 2)),
        sigmas,
        initNoiseSigma: Math.hypot(high, 1),
        scaleModelInput: (sample, index) => weightedSum([1 / Math.hypot(sigmas[index], data), sample]),
        step(output, index, sample, noise) {
          const sigma = sigmas[index];
          const spread = sigma ** 2 + data ** 2;
          const sign = options.prediction_type === 'v_prediction' ? -1 : 1;
          const clean = weightedSum(
            [data ** 2 / spread, sample],
            [(sign * sigma * data) / Math.sqrt(spread), output],
          );
          const weights = integratorWeights('sde-dpmsolver++', points[index], points[index + 1]);
          const terms: Term[] = [[weights.sample, sample]];
          if (weights.noise !== 0) terms.push([weights.noise, noise.randn(sample.length)]);
          const first = options.solver_order === 1 || (index === steps - 1 && firstAtEnd);
          if (before === undefined || first) terms.push([weights.prediction, clean]);
          else {
            const h = points[index + 1].lambda - points[index].lambda;
            const ratio = (points[index].lambda - points[index - 1].lambda) / h;
            const slope = (options.solver_type === 'midpoint' ? weights.midpoint : weights.first) / ratio;
            terms.push([weights.prediction + slope, clean], [-slope, before]);
          }
          before = clean;
          return weightedSum(...terms);
        },
      };
    },
  };
}
