import { floats, type FloatTensor } from '../models/tensor/tensor.js';

/** Two tensors of one shape, stacked along the batch axis. */
export function stack(first: FloatTensor, second: FloatTensor): FloatTensor {
  const data = new Float32Array(first.data.length + second.data.length);
  data.set(first.data);
  data.set(second.data, first.data.length);
  return floats(data, first.dims[0] + second.dims[0], ...first.dims.slice(1));
}

/** The same latents twice, for the half without the prompt and the half with it. */
export function twice(sample: Float32Array): Float32Array {
  const data = new Float32Array(sample.length * 2);
  data.set(sample);
  data.set(sample, sample.length);
  return data;
}

/** Classifier-free guidance: from the half without the prompt, past the half with it. Ho & Salimans 2022, eq. 6. */
export function guide(both: Float32Array, scale: number): Float32Array {
  const half = both.length / 2;
  const out = new Float32Array(half);
  for (let i = 0; i < half; i++) out[i] = both[i] + scale * (both[half + i] - both[i]);
  return out;
}
