import { z } from 'zod';

export const cosineSolverConfig = z.object({
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
export type CosineSolverConfig = z.infer<typeof cosineSolverConfig>;

/**
 * The second-order stochastic multistep solver of Stable Audio: SDE-DPM-Solver++ (Lu et al. 2022, eq. for the
 * 2M update) in the variance-exploding form with the preconditioning of Karras et al. 2022, table 1; the network is
 * told the angle atan(sigma) as a part of a right angle.
 */
export class CosineSolver {
  /** Noise level before each step, then the last one; `steps + 1` values. */
  readonly sigmas: readonly number[];
  private previous: Float32Array | undefined;

  constructor(
    private readonly config: CosineSolverConfig,
    readonly steps: number,
  ) {
    const { sigma_min: low, sigma_max: high, rho } = config;
    const at = (part: number): number =>
      config.sigma_schedule === 'karras'
        ? (high ** (1 / rho) + part * (low ** (1 / rho) - high ** (1 / rho))) ** rho
        : Math.exp(Math.log(high) + part * (Math.log(low) - Math.log(high)));
    const levels = Array.from({ length: steps }, (_, step) => at(steps === 1 ? 0 : step / (steps - 1)));
    this.sigmas = [...levels, config.final_sigmas_type === 'zero' ? 0 : low];
  }

  /** Deviation of the noise to start from. */
  get initialDeviation(): number {
    return Math.sqrt(this.config.sigma_max ** 2 + 1);
  }

  /** What the network is told of the noise level, 0..1. */
  timestep(step: number): number {
    return (Math.atan(this.sigmas[step]) / Math.PI) * 2;
  }

  /** The sample as the network takes it, of unit variance. */
  scaled(sample: Float32Array, step: number): Float32Array {
    const factor = 1 / Math.sqrt(this.sigmas[step] ** 2 + this.config.sigma_data ** 2);
    return sample.map((value) => value * factor);
  }

  /** The sample after `step`, given what the network answered and fresh unit noise. */
  next(sample: Float32Array, answer: Float32Array, noise: Float32Array, step: number): Float32Array {
    const { sigma_data: data } = this.config;
    const sigma = this.sigmas[step];
    const target = this.sigmas[step + 1];
    const spread = sigma ** 2 + data ** 2;
    const keep = data ** 2 / spread;
    const sign = this.config.prediction_type === 'v_prediction' ? -1 : 1;
    const take = (sign * sigma * data) / Math.sqrt(spread);
    const clean = sample.map((value, index) => keep * value + take * answer[index]);
    const before = this.previous;
    this.previous = clean;
    // At zero noise the update is its limit: the clean estimate itself.
    if (target === 0) return clean;

    const h = Math.log(sigma) - Math.log(target);
    const carried = (target / sigma) * Math.exp(-h);
    const gained = 1 - Math.exp(-2 * h);
    const fresh = target * Math.sqrt(gained);
    const last = step === this.steps - 1;
    const firstOrder =
      this.config.solver_order === 1 ||
      before === undefined ||
      (last && (this.config.euler_at_final || (this.config.lower_order_final && this.steps < 15)));
    if (firstOrder) {
      return sample.map((value, index) => carried * value + gained * clean[index] + fresh * noise[index]);
    }
    const h0 = Math.log(this.sigmas[step - 1]) - Math.log(sigma);
    const slope = h / h0;
    const second = this.config.solver_type === 'midpoint' ? 0.5 * gained : 1 - gained / (2 * h);
    return sample.map(
      (value, index) =>
        carried * value +
        gained * clean[index] +
        second * slope * (clean[index] - before[index]) +
        fresh * noise[index],
    );
  }
}
