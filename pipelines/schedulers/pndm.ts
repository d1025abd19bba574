import { z } from 'zod';
import { NodeError } from '../../core/errors.js';
import { alphasCumprodOf, trainingConfig } from './noise-schedule.js';
import { option } from './option.js';
import { noiseWeights } from './prediction.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';
import { spacingConfig, trainedTimesteps } from './timestep-spacing.js';
import { weightedSum, type Term } from './weighted-sum.js';

const schema = z.object({
  ...trainingConfig.shape,
  ...spacingConfig('leading').shape,
  prediction_type: option(z.enum(['epsilon', 'v_prediction']), 'epsilon'),
  skip_prk_steps: option(z.boolean(), false),
  set_alpha_to_one: option(z.boolean(), false),
});

/** Timesteps that the Runge–Kutta start covers. */
const ORDER = 4;
/** Weights of the newest and earlier noise predictions. Liu et al. 2022, eq. 12 and its lower orders. */
const ADAMS_BASHFORTH = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
];

/**
 * Pseudo numerical methods on manifolds. Liu et al. 2022, "Pseudo Numerical Methods for Diffusion Models", eq. 11 for
 * the transfer, eq. 12 for the multistep method, eq. 13 for the Runge–Kutta start; without that start the first step
 * is taken twice and averaged.
 */
export function pndm(config: unknown): SchedulerFactory {
  const options = schema.parse(config);
  const alphasCumprod = alphasCumprodOf(options);
  const finalAlpha = options.set_alpha_to_one ? 1 : alphasCumprod[0];

  /** The sample at `to`, given the noise predicted for it at `from`. */
  const transfer = (from: number, to: number, sample: Float32Array, predicted: readonly Term[]) => {
    const bar = alphasCumprod[from];
    const previous = to >= 0 ? alphasCumprod[to] : finalAlpha;
    const denominator = bar * Math.sqrt(1 - previous) + Math.sqrt(bar * (1 - bar) * previous);
    const gain = -(previous - bar) / denominator;
    const { sample: fromSample, output: fromOutput } = noiseWeights(
      options.prediction_type,
      Math.sqrt(bar),
      Math.sqrt(1 - bar),
    );
    return weightedSum(
      [Math.sqrt(previous / bar) + gain * fromSample, sample],
      ...predicted.map(([weight, values]): Term => [gain * fromOutput * weight, values]),
    );
  };

  return {
    className: 'PNDMScheduler',
    plan(steps): Scheduler {
      if (!options.skip_prk_steps && steps < ORDER) {
        throw new NodeError(
          'REQUEST_INVALID',
          `steps: PNDM with its Runge-Kutta start takes at least ${ORDER}, not ${steps}`,
        );
      }
      const spaced = trainedTimesteps(options, steps);
      const stride = Math.floor(options.num_train_timesteps / steps);
      const start = options.skip_prk_steps ? [] : rungeKuttaTimesteps(spaced, stride >> 1);
      const rest = options.skip_prk_steps
        ? [...spaced.slice(0, 1), ...spaced.slice(1, 2), ...spaced.slice(1)]
        : spaced.slice(ORDER - 1);
      const timesteps = [...start, ...rest];

      let history: Float32Array[] = [];
      let origin: Float32Array = new Float32Array();
      let partial: Term[] = [];

      const rungeKutta = (output: Float32Array, index: number, sample: Float32Array) => {
        const stage = index % 4;
        if (stage === 0) {
          history.unshift(output);
          origin = sample;
          partial = [];
        }
        partial.push([stage === 0 || stage === 3 ? 1 / 6 : 1 / 3, output]);
        const to = timesteps[index] - (stage % 2 === 1 ? 0 : stride >> 1);
        return transfer(start[index - stage], to, origin, stage === 3 ? partial : [[1, output]]);
      };

      return {
        timesteps,
        sigmas: [],
        initNoiseSigma: 1,
        scaleModelInput: (sample) => sample,
        step(output, index, sample) {
          if (index < start.length) return rungeKutta(output, index, sample);
          const t = timesteps[index];
          if (index === 1) {
            // The second evaluation is at the end of the first step, which is then taken again with the average.
            return transfer(t + stride, t, origin, [
              [0.5, output],
              [0.5, history[0]],
            ]);
          }
          history = [output, ...history.slice(0, 3)];
          if (index === 0) origin = sample;
          const weights = ADAMS_BASHFORTH[history.length - 1];
          return transfer(
            t,
            t - stride,
            sample,
            weights.map((weight, i): Term => [weight, history[i]]),
          );
        },
      };
    },
  };
}

/** Four evaluations for each of the first three steps: at its start, twice in its middle and at its end. */
function rungeKuttaTimesteps(spaced: readonly number[], half: number): number[] {
  const timesteps: number[] = [];
  for (let i = 0; i < ORDER - 1; i++) {
    const end = spaced[i + 1];
    timesteps.push(spaced[i], end + half, end + half, end);
  }
  return timesteps;
}
