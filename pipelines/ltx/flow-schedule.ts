import { z } from 'zod';

export const flowScheduleConfig = z.object({
  num_train_timesteps: z.number().default(1000),
  shift: z.number().default(1),
  use_dynamic_shifting: z.boolean().default(false),
  base_shift: z.number().nullish(),
  max_shift: z.number().nullish(),
  base_image_seq_len: z.number().nullish(),
  max_image_seq_len: z.number().nullish(),
  shift_terminal: z.number().nullish(),
  time_shift_type: z.enum(['exponential', 'linear']).default('exponential'),
});
export type FlowScheduleConfig = z.infer<typeof flowScheduleConfig>;

/**
 * Noise levels of the rectified flow of a film, `steps + 1` values falling from 1 to 0: evenly spaced, then shifted
 * towards noise (Esser et al. 2024, eq. 23), the more so the more tokens the film has.
 */
export function flowSigmas(config: FlowScheduleConfig, steps: number, tokens: number): number[] {
  const even = Array.from({ length: steps }, (_, step) =>
    steps === 1 ? 1 : 1 + (step / (steps - 1)) * (1 / steps - 1),
  );
  let shifted: number[];
  if (config.use_dynamic_shifting) {
    const [low, high] = [config.base_image_seq_len ?? 256, config.max_image_seq_len ?? 4096];
    const [lowShift, highShift] = [config.base_shift ?? 0.5, config.max_shift ?? 1.15];
    const slope = (highShift - lowShift) / (high - low);
    const mu = tokens * slope + lowShift - slope * low;
    const pull = config.time_shift_type === 'exponential' ? Math.exp(mu) : mu;
    shifted = even.map((sigma) => pull / (pull + (1 / sigma - 1)));
  } else {
    shifted = even.map((sigma) => (config.shift * sigma) / (1 + (config.shift - 1) * sigma));
  }
  if (typeof config.shift_terminal === 'number' && config.shift_terminal > 0) {
    const stretch = (1 - shifted[steps - 1]) / (1 - config.shift_terminal);
    shifted = shifted.map((sigma) => 1 - (1 - sigma) / stretch);
  }
  return [...shifted, 0];
}
