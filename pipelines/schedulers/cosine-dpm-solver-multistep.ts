import { z } from 'zod';
import type { NoiseSource } from '../noise/noise-source.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';

const configSchema = z.object({
  sigma_min: z.number().default(0.3),
  sigma_max: z.number().default(500),
  sigma_data: z.number().default(1),
  sigma_schedule: z.enum(['exponential', 'karras']).default('exponential'),
  solver_order: z.union([z.literal(1), z.literal(2)]).default(2),
  prediction_type: z.enum(['v_prediction', 'epsilon']).default('v_prediction'),
  rho: z.number().default(7),
  solver_type: z.enum(['midpoint', 'heun']).default('midpoint'),
  lower_order_final: z.boolean().default(true),
  euler_at_final: z.boolean().default(false),
  final_sigmas_type: z.enum(['zero', 'sigma_min']).default('zero'),
});
type Config = z.infer<typeof configSchema>;

/**
 * Stable Audio's stochastic second-order multistep solver: SDE-DPM-Solver++(2M) of Lu et al. 2022 on
 * variance-exploding noise with the preconditioning of Karras et al. 2022, table 1. The network is told
 * atan(sigma) as a part of a right angle.
 */
export function cosineDpmSolverMultistep(json: unknown): SchedulerFactory {
  const config = configSchema.parse(json);
  return {
    className: 'CosineDPMSolverMultistepScheduler',
    plan: (steps) => new CosineRun(config, steps),
  };
}

function noiseLevels(config: Config, steps: number): number[] {
  const { sigma_min: low, sigma_max: high, rho } = config;
  const at = (part: number): number =>
    config.sigma_schedule === 'karras'
      ? (high ** (1 / rho) + part * (low ** (1 / rho) - high ** (1 / rho))) ** rho
      : Math.exp(Math.log(high) + part * (Math.log(low) - Math.log(high)));
  const levels = Array.from({ length: steps }, (_, step) => at(steps === 1 ? 0 : step / (steps - 1)));
  return [...levels, config.final_sigmas_type === 'zero' ? 0 : low];
}

class CosineRun implements Scheduler {
  readonly sigmas: readonly number[];
  readonly timesteps: readonly number[];
  readonly initNoiseSigma: number;
  private previous: Float32Array | undefined;

  constructor(
    private readonly config: Config,
    private readonly steps: number,
  ) {
    this.sigmas = noiseLevels(config, steps);
    this.timesteps = this.sigmas.slice(0, steps).map((sigma) => (Math.atan(sigma) / Math.PI) * 2);
    this.initNoiseSigma = Math.sqrt(config.sigma_max ** 2 + 1);
  }

  scaleModelInput(sample: Float32Array, index: number): Float32Array {
    const factor = 1 / Math.sqrt(this.sigmas[index] ** 2 + this.config.sigma_data ** 2);
    return sample.map((value) => value * factor);
  }

  step(modelOutput: Float32Array, index: number, sample: Float32Array, noise: NoiseSource): Float32Array {
    const { sigma_data: data } = this.config;
    const sigma = this.sigmas[index];
    const target = this.sigmas[index + 1];
    const spread = sigma ** 2 + data ** 2;
    const keep = data ** 2 / spread;
    const sign = this.config.prediction_type === 'v_prediction' ? -1 : 1;
    const take = (sign * sigma * data) / Math.sqrt(spread);
    const clean = sample.map((value, at) => keep * value + take * modelOutput[at]);
    const before = this.previous;
    this.previous = clean;
    // At zero noise the update is its limit: the clean estimate itself.
    if (target === 0) return clean;

    const h = Math.log(sigma) - Math.log(target);
    const carried = (target / sigma) * Math.exp(-h);
    const gained = 1 - Math.exp(-2 * h);
    const fresh = noise.randn(sample.length);
    const strength = target * Math.sqrt(gained);
    const last = index === this.steps - 1;
    const firstOrder =
      this.config.solver_order === 1 ||
      before === undefined ||
      (last && (this.config.euler_at_final || (this.config.lower_order_final && this.steps < 15)));
    if (firstOrder) {
      return sample.map((value, at) => carried * value + gained * clean[at] + strength * fresh[at]);
    }
    const h0 = Math.log(this.sigmas[index - 1]) - Math.log(sigma);
    const second = this.config.solver_type === 'midpoint' ? 0.5 * gained : 1 - gained / (2 * h);
    const slope = (second * h) / h0;
    return sample.map(
      (value, at) =>
        carried * value + gained * clean[at] + slope * (clean[at] - before[at]) + strength * fresh[at],
    );
  }
}
