import { z } from 'zod';
import { clippedCount, dpmConfig, solvable } from './dpm-config.js';
import { dpmPrediction } from './dpm-prediction.js';
import { integratorWeights } from './exponential-integrator.js';
import { limitOf } from './limit-clean.js';
import { alphasCumprodOf } from './noise-schedule.js';
import { option } from './option.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';
import { signalLevel } from './signal-level.js';
import { visitedLevels } from './solver-levels.js';
import { linspace, roundHalfEven } from './timestep-spacing.js';
import { TrainingLevels } from './training-levels.js';
import { weightedSum, type Term } from './weighted-sum.js';

const schema = z
  .object({ ...dpmConfig.shape, lower_order_final: option(z.boolean(), false) })
  .superRefine(solvable)
  .refine((options) => options.algorithm_type !== 'sde-dpmsolver', {
    path: ['algorithm_type'],
    message: 'must be dpmsolver, dpmsolver++ or sde-dpmsolver++',
  });

/** Orders of the steps of a run: groups that climb from 1 to the solver's order, and what is left at the end. */
function ordersOf(steps: number, order: number, lowerAtEnd: boolean, zeroEnd: boolean): number[] {
  const climb = Array.from({ length: order }, (_, i) => i + 1);
  const groups = (count: number) => Array.from({ length: count }, () => climb).flat();
  const whole = Math.floor(steps / order);
  const rest = steps % order;
  let orders: number[];
  if (!lowerAtEnd || order === 1) orders = groups(whole);
  else if (rest === 0) orders = [...groups(whole - 1), ...climb.slice(0, -1), 1];
  else orders = [...groups(whole), ...climb.slice(0, rest)];
  if (zeroEnd) orders[orders.length - 1] = 1;
  return orders;
}

/**
 * DPM-Solver and DPM-Solver++ single-step: within a group the higher orders start again from the sample at the
 * group's beginning. Lu et al. 2022, "DPM-Solver", algorithms 1 and 2; "DPM-Solver++", algorithm 1 (2S).
 */
export function dpmSolverSinglestep(config: unknown): SchedulerFactory {
  const options = schema.parse(config);
  const { algorithm_type: algorithm, solver_order: fullOrder } = options;
  const alphasCumprod = alphasCumprodOf(options);
  const trained = new TrainingLevels(alphasCumprod);
  const last = options.num_train_timesteps - 1 - clippedCount(alphasCumprod, options.lambda_min_clipped);
  const limit = limitOf(options);
  const zeroEnd = options.final_sigmas_type === 'zero';

  return {
    className: 'DPMSolverSinglestepScheduler',
    plan(steps, { mu } = {}): Scheduler {
      const spaced = linspace(0, last, steps + 1)
        .map(roundHalfEven)
        .reverse()
        .slice(0, -1);
      const { timesteps, levels } = visitedLevels(options, trained, spaced, steps, true, mu);
      const sigmas = [...levels, zeroEnd ? 0 : trained.lowest].map(Math.fround);
      const points = sigmas.map((sigma) => signalLevel(sigma, options.use_flow_sigmas));
      const lowerAtEnd = options.lower_order_final || steps % fullOrder !== 0 || zeroEnd;
      const orders = ordersOf(steps, fullOrder, lowerAtEnd, zeroEnd);
      let history: Float32Array[] = [];
      let origin: Float32Array = new Float32Array();

      /** Factors of the sample, the noise and the latest predictions of a step from `order - 1` levels ago. */
      const stepWeights = (index: number, order: number) => {
        const from = points[index - order + 1];
        const to = points[index + 1];
        const weights = integratorWeights(algorithm, from, to);
        const h = to.lambda - from.lambda;
        let predictions = [weights.prediction];
        if (order === 2) {
          const r = (points[index].lambda - from.lambda) / h;
          const slope = (options.solver_type === 'midpoint' ? weights.midpoint : weights.first) / r;
          predictions = [slope, weights.prediction - slope];
        } else if (order === 3) {
          const r0 = (points[index].lambda - from.lambda) / h;
          const r1 = (points[index - 1].lambda - from.lambda) / h;
          const curved = options.solver_type === 'heun';
          const far = curved ? (2 * weights.second - weights.first * r1) / (r0 - r1) : weights.first;
          const near = curved ? (weights.first * r0 - 2 * weights.second) / (r0 - r1) : 0;
          predictions = [far / r0, near / r1, weights.prediction - far / r0 - near / r1];
        }
        return { ...weights, predictions };
      };

      return {
        timesteps,
        sigmas,
        initNoiseSigma: 1,
        scaleModelInput: (sample) => sample,
        step(output, index, sample, noise) {
          const { prediction_type: type } = options;
          const prediction = dpmPrediction(algorithm, type, points[index], output, sample, limit);
          history = [prediction, ...history.slice(0, fullOrder - 1)];
          const order = Math.min(orders[index], history.length);
          if (order === 1) origin = sample;
          const weights = stepWeights(index, order);
          const terms: Term[] = [
            [weights.sample, origin],
            ...weights.predictions.map((weight, k): Term => [weight, history[k]]),
          ];
          if (algorithm.startsWith('sde')) terms.push([weights.noise, noise.randn(sample.length)]);
          return weightedSum(...terms);
        },
      };
    },
  };
}
