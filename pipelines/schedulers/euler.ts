import { z } from 'zod';
import { alphasCumprodOf, trainingConfig, zeroSnrConfig } from './noise-schedule.js';
import { option } from './option.js';
import { denoisedWeights } from './prediction.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';
import { askedCurve, curveConfig, oneCurve } from './sigma-curves.js';
import { continuousTimesteps, linspace, spacingConfig } from './timestep-spacing.js';
import { TrainingLevels } from './training-levels.js';
import { weightedSum } from './weighted-sum.js';

const schema = z
  .object({
    ...trainingConfig.shape,
    ...zeroSnrConfig.shape,
    ...spacingConfig('linspace').shape,
    ...curveConfig.shape,
    prediction_type: option(z.enum(['epsilon', 'v_prediction', 'sample', 'original_sample']), 'epsilon'),
    interpolation_type: option(z.enum(['linear', 'log_linear']), 'linear'),
    timestep_type: option(z.enum(['discrete', 'continuous']), 'discrete'),
    final_sigmas_type: option(z.enum(['zero', 'sigma_min']), 'zero'),
  })
  .superRefine(oneCurve);

/** Euler's method on the probability-flow ODE. Karras et al. 2022, algorithm 2 with no churn. */
export function euler(config: unknown): SchedulerFactory {
  const options = schema.parse(config);
  const type = options.prediction_type === 'original_sample' ? 'sample' : options.prediction_type;
  const levels = new TrainingLevels(alphasCumprodOf(options), options.rescale_betas_zero_snr);

  return {
    className: 'EulerDiscreteScheduler',
    plan(steps): Scheduler {
      let timesteps = continuousTimesteps(options, steps);
      const trained =
        options.interpolation_type === 'linear'
          ? timesteps.map((t) => levels.at(t))
          : linspace(Math.log(levels.highest), Math.log(levels.lowest), steps + 1).map(Math.exp);
      const curve = askedCurve(options, trained[trained.length - 1], trained[0], steps);
      if (curve !== undefined) timesteps = curve.map((sigma) => levels.timestepOf(sigma));
      const final = options.final_sigmas_type === 'zero' ? 0 : levels.lowest;
      const sigmas = [...(curve ?? trained), final].map(Math.fround);
      if (options.timestep_type === 'continuous' && type === 'v_prediction')
        timesteps = sigmas.slice(0, -1).map((sigma) => 0.25 * Math.log(sigma));
      const largest = Math.max(...sigmas);
      return {
        timesteps: timesteps.map(Math.fround),
        sigmas,
        initNoiseSigma: options.timestep_spacing === 'leading' ? Math.hypot(largest, 1) : largest,
        scaleModelInput: (sample, index) => weightedSum([1 / Math.hypot(sigmas[index], 1), sample]),
        step(output, index, sample) {
          const sigma = sigmas[index];
          const clean = denoisedWeights(type, sigma);
          // x + (x - clean) / sigma * dt, in terms of the sample and the output.
          const slope = (sigmas[index + 1] - sigma) / sigma;
          return weightedSum([1 + slope * (1 - clean.sample), sample], [-slope * clean.output, output]);
        },
      };
    },
  };
}
