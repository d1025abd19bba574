import { z } from 'zod';
import { karrasSigmas, sigmaToTimestep } from './karras.js';
import { alphasCumprodOf, trainingConfig } from './noise-schedule.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';

const schema = trainingConfig.extend({
  timestep_spacing: z.enum(['leading', 'linspace', 'trailing']).default('linspace'),
  use_karras_sigmas: z.boolean().nullish(),
  final_sigmas_type: z.enum(['zero', 'sigma_min']).default('zero'),
});

/** Euler's method on the probability-flow ODE. Karras et al. 2022, algorithm 2 with no churn. */
export function euler(config: unknown): SchedulerFactory {
  const options = schema.parse(config);
  const alphasCumprod = alphasCumprodOf(options);
  if (options.rescale_betas_zero_snr) alphasCumprod[alphasCumprod.length - 1] = 2 ** -24;
  const trainSigmas = Array.from(alphasCumprod, (alpha) => Math.sqrt((1 - alpha) / alpha));
  const last = options.num_train_timesteps;

  const timestepsOf = (steps: number): number[] => {
    switch (options.timestep_spacing) {
      case 'linspace':
        return Array.from({ length: steps }, (_, i) =>
          Math.fround(steps > 1 ? ((last - 1) * (steps - 1 - i)) / (steps - 1) : 0),
        );
      case 'leading':
        return Array.from(
          { length: steps },
          (_, i) => (steps - 1 - i) * Math.floor(last / steps) + options.steps_offset,
        );
      case 'trailing':
        return Array.from({ length: steps }, (_, i) => Math.round(last - (i * last) / steps) - 1);
    }
  };
  const at = (t: number): number => {
    const low = Math.min(Math.floor(t), trainSigmas.length - 1);
    const high = Math.min(low + 1, trainSigmas.length - 1);
    return trainSigmas[low] + (trainSigmas[high] - trainSigmas[low]) * (t - low);
  };

  const plan = (steps: number): Scheduler => {
    let timesteps = timestepsOf(steps);
    let levels = timesteps.map(at);
    if (options.use_karras_sigmas) {
      levels = karrasSigmas(levels[levels.length - 1], levels[0], steps);
      timesteps = levels.map((sigma) => sigmaToTimestep(sigma, trainSigmas));
    }
    const sigmas = [...levels, options.final_sigmas_type === 'zero' ? 0 : trainSigmas[0]].map(Math.fround);
    const largest = Math.max(...sigmas);
    return {
      timesteps,
      sigmas,
      initNoiseSigma: options.timestep_spacing === 'leading' ? Math.sqrt(largest ** 2 + 1) : largest,
      scaleModelInput(sample, index) {
        const scale = 1 / Math.sqrt(sigmas[index] ** 2 + 1);
        return sample.map((value) => value * scale);
      },
      step(output, index, sample) {
        const sigma = sigmas[index];
        const dt = sigmas[index + 1] - sigma;
        const next = new Float32Array(sample.length);
        for (let i = 0; i < next.length; i++) {
          const m = output[i];
          const x0 =
            options.prediction_type === 'epsilon'
              ? sample[i] - sigma * m
              : options.prediction_type === 'v_prediction'
                ? (-sigma / Math.sqrt(sigma ** 2 + 1)) * m + sample[i] / (sigma ** 2 + 1)
                : m;
          next[i] = sample[i] + ((sample[i] - x0) / sigma) * dt;
        }
        return next;
      },
    };
  };
  return { className: 'EulerDiscreteScheduler', plan };
}
