import { floats, type FloatTensor } from '../models/tensor/tensor.js';
import type { Predict } from './denoiser.js';

/**
 * Classifier-free guidance on a model bound to a batch of two, the half without the prompt first: past the half
 * with it by `scale`. Ho & Salimans 2022, eq. 6 (in the form where 1 means no guidance).
 */
export function withGuidance(predict: Predict, scale: number, length: number): Predict {
  const both = new Float32Array(2 * length);
  return async (sample, timestep) => {
    both.set(sample);
    both.set(sample, length);
    return guide(await predict(both, timestep), scale);
  };
}

/** The same for models that are asked twice. */
export function withTwoRuns(without: Predict, withPrompt: Predict, scale: number): Predict {
  return async (sample, timestep) => {
    const wanted = await withPrompt(sample, timestep);
    const unwanted = await without(sample, timestep);
    for (let i = 0; i < wanted.length; i++) wanted[i] = unwanted[i] + scale * (wanted[i] - unwanted[i]);
    return wanted;
  };
}

/** Guides the first half of the batch towards and past the second, in place; returns the first half. */
export function guide(both: Float32Array, scale: number): Float32Array {
  const half = both.length / 2;
  for (let i = 0; i < half; i++) both[i] += scale * (both[half + i] - both[i]);
  return both.subarray(0, half);
}

/**
 * The guidance scale as an embedding, for models distilled to take it as an input: `[1, width] float32`.
 * Meng et al. 2023, "On Distillation of Guided Diffusion Models", in the sinusoidal form of Vaswani et al. 2017,
 * section 3.5. `scale` counts from 0, no guidance.
 */
export function guidanceEmbedding(scale: number, width: number): FloatTensor {
  const half = Math.floor(width / 2);
  const rate = Math.log(10_000) / (half - 1);
  const data = new Float32Array(width);
  for (let i = 0; i < half; i++) {
    const angle = Math.fround(Math.fround(scale * 1000) * Math.fround(Math.exp(Math.fround(i * -rate))));
    data[i] = Math.sin(angle);
    data[half + i] = Math.cos(angle);
  }
  return floats(data, 1, width);
}
