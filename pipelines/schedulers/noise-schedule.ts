import { z } from 'zod';
import { option } from './option.js';

/** The part of scheduler_config.json that describes the diffusion the model was trained on. */
export const trainingConfig = z.object({
  num_train_timesteps: option(z.number().int().positive(), 1000),
  beta_start: option(z.number(), 0.0001),
  beta_end: option(z.number(), 0.02),
  beta_schedule: option(z.enum(['linear', 'scaled_linear', 'squaredcos_cap_v2']), 'linear'),
  trained_betas: z.array(z.number()).nullish(),
});
type TrainingConfig = z.output<typeof trainingConfig>;

/** The option of the samplers that can start from pure noise. */
export const zeroSnrConfig = z.object({ rescale_betas_zero_snr: option(z.boolean(), false) });

const f = Math.fround;

/** Evenly spaced float32 values, both ends exact, rounded as torch rounds them. */
function linspaceSingle(start: number, end: number, count: number): number[] {
  const [first, last] = [f(start), f(end)];
  const step = count > 1 ? f(f(last - first) / (count - 1)) : 0;
  return Array.from({ length: count }, (_, i) =>
    i < count / 2 ? f(first + step * i) : f(last - step * (count - 1 - i)),
  );
}

function betasOf(config: TrainingConfig): number[] {
  const count = config.num_train_timesteps;
  if (config.trained_betas) return config.trained_betas.map(f);
  switch (config.beta_schedule) {
    case 'linear':
      return linspaceSingle(config.beta_start, config.beta_end, count);
    case 'scaled_linear':
      return linspaceSingle(Math.sqrt(config.beta_start), Math.sqrt(config.beta_end), count).map((root) =>
        f(root * root),
      );
    case 'squaredcos_cap_v2': {
      // Nichol & Dhariwal 2021, eq. 17.
      const bar = (t: number) => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2;
      return Array.from({ length: count }, (_, i) =>
        f(Math.min(1 - bar((i + 1) / count) / bar(i / count), 0.999)),
      );
    }
  }
}

/** Running product of 1 - β, kept in double and rounded at every step. Ho et al. 2020, eq. 4. */
function cumulate(betas: readonly number[]): Float32Array {
  const out = new Float32Array(betas.length);
  let product = 1;
  betas.forEach((beta, i) => {
    product *= f(1 - beta);
    out[i] = product;
  });
  return out;
}

/**
 * Shifts and scales √ᾱ so that the last step is pure noise. Lin et al. 2024, "Common Diffusion Noise Schedules and
 * Sample Steps are Flawed", algorithm 1. The way goes through β again, as in the reference, for the same rounding.
 */
function zeroTerminalSnr(betas: readonly number[]): number[] {
  const roots = cumulate(betas).map(Math.sqrt);
  const [first, last] = [roots[0], roots[roots.length - 1]];
  const scale = f(first / f(first - last));
  const bars = roots.map((root) => f(f(root - last) * scale) ** 2);
  return Array.from(bars, (bar, i) => f(1 - f(i === 0 ? bar : bar / bars[i - 1])));
}

/** ᾱ for every training timestep: `[T] float32`, falling, in [0, 1]. */
export function alphasCumprodOf(config: TrainingConfig & { rescale_betas_zero_snr?: boolean }): Float32Array {
  const betas = betasOf(config);
  return cumulate(config.rescale_betas_zero_snr ? zeroTerminalSnr(betas) : betas);
}
