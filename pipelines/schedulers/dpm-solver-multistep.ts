import { z } from 'zod';
import { clippedCount, dpmConfig, solvable } from './dpm-config.js';
import { dpmPrediction } from './dpm-prediction.js';
import { integratorWeights } from './exponential-integrator.js';
import { limitOf } from './limit-clean.js';
import { multistepWeights, orderOfStep } from './multistep-weights.js';
import { alphasCumprodOf, zeroSnrConfig } from './noise-schedule.js';
import { option } from './option.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';
import { signalLevel } from './signal-level.js';
import { visitedLevels } from './solver-levels.js';
import { solverTimesteps, spacingConfig } from './timestep-spacing.js';
import { TrainingLevels } from './training-levels.js';
import { weightedSum, type Term } from './weighted-sum.js';

const schema = z
  .object({
    ...dpmConfig.shape,
    ...zeroSnrConfig.shape,
    ...spacingConfig('linspace').shape,
    lower_order_final: option(z.boolean(), true),
    euler_at_final: option(z.boolean(), false),
    use_lu_lambdas: option(z.boolean(), false),
  })
  .superRefine(solvable);

/**
 * DPM-Solver and DPM-Solver++ multistep, orders 1 to 3. Lu et al. 2022, "DPM-Solver++", algorithm 2 (2M) and section 6
 * (SDE); the third order and the noise-predicting form are Lu et al. 2022, "DPM-Solver", appendix B.
 */
export function dpmSolverMultistep(config: unknown): SchedulerFactory {
  const options = schema.parse(config);
  const { algorithm_type: algorithm, solver_order: fullOrder } = options;
  const flow = options.use_flow_sigmas;
  const alphasCumprod = alphasCumprodOf(options);
  const trained = new TrainingLevels(alphasCumprod, options.rescale_betas_zero_snr);
  const last = options.num_train_timesteps - clippedCount(alphasCumprod, options.lambda_min_clipped);
  const limit = limitOf(options);

  return {
    className: 'DPMSolverMultistepScheduler',
    plan(steps, { mu } = {}): Scheduler {
      const spaced = solverTimesteps(options, steps, last);
      const rounded = options.beta_schedule !== 'squaredcos_cap_v2';
      const { timesteps, levels } = visitedLevels(options, trained, spaced, steps, rounded, mu);
      const final = options.final_sigmas_type === 'zero' ? 0 : trained.lowest;
      const sigmas = [...levels, final].map(Math.fround);
      const points = sigmas.map((sigma) => signalLevel(sigma, flow));
      const orderAt = orderOfStep(options, timesteps.length);
      let history: Float32Array[] = [];

      return {
        timesteps,
        sigmas,
        initNoiseSigma: 1,
        scaleModelInput: (sample) => sample,
        step(output, index, sample, noise) {
          const prediction = dpmPrediction(
            algorithm,
            options.prediction_type,
            points[index],
            output,
            sample,
            limit,
          );
          history = [prediction, ...history.slice(0, fullOrder - 1)];
          const weights = integratorWeights(algorithm, points[index], points[index + 1]);
          const terms: Term[] = [
            [weights.sample, sample],
            ...multistepWeights(
              algorithm,
              options.solver_type,
              points,
              index,
              orderAt(index, history.length),
            ).map((weight, k): Term => [weight, history[k]]),
          ];
          if (algorithm.startsWith('sde')) terms.push([weights.noise, noise.randn(sample.length)]);
          return weightedSum(...terms);
        },
      };
    },
  };
}
