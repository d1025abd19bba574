import { z } from 'zod';
import { alphasCumprodOf, spacedTimesteps, trainingConfig } from './noise-schedule.js';
import type { Scheduler, SchedulerFactory } from './scheduler.js';

const schema = trainingConfig.extend({
  clip_sample: z.boolean().default(true),
  clip_sample_range: z.number().default(1),
  set_alpha_to_one: z.boolean().default(true),
});

/** Denoising diffusion implicit models without added noise (η = 0). Song et al. 2021, eq. 12. */
export function ddim(config: unknown): SchedulerFactory {
  const options = schema.parse(config);
  const alphasCumprod = alphasCumprodOf(options);
  const finalAlpha = options.set_alpha_to_one ? 1 : alphasCumprod[0];
  const plan = (steps: number): Scheduler => {
    const timesteps = spacedTimesteps(options, steps);
    const stride = Math.floor(options.num_train_timesteps / steps);
    return {
      timesteps,
      sigmas: [],
      initNoiseSigma: 1,
      scaleModelInput: (sample) => sample,
      step(output, index, sample) {
        const t = timesteps[index];
        const alpha = alphasCumprod[t];
        const previous = t - stride >= 0 ? alphasCumprod[t - stride] : finalAlpha;
        const a = Math.sqrt(alpha);
        const b = Math.sqrt(1 - alpha);
        const toA = Math.sqrt(previous);
        const toB = Math.sqrt(1 - previous);
        const limit = options.clip_sample ? options.clip_sample_range : Infinity;
        const next = new Float32Array(sample.length);
        for (let i = 0; i < next.length; i++) {
          const x = sample[i];
          const m = output[i];
          let x0: number;
          let epsilon: number;
          if (options.prediction_type === 'epsilon') {
            x0 = (x - b * m) / a;
            epsilon = m;
          } else if (options.prediction_type === 'v_prediction') {
            x0 = a * x - b * m;
            epsilon = a * m + b * x;
          } else {
            x0 = m;
            epsilon = (x - a * m) / b;
          }
          x0 = Math.min(limit, Math.max(-limit, x0));
          next[i] = toA * x0 + toB * epsilon;
        }
        return next;
      },
    };
  };
  return { className: 'DDIMScheduler', plan };
}
