import { z } from 'zod';
import { edmCleanWeights, edmConfig, edmInputScale, edmLevels, edmTimestep } from './edm.js';
import { integratorWeights } from './exponential-integrator.js';
import { limitOf, thresholdConfig } from './limit-clean.js';
import { multistepWeights, orderOfStep, solverRule } from './multistep-weights.js';
import { option } from './option.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';
import { weightedSum, type Term } from './weighted-sum.js';

const schema = z
  .object({
    ...edmConfig({ low: 0.002, high: 80, data: 0.5, curve: 'karras', type: 'epsilon' }).shape,
    ...thresholdConfig.shape,
    solver_order: option(z.number().int().min(1).max(3), 2),
    algorithm_type: option(
      z
        .enum(['dpmsolver++', 'sde-dpmsolver++', 'deis'])
        .transform((type) => (type === 'deis' ? 'dpmsolver++' : type)),
      'dpmsolver++',
    ),
    solver_type: solverRule,
    lower_order_final: option(z.boolean(), true),
    euler_at_final: option(z.boolean(), false),
  })
  .refine(({ algorithm_type: type, solver_order: order }) => type !== 'sde-dpmsolver++' || order < 3, {
    path: ['solver_order'],
    message: 'must be at most 2 for sde-dpmsolver++',
  });

/**
 * DPM-Solver++ multistep, orders 1 to 3, for models with EDM's preconditioning: Lu et al. 2022, "DPM-Solver++",
 * algorithm 2 and section 6, in the variance-exploding form of Karras et al. 2022, table 1.
 */
export function edmDpmSolverMultistep(config: unknown): SchedulerFactory {
  const options = schema.parse(config);
  const { algorithm_type: algorithm, solver_order: fullOrder } = options;
  const limit = limitOf(options);

  return {
    className: 'EDMDPMSolverMultistepScheduler',
    plan(steps): Scheduler {
      const final = options.final_sigmas_type === 'zero' ? 0 : options.sigma_min;
      const sigmas = [...edmLevels(options, steps), final].map(Math.fround);
      const points = sigmas.map((sigma) => ({ alpha: 1, sigma, lambda: -Math.fround(Math.log(sigma)) }));
      const orderAt = orderOfStep(options, steps);
      let history: Float32Array[] = [];

      return {
        timesteps: sigmas.slice(0, -1).map(edmTimestep),
        sigmas,
        initNoiseSigma: Math.hypot(options.sigma_max, 1),
        scaleModelInput: (sample, index) => weightedSum([edmInputScale(options, sigmas[index]), sample]),
        step(output, index, sample, noise) {
          const weights = edmCleanWeights(options, sigmas[index]);
          const clean = weightedSum([weights.sample, sample], [weights.output, output]);
          limit?.(clean);
          history = [clean, ...history.slice(0, fullOrder - 1)];
          const step = integratorWeights(algorithm, points[index], points[index + 1]);
          const terms = multistepWeights(
            algorithm,
            options.solver_type,
            points,
            index,
            orderAt(index, history.length),
          );
          return weightedSum(
            [step.sample, sample],
            ...terms.map((weight, k): Term => [weight, history[k]]),
            ...(algorithm === 'sde-dpmsolver++' ? [[step.noise, noise.randn(sample.length)] as const] : []),
          );
        },
      };
    },
  };
}
