import type { NoiseSource } from './noise-source.js';
import { torchCpuNoise } from './torch-cpu.js';
import { torchCudaNoise } from './torch-cuda.js';

/** The device whose generator draws the noise; it need not be the one that runs the graphs. */
export type GeneratorDevice = 'cpu' | 'cuda';

/** What `torch.Generator(device).manual_seed(seed)` draws. */
export function torchNoise(seed: number, device: GeneratorDevice = 'cpu'): NoiseSource {
  return device === 'cuda' ? torchCudaNoise(seed) : torchCpuNoise(seed);
}
