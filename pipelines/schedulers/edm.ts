import { z } from 'zod';
import { option } from './option.js';
import type { Weights } from './prediction.js';
import { karrasSigmas } from './sigma-curves.js';

const f = Math.fround;

/** How a model in the variance-exploding form was trained; defaults differ from scheduler to scheduler. */
export function edmConfig(defaults: {
  readonly low: number;
  readonly high: number;
  readonly data: number;
  readonly curve: 'karras' | 'exponential';
  readonly type: 'epsilon' | 'v_prediction';
}) {
  return z.object({
    sigma_min: option(z.number().positive(), defaults.low),
    sigma_max: option(z.number().positive(), defaults.high),
    sigma_data: option(z.number().positive(), defaults.data),
    sigma_schedule: option(z.enum(['exponential', 'karras']), defaults.curve),
    rho: option(z.number(), 7),
    prediction_type: option(z.enum(['epsilon', 'v_prediction']), defaults.type),
    final_sigmas_type: option(z.enum(['zero', 'sigma_min']), 'zero'),
  });
}
export type EdmOptions = z.output<ReturnType<typeof edmConfig>>;

/** Noise levels of a run, falling, without the last. */
export function edmLevels(options: EdmOptions, steps: number): number[] {
  const { sigma_min: low, sigma_max: high } = options;
  if (options.sigma_schedule === 'karras') return karrasSigmas(low, high, steps, options.rho);
  if (steps === 1) return [low];
  // Rounded as in the reference, from both ends: it shows in timesteps near zero.
  const [first, last] = [f(Math.log(low)), f(Math.log(high))];
  const stride = f(f(last - first) / (steps - 1));
  const logarithm = (i: number) =>
    i < steps / 2 ? f(first + stride * i) : f(last - stride * (steps - 1 - i));
  return Array.from({ length: steps }, (_, i) => f(Math.exp(logarithm(steps - 1 - i))));
}

/** What the sample is multiplied by before the model sees it. Karras et al. 2022, table 1, c_in. */
export function edmInputScale({ sigma_data: data }: EdmOptions, sigma: number): number {
  return 1 / Math.hypot(sigma, data);
}

/** The clean data. Karras et al. 2022, table 1, c_skip and c_out; the sign of c_out is the model's. */
export function edmCleanWeights(
  { sigma_data: data, prediction_type: type }: EdmOptions,
  sigma: number,
): Weights {
  const spread = sigma ** 2 + data ** 2;
  const sign = type === 'v_prediction' ? -1 : 1;
  return { sample: data ** 2 / spread, output: (sign * sigma * data) / Math.sqrt(spread) };
}

/** What the model is told of a noise level. Karras et al. 2022, table 1, c_noise. */
export function edmTimestep(sigma: number): number {
  return f(0.25 * Math.log(sigma));
}
