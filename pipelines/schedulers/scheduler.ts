import type { NoiseSource } from '../noise/noise-source.js';

/**
 * One denoising run. `timesteps[i]` is what the model is told at evaluation i; schedulers that evaluate the
 * model more than once per step have more evaluations than steps. Arrays are latents of any shape, flat,
 * float32; `step` does not change its arguments but may keep them until the run ends, so callers do not write to
 * them again.
 */
export interface Scheduler {
  readonly timesteps: readonly number[];
  /** Noise levels, one more than steps where the algorithm has them. */
  readonly sigmas: readonly number[];
  /** Standard deviation that the first latents must have. */
  readonly initNoiseSigma: number;
  /** What the model is shown at evaluation i. May return its argument. */
  scaleModelInput(sample: Float32Array, index: number): Float32Array;
  /** Latents after evaluation i. `noise` is drawn from only by stochastic algorithms. */
  step(modelOutput: Float32Array, index: number, sample: Float32Array, noise: NoiseSource): Float32Array;
}

export interface PlanOptions {
  /** Shift of the noise schedule for the picture's size, flow matching only. */
  readonly mu?: number | undefined;
  /** Noise levels to use instead of the schedule's own, flow matching only; as many as steps. */
  readonly sigmas?: readonly number[] | undefined;
  /** Share of fresh noise, 0 (the default, deterministic) to 1; DDIM and TCD only. */
  readonly eta?: number | undefined;
}

/** A scheduler read from its config, ready to plan runs of any number of steps. */
export interface SchedulerFactory {
  readonly className: string;
  plan(steps: number, options?: PlanOptions): Scheduler;
}
