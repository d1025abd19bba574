import { z } from 'zod';

/** The part of scheduler_config.json that describes the diffusion the model was trained on. */
export const trainingConfig = z.object({
  num_train_timesteps: z.number().int().positive().default(1000),
  beta_start: z.number().default(0.0001),
  beta_end: z.number().default(0.02),
  beta_schedule: z.enum(['linear', 'scaled_linear', 'squaredcos_cap_v2']).default('linear'),
  trained_betas: z.array(z.number()).nullish(),
  rescale_betas_zero_snr: z.boolean().default(false),
  prediction_type: z.enum(['epsilon', 'v_prediction', 'sample']).default('epsilon'),
  timestep_spacing: z.enum(['leading', 'linspace', 'trailing']).default('leading'),
  steps_offset: z.number().int().default(0),
});
export type TrainingConfig = z.infer<typeof trainingConfig>;

const f = Math.fround;

function linspace(start: number, end: number, count: number): number[] {
  const step = count > 1 ? (end - start) / (count - 1) : 0;
  return Array.from({ length: count }, (_, i) =>
    i < count / 2 ? start + step * i : end - step * (count - 1 - i),
  );
}

function betasOf(config: TrainingConfig): number[] {
  const count = config.num_train_timesteps;
  if (config.trained_betas) return config.trained_betas.map(f);
  switch (config.beta_schedule) {
    case 'linear':
      return linspace(config.beta_start, config.beta_end, count).map(f);
    case 'scaled_linear':
      return linspace(Math.sqrt(config.beta_start), Math.sqrt(config.beta_end), count).map((root) =>
        f(f(root) * f(root)),
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

/** Shifts and scales √ᾱ so that the last step is pure noise. Lin et al. 2024, "Common Diffusion Noise Schedules", algorithm 1. */
function zeroTerminalSnr(alphasCumprod: Float32Array): void {
  const roots = Array.from(alphasCumprod, Math.sqrt);
  const first = roots[0];
  const last = roots[roots.length - 1];
  roots.forEach((root, i) => (alphasCumprod[i] = (((root - last) * first) / (first - last)) ** 2));
}

/** ᾱ for every training timestep: `[T] float32`, falling, in [0, 1]. Ho et al. 2020, eq. 4. */
export function alphasCumprodOf(config: TrainingConfig): Float32Array {
  const out = new Float32Array(config.num_train_timesteps);
  let product = 1;
  betasOf(config).forEach((beta, i) => {
    product *= f(1 - beta);
    out[i] = product;
  });
  if (config.rescale_betas_zero_snr) zeroTerminalSnr(out);
  return out;
}

/** Python's and numpy's rounding: half goes to the even neighbour. */
export function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}

/** Training timesteps to visit, falling. Lin et al. 2024, table 2. `last` is the largest plus one. */
export function spacedTimesteps(
  config: TrainingConfig,
  steps: number,
  last = config.num_train_timesteps,
): number[] {
  switch (config.timestep_spacing) {
    case 'linspace':
      return linspace(0, last - 1, steps)
        .map(roundHalfEven)
        .reverse();
    case 'leading': {
      const ratio = Math.floor(last / steps);
      return Array.from(
        { length: steps },
        (_, i) => roundHalfEven(i * ratio) + config.steps_offset,
      ).reverse();
    }
    case 'trailing': {
      const ratio = last / steps;
      return Array.from({ length: steps }, (_, i) => roundHalfEven(last - i * ratio) - 1);
    }
  }
}
