import { z } from 'zod';
import { integratorWeights } from './exponential-integrator.js';
import { limitOf, thresholdConfig } from './limit-clean.js';
import { alphasCumprodOf, trainingConfig } from './noise-schedule.js';
import { option } from './option.js';
import { cleanWeights, flowPredictionConfig } from './prediction.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';
import { oneCurve } from './sigma-curves.js';
import { signalLevel } from './signal-level.js';
import { flowOnFlow, solverLevelConfig, visitedLevels } from './solver-levels.js';
import { solverTimesteps, spacingConfig } from './timestep-spacing.js';
import { TrainingLevels } from './training-levels.js';
import { weightedSum, type Term } from './weighted-sum.js';

const schema = z
  .object({
    ...trainingConfig.shape,
    ...thresholdConfig.shape,
    ...flowPredictionConfig.shape,
    ...solverLevelConfig.shape,
    ...spacingConfig('linspace').shape,
    solver_order: option(z.number().int().min(1).max(3), 2),
    // Configs written for its relatives run too, as in the reference.
    algorithm_type: option(z.enum(['deis', 'dpmsolver', 'dpmsolver++']), 'deis'),
    solver_type: option(z.enum(['logrho', 'midpoint', 'heun', 'bh1', 'bh2']), 'logrho'),
    lower_order_final: option(z.boolean(), true),
  })
  .superRefine(oneCurve)
  .superRefine(flowOnFlow);

/** Runs shorter than this end with steps of lower order where the config says so. */
const FEW_STEPS = 15;

const f = Math.fround;
const logOf = (value: number) => f(Math.log(value));

/**
 * Antiderivative at ρ = t of the Lagrange polynomial in log ρ that is 1 at b and 0 at c. Differences of two of these
 * cancel, so every operation is rounded in float32 in the reference's order.
 */
function linear(t: number, b: number, c: number): number {
  const [lt, lb, lc] = [logOf(t), logOf(b), logOf(c)];
  return f(f(t * f(f(lt - lc) - 1)) / f(lb - lc));
}

/** The same for the polynomial that is 1 at b and 0 at c and d. */
function quadratic(t: number, b: number, c: number, d: number): number {
  const [lt, lb, lc, ld] = [logOf(t), logOf(b), logOf(c), logOf(d)];
  let sum = f(lc * f(f(ld - lt) + 1));
  sum = f(f(sum - f(ld * lt)) + ld);
  sum = f(f(f(sum + f(lt * lt)) - f(2 * lt)) + 2);
  return f(f(t * sum) / f(f(lb - lc) * f(lb - ld)));
}

/**
 * Diffusion exponential integrator sampler, the log-ρ Adams–Bashforth form. Zhang & Chen 2023, "Fast Sampling of
 * Diffusion Models with Exponential Integrator", eqs. 14 and 15 and appendix B.
 */
export function deis(config: unknown): SchedulerFactory {
  const options = schema.parse(config);
  const trained = new TrainingLevels(alphasCumprodOf(options));
  const limit = limitOf(options);
  const curved =
    options.use_karras_sigmas ||
    options.use_exponential_sigmas ||
    options.use_beta_sigmas ||
    options.use_flow_sigmas;

  return {
    className: 'DEISMultistepScheduler',
    plan(steps, { mu } = {}): Scheduler {
      const spaced = solverTimesteps(options, steps);
      const { timesteps, levels } = visitedLevels(options, trained, spaced, steps, true, mu);
      // A curve has no level beyond its last, so the last step leaves the sample as it is, as in the reference.
      const sigmas = [...levels, curved ? levels[levels.length - 1] : trained.lowest].map(Math.fround);
      const points = sigmas.map((sigma) => signalLevel(sigma, options.use_flow_sigmas));
      const rhos = points.map(({ alpha, sigma }) => f(sigma / alpha));
      const count = timesteps.length;
      const fewAtEnd = options.lower_order_final && count < FEW_STEPS;
      let history: Float32Array[] = [];

      const noiseIn = (output: Float32Array, index: number, sample: Float32Array): Float32Array => {
        const { alpha, sigma } = points[index];
        const weights = cleanWeights(options.prediction_type, alpha, sigma);
        const clean = weightedSum([weights.sample, sample], [weights.output, output]);
        limit?.(clean);
        return weightedSum([1 / sigma, sample], [-alpha / sigma, clean]);
      };

      /** Integrals from this ρ to the next of the polynomials through the latest predictions. */
      const integrals = (index: number, order: number): number[] => {
        const [to, a, b, c] = [rhos[index + 1], rhos[index], rhos[index - 1], rhos[index - 2]];
        if (order === 2)
          return [f(linear(to, a, b) - linear(a, a, b)), f(linear(to, b, a) - linear(a, b, a))];
        return [
          f(quadratic(to, a, b, c) - quadratic(a, a, b, c)),
          f(quadratic(to, b, c, a) - quadratic(a, b, c, a)),
          f(quadratic(to, c, a, b) - quadratic(a, c, a, b)),
        ];
      };

      return {
        timesteps,
        sigmas,
        initNoiseSigma: 1,
        scaleModelInput: (sample) => sample,
        step(output, index, sample) {
          history = [noiseIn(output, index, sample), ...history.slice(0, options.solver_order - 1)];
          let order = Math.min(options.solver_order, history.length);
          if (fewAtEnd) order = Math.min(order, count - index);
          if (order === 1) {
            // The integral of a constant is the first-order step of DPM-Solver.
            const weights = integratorWeights('dpmsolver', points[index], points[index + 1]);
            return weightedSum([weights.sample, sample], [weights.prediction, history[0]]);
          }
          const { alpha } = points[index + 1];
          return weightedSum(
            [alpha / points[index].alpha, sample],
            ...integrals(index, order).map((weight, k): Term => [alpha * weight, history[k]]),
          );
        },
      };
    },
  };
}
