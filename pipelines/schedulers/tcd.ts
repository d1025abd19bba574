import { z } from 'zod';
import { consistencyConfig, consistencyTimesteps } from './consistency-timesteps.js';
import { alphasCumprodOf } from './noise-schedule.js';
import { cleanWeights, noiseWeights } from './prediction.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';
import { weightedSum } from './weighted-sum.js';

const schema = z.object({ ...consistencyConfig.shape });

/**
 * Strategic stochastic sampling of a trajectory consistency model: to a timestep (1 - η) of the next one, then fresh
 * noise up to it. Zheng et al. 2024, "Trajectory Consistency Distillation", algorithm 4.
 */
export function tcd(config: unknown): SchedulerFactory {
  const options = schema.parse(config);
  const type = options.prediction_type;
  const alphasCumprod = alphasCumprodOf(options);

  return {
    className: 'TCDScheduler',
    plan(steps, { eta = 0 } = {}): Scheduler {
      const timesteps = consistencyTimesteps(options, steps);
      return {
        timesteps,
        sigmas: [],
        initNoiseSigma: 1,
        scaleModelInput: (sample) => sample,
        step(output, index, sample, noise) {
          const last = index === timesteps.length - 1;
          const next = last ? 0 : timesteps[index + 1];
          const bar = alphasCumprod[timesteps[index]];
          const target = alphasCumprod[Math.floor(Math.fround((1 - eta) * next))];
          const [signal, sigma] = [Math.sqrt(bar), Math.sqrt(1 - bar)];
          const clean = cleanWeights(type, signal, sigma);
          const epsilon = noiseWeights(type, signal, sigma);
          const [toSignal, toSigma] = [Math.sqrt(target), Math.sqrt(1 - target)];
          const noisy = {
            sample: toSignal * clean.sample + toSigma * epsilon.sample,
            output: toSignal * clean.output + toSigma * epsilon.output,
          };
          if (eta === 0 || last) return weightedSum([noisy.sample, sample], [noisy.output, output]);
          const ratio = alphasCumprod[next] / target;
          const keep = Math.sqrt(ratio);
          return weightedSum(
            [keep * noisy.sample, sample],
            [keep * noisy.output, output],
            [Math.sqrt(1 - ratio), noise.randn(sample.length)],
          );
        },
      };
    },
  };
}
