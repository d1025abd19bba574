import { edmCleanWeights, edmConfig, edmInputScale, edmLevels, edmTimestep } from './edm.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';
import { weightedSum } from './weighted-sum.js';

const schema = edmConfig({ low: 0.002, high: 80, data: 0.5, curve: 'karras', type: 'epsilon' });

/** Euler's method for models with EDM's preconditioning. Karras et al. 2022, algorithm 2 with no churn, and table 1. */
export function edmEuler(config: unknown): SchedulerFactory {
  const options = schema.parse(config);

  return {
    className: 'EDMEulerScheduler',
    plan(steps): Scheduler {
      const levels = edmLevels(options, steps);
      const final = options.final_sigmas_type === 'zero' ? 0 : levels[levels.length - 1];
      const sigmas = [...levels, final].map(Math.fround);
      return {
        timesteps: sigmas.slice(0, -1).map(edmTimestep),
        sigmas,
        initNoiseSigma: Math.hypot(options.sigma_max, 1),
        scaleModelInput: (sample, index) => weightedSum([edmInputScale(options, sigmas[index]), sample]),
        step(output, index, sample) {
          const sigma = sigmas[index];
          const clean = edmCleanWeights(options, sigma);
          // x + (x - clean) / sigma * dt, in terms of the sample and the output.
          const slope = (sigmas[index + 1] - sigma) / sigma;
          return weightedSum([1 + slope * (1 - clean.sample), sample], [-slope * clean.output, output]);
        },
      };
    },
  };
}
