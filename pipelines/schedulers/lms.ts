import { z } from 'zod';
import { alphasCumprodOf, trainingConfig } from './noise-schedule.js';
import { denoisedWeights, predictionConfig } from './prediction.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';
import { askedCurve, curveConfig, oneCurve } from './sigma-curves.js';
import { continuousTimesteps, spacingConfig } from './timestep-spacing.js';
import { TrainingLevels } from './training-levels.js';
import { weightedSum, type Term } from './weighted-sum.js';

const schema = z
  .object({
    ...trainingConfig.shape,
    ...spacingConfig('linspace').shape,
    ...curveConfig.shape,
    ...predictionConfig.shape,
  })
  .superRefine(oneCurve);

const ORDER = 4;

/**
 * Integral from sigmas[at] to sigmas[at + 1] of the Lagrange polynomial that is 1 at sigmas[at - which] and 0 at the
 * other of the latest `order` levels. Two Gauss points are exact up to the third degree.
 */
function coefficient(sigmas: readonly number[], at: number, order: number, which: number): number {
  const polynomial = (sigma: number) => {
    let product = 1;
    for (let k = 0; k < order; k++) {
      if (k !== which) product *= (sigma - sigmas[at - k]) / (sigmas[at - which] - sigmas[at - k]);
    }
    return product;
  };
  const half = (sigmas[at + 1] - sigmas[at]) / 2;
  const middle = (sigmas[at + 1] + sigmas[at]) / 2;
  const reach = half / Math.sqrt(3);
  return half * (polynomial(middle - reach) + polynomial(middle + reach));
}

/**
 * Linear multistep method of order 4 on the probability-flow ODE in σ. Katherine Crowson's k-diffusion, after Hairer,
 * Nørsett & Wanner 1993, "Solving Ordinary Differential Equations I", III.5, eq. 5.5 (variable step Adams).
 */
export function lms(config: unknown): SchedulerFactory {
  const options = schema.parse(config);
  const levels = new TrainingLevels(alphasCumprodOf(options));

  return {
    className: 'LMSDiscreteScheduler',
    plan(steps): Scheduler {
      let timesteps = continuousTimesteps(options, steps);
      const trained = timesteps.map((t) => levels.at(t));
      // In the reference, Karras' levels end where the trained ones do; only the other curves have ends of their own.
      const ends = options.use_karras_sigmas ? { ...options, sigma_min: null, sigma_max: null } : options;
      const curve = askedCurve(ends, trained[trained.length - 1], trained[0], steps);
      if (curve !== undefined) timesteps = curve.map((sigma) => levels.timestepOf(sigma));
      const sigmas = [...(curve ?? trained), 0].map(Math.fround);
      const largest = Math.max(...sigmas);
      let slopes: Float32Array[] = [];

      return {
        timesteps: timesteps.map(Math.fround),
        sigmas,
        initNoiseSigma: options.timestep_spacing === 'leading' ? Math.hypot(largest, 1) : largest,
        scaleModelInput: (sample, index) => weightedSum([1 / Math.hypot(sigmas[index], 1), sample]),
        step(output, index, sample) {
          const sigma = sigmas[index];
          const clean = denoisedWeights(options.prediction_type, sigma);
          const slope = weightedSum([(1 - clean.sample) / sigma, sample], [-clean.output / sigma, output]);
          slopes = [slope, ...slopes.slice(0, ORDER - 1)];
          return weightedSum(
            [1, sample],
            ...slopes.map((values, k): Term => [coefficient(sigmas, index, slopes.length, k), values]),
          );
        },
      };
    },
  };
}
