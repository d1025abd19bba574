import { z } from 'zod';
import { option } from './option.js';

/** What the model was trained to predict. */
export type PredictionType = 'epsilon' | 'v_prediction' | 'sample' | 'flow_prediction';

export const predictionConfig = z.object({
  prediction_type: option(z.enum(['epsilon', 'v_prediction', 'sample']), 'epsilon'),
});

/** The same for the solvers that also run rectified flows. */
export const flowPredictionConfig = z.object({
  prediction_type: option(z.enum(['epsilon', 'v_prediction', 'sample', 'flow_prediction']), 'epsilon'),
});

/** A linear function of the noisy sample and the model's output. */
export interface Weights {
  readonly sample: number;
  readonly output: number;
}

/**
 * The clean data, for a sample of signal `alpha` and noise `sigma`. Ho et al. 2020, eq. 15; for v, Salimans & Ho
 * 2022, "Progressive Distillation", appendix D; for flows, Liu et al. 2023, "Flow Straight and Fast", eq. 1.
 */
export function cleanWeights(type: PredictionType, alpha: number, sigma: number): Weights {
  switch (type) {
    case 'epsilon': {
      // Without signal the quotient is infinite; a sampler that clips still needs its sign.
      const some = Math.max(alpha, 1e-300);
      return { sample: 1 / some, output: -sigma / some };
    }
    case 'v_prediction':
      return { sample: alpha, output: -sigma };
    case 'sample':
      return { sample: 0, output: 1 };
    case 'flow_prediction':
      return { sample: 1, output: -sigma };
  }
}

/** The noise in the same sample: (sample - alpha · clean) / sigma. */
export function noiseWeights(type: PredictionType, alpha: number, sigma: number): Weights {
  switch (type) {
    case 'epsilon':
      return { sample: 0, output: 1 };
    case 'v_prediction':
      return { sample: sigma, output: alpha };
    case 'sample':
      return { sample: 1 / sigma, output: -alpha / sigma };
    case 'flow_prediction':
      return { sample: (1 - alpha) / sigma, output: alpha };
  }
}

/** The clean data for a sample that is data plus noise of deviation `sigma`. Karras et al. 2022, table 1. */
export function denoisedWeights(type: PredictionType, sigma: number): Weights {
  const spread = sigma * sigma + 1;
  if (type === 'epsilon') return { sample: 1, output: -sigma };
  if (type === 'v_prediction') return { sample: 1 / spread, output: -sigma / Math.sqrt(spread) };
  return { sample: 0, output: 1 };
}
