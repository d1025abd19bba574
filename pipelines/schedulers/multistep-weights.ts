import { z } from 'zod';
import { integratorWeights, type DpmAlgorithm } from './exponential-integrator.js';
import { option } from './option.js';
import type { SignalLevel } from './signal-level.js';

/** How a derivative is weighted. A config written for another solver runs with the default, as in the reference. */
export const solverRule = option(
  z
    .enum(['midpoint', 'heun', 'logrho', 'bh1', 'bh2'])
    .transform((type) => (type === 'heun' ? 'heun' : 'midpoint')),
  'midpoint',
);

/**
 * Factors of the latest predictions, newest first, in a step from level `index` to the next: their derivatives are taken
 * from finite differences in λ. Lu et al. 2022, "DPM-Solver++", algorithm 2; the third order is Lu et al. 2022,
 * "DPM-Solver", appendix B.
 */
export function multistepWeights(
  algorithm: DpmAlgorithm,
  rule: 'midpoint' | 'heun',
  points: readonly SignalLevel[],
  index: number,
  order: number,
): number[] {
  const weights = integratorWeights(algorithm, points[index], points[index + 1]);
  if (order === 1) return [weights.prediction];
  const h = points[index + 1].lambda - points[index].lambda;
  const r0 = (points[index].lambda - points[index - 1].lambda) / h;
  if (order === 2) {
    const slope = (rule === 'midpoint' ? weights.midpoint : weights.first) / r0;
    return [weights.prediction + slope, -slope];
  }
  const r1 = (points[index - 1].lambda - points[index - 2].lambda) / h;
  const bend = (weights.first * r0 + weights.second) / (r0 + r1);
  const recent = (weights.first + bend) / r0;
  const before = -bend / r1;
  return [weights.prediction + recent, before - recent, -before];
}

/** Runs shorter than this end with steps of lower order where the config says so. */
const FEW_STEPS = 15;

/** The order of each step of a multistep run: rising with the predictions at hand, falling at the end. */
export function orderOfStep(
  options: {
    readonly solver_order: number;
    readonly lower_order_final: boolean;
    readonly euler_at_final: boolean;
    readonly final_sigmas_type: 'zero' | 'sigma_min';
  },
  steps: number,
): (index: number, predictions: number) => number {
  const fewAtEnd = options.lower_order_final && steps < FEW_STEPS;
  const firstAtEnd = options.euler_at_final || fewAtEnd || options.final_sigmas_type === 'zero';
  return (index, predictions) => {
    if (index === steps - 1 && firstAtEnd) return 1;
    const most = index === steps - 2 && fewAtEnd ? 2 : options.solver_order;
    return Math.min(most, options.solver_order, predictions);
  };
}
