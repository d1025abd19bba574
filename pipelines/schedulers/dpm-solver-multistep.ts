import { z } from 'zod';
import { NodeError } from '../../core/errors.js';
import { karrasSigmas, sigmaToTimestep } from './karras.js';
import { alphasCumprodOf, roundHalfEven, trainingConfig } from './noise-schedule.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';

const schema = trainingConfig.extend({
  timestep_spacing: z.enum(['leading', 'linspace', 'trailing']).default('linspace'),
  solver_order: z.number().int().min(1).max(2).default(2),
  algorithm_type: z.enum(['dpmsolver++', 'sde-dpmsolver++']).default('dpmsolver++'),
  solver_type: z.enum(['midpoint', 'heun']).default('midpoint'),
  lower_order_final: z.boolean().default(true),
  euler_at_final: z.boolean().default(false),
  use_karras_sigmas: z.boolean().nullish(),
  final_sigmas_type: z.enum(['zero', 'sigma_min']).default('zero'),
  thresholding: z.literal(false).default(false),
});
type Options = z.infer<typeof schema>;

function timestepsOf(options: Options, steps: number): number[] {
  const last = options.num_train_timesteps;
  switch (options.timestep_spacing) {
    case 'linspace':
      return Array.from({ length: steps }, (_, i) => roundHalfEven(((last - 1) / steps) * (steps - i)));
    case 'leading': {
      const ratio = Math.floor(last / (steps + 1));
      return Array.from({ length: steps }, (_, i) => (steps - i) * ratio + options.steps_offset);
    }
    case 'trailing':
      return Array.from({ length: steps }, (_, i) => roundHalfEven(last - (i * last) / steps) - 1);
  }
}

/**
 * DPM-Solver++ multistep, first and second order, with data prediction.
 * Lu et al. 2022, "DPM-Solver++", algorithm 2 (2M); the stochastic form is its eq. 18 (SDE-DPM-Solver++(2M)).
 */
export function dpmSolverMultistep(config: unknown): SchedulerFactory {
  const parsed = schema.safeParse(config);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new NodeError(
      'SCHEDULER_UNKNOWN',
      `DPMSolverMultistepScheduler: ${issue.path.join('.')}: ${issue.message}`,
    );
  }
  const options = parsed.data;
  const alphasCumprod = alphasCumprodOf(options);
  // With zero terminal SNR the last ᾱ is 0 and its sigma infinite; the reference caps it at 2^-24.
  if (options.rescale_betas_zero_snr) alphasCumprod[alphasCumprod.length - 1] = 2 ** -24;
  const trainSigmas = Array.from(alphasCumprod, (alpha) => Math.sqrt((1 - alpha) / alpha));

  const plan = (steps: number): Scheduler => {
    let timesteps = timestepsOf(options, steps);
    let levels = timesteps.map((t) => trainSigmas[t]);
    if (options.use_karras_sigmas) {
      levels = karrasSigmas(trainSigmas[0], trainSigmas[trainSigmas.length - 1], steps);
      timesteps = levels.map((sigma) => roundHalfEven(sigmaToTimestep(sigma, trainSigmas)));
    }
    const final = options.final_sigmas_type === 'zero' ? 0 : trainSigmas[0];
    const sigmas = [...levels, final].map(Math.fround);
    return new Run(options, timesteps, sigmas);
  };
  return { className: 'DPMSolverMultistepScheduler', plan };
}

/** α and σ of the variance-preserving process for a noise level σ/α. */
function split(level: number): { alpha: number; sigma: number; lambda: number } {
  const alpha = 1 / Math.sqrt(level * level + 1);
  const sigma = level * alpha;
  return { alpha, sigma, lambda: Math.log(alpha) - Math.log(sigma) };
}

class Run implements Scheduler {
  readonly initNoiseSigma = 1;
  #previous: Float32Array | undefined;

  constructor(
    private readonly options: Options,
    readonly timesteps: readonly number[],
    readonly sigmas: readonly number[],
  ) {}

  scaleModelInput(sample: Float32Array): Float32Array {
    return sample;
  }

  step(
    output: Float32Array,
    index: number,
    sample: Float32Array,
    noise: { randn(length: number): Float32Array },
  ): Float32Array {
    const from = split(this.sigmas[index]);
    const to = split(this.sigmas[index + 1]);
    const x0 = this.#data(output, sample, from.alpha, from.sigma);
    const last = index === this.timesteps.length - 1;
    const zeroEnd = this.sigmas[index + 1] === 0;
    const first =
      this.options.euler_at_final ||
      zeroEnd ||
      (this.options.lower_order_final && this.timesteps.length < 15);
    const earlier = this.#previous;
    this.#previous = x0;
    const stochastic = this.options.algorithm_type === 'sde-dpmsolver++';
    const h = to.lambda - from.lambda;
    // Weights of the sample, of this prediction and of its change since the one before.
    const decay = stochastic ? Math.exp(-h) : 1;
    const keep = (to.sigma === 0 ? 0 : to.sigma / from.sigma) * (to.sigma === 0 ? 0 : decay);
    const gain = to.alpha * -Math.expm1(stochastic ? -2 * h : -h);
    let slope = 0;
    if (this.options.solver_order === 2 && earlier !== undefined && !(last && first)) {
      const before = split(this.sigmas[index - 1]);
      const r = (from.lambda - before.lambda) / h;
      const heun = stochastic
        ? to.alpha * (-Math.expm1(-2 * h) / (-2 * h) + 1)
        : to.alpha * (Math.expm1(-h) / h + 1);
      slope = (this.options.solver_type === 'midpoint' ? 0.5 * gain : heun) / r;
    }
    const next = new Float32Array(sample.length);
    if (slope === 0) for (let i = 0; i < next.length; i++) next[i] = keep * sample[i] + gain * x0[i];
    else
      for (let i = 0; i < next.length; i++)
        next[i] = keep * sample[i] + gain * x0[i] + slope * (x0[i] - earlier![i]);
    if (stochastic) {
      const spread = to.sigma * Math.sqrt(-Math.expm1(-2 * h));
      const random = noise.randn(next.length);
      for (let i = 0; i < next.length; i++) next[i] += spread * random[i];
    }
    return next;
  }

  #data(output: Float32Array, sample: Float32Array, alpha: number, sigma: number): Float32Array {
    const x0 = new Float32Array(sample.length);
    switch (this.options.prediction_type) {
      case 'epsilon':
        for (let i = 0; i < x0.length; i++) x0[i] = (sample[i] - sigma * output[i]) / alpha;
        break;
      case 'v_prediction':
        for (let i = 0; i < x0.length; i++) x0[i] = alpha * sample[i] - sigma * output[i];
        break;
      case 'sample':
        x0.set(output);
    }
    return x0;
  }
}
