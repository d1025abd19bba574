import { z } from 'zod';
import { edmCleanWeights, edmConfig, edmInputScale, edmLevels } from './edm.js';
import { integratorWeights } from './exponential-integrator.js';
import { multistepWeights, orderOfStep, solverRule } from './multistep-weights.js';
import { option } from './option.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';
import { weightedSum, type Term } from './weighted-sum.js';

const schema = z.object({
  ...edmConfig({ low: 0.3, high: 500, data: 1, curve: 'exponential', type: 'v_prediction' }).shape,
  solver_order: option(z.number().int().min(1).max(2), 2),
  solver_type: solverRule,
  lower_order_final: option(z.boolean(), true),
  euler_at_final: option(z.boolean(), false),
});

const f = Math.fround;

/**
 * The stochastic second-order multistep solver of Stable Audio, in the variance-exploding form with the
 * preconditioning of Karras et al. 2022, table 1; the step is Lu et al. 2022, "DPM-Solver++", section 6. The model is
 * told the angle arctan σ in right angles. The reference takes its noise from a Brownian tree; over steps that do
 * not overlap that is independent unit noise, which is drawn here.
 */
export function cosineDpmSolverMultistep(config: unknown): SchedulerFactory {
  const options = schema.parse(config);
  return {
    className: 'CosineDPMSolverMultistepScheduler',
    plan(steps): Scheduler {
      const final = options.final_sigmas_type === 'zero' ? 0 : options.sigma_min;
      const sigmas = [...edmLevels(options, steps), final].map(f);
      const points = sigmas.map((sigma) => ({ alpha: 1, sigma, lambda: -f(Math.log(sigma)) }));
      const orderAt = orderOfStep(options, steps);
      let before: Float32Array | undefined;

      return {
        timesteps: sigmas.slice(0, -1).map((sigma) => f((Math.atan(sigma) / Math.PI) * 2)),
        sigmas,
        initNoiseSigma: Math.hypot(options.sigma_max, 1),
        scaleModelInput: (sample, index) => weightedSum([edmInputScale(options, sigmas[index]), sample]),
        step(output, index, sample, noise) {
          const own = edmCleanWeights(options, sigmas[index]);
          const clean = weightedSum([own.sample, sample], [own.output, output]);
          const weights = integratorWeights('sde-dpmsolver++', points[index], points[index + 1]);
          const terms: Term[] = [[weights.sample, sample]];
          if (weights.noise !== 0) terms.push([weights.noise, noise.randn(sample.length)]);
          const order = orderAt(index, before === undefined ? 1 : 2);
          const [latest, earlier] = multistepWeights(
            'sde-dpmsolver++',
            options.solver_type,
            points,
            index,
            order,
          );
          terms.push([latest, clean]);
          if (before !== undefined && earlier !== undefined) terms.push([earlier, before]);
          before = clean;
          return weightedSum(...terms);
        },
      };
    },
  };
}
