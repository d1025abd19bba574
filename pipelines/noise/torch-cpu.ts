import { Mt19937 } from './mt19937.js';
import type { NoiseSource } from './noise-source.js';

const BLOCK = 16;

/**
 * `torch.randn(..., generator=torch.Generator('cpu').manual_seed(seed))` in float32.
 *
 * Torch has two roads (ATen, DistributionTemplates): from 16 values on it draws uniforms for the whole array
 * and turns each block of 16 into normals, the first eight being radii and the last eight angles; when the
 * length is no multiple of 16 the last 16 values are drawn anew. Below 16 it draws pairs in double precision
 * and keeps the second for the next call. Box & Muller 1958.
 */
export function torchCpuNoise(seed: number): NoiseSource {
  const engine = new Mt19937(seed);
  let kept: number | undefined;

  /** 24 random bits over [0, 1). */
  const uniform24 = () => (engine.next() & 0xffffff) / 16777216;
  /** 53 random bits over [0, 1); torch joins two draws, the first being the high word. */
  const uniform53 = () => {
    const high = engine.next();
    const low = engine.next();
    return ((high & 0x1fffff) * 4294967296 + low) / 9007199254740992;
  };

  const scalar = (): number => {
    if (kept !== undefined) {
      const value = kept;
      kept = undefined;
      return value;
    }
    const angle = 2 * Math.PI * uniform53();
    const radius = Math.sqrt(-2 * Math.log1p(-uniform53()));
    kept = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };

  const block = (values: Float32Array, at: number): void => {
    for (let j = 0; j < BLOCK / 2; j++) {
      const radius = Math.fround(
        Math.sqrt(Math.fround(-2 * Math.fround(Math.log(Math.fround(1 - values[at + j]))))),
      );
      const angle = Math.fround(Math.fround(2 * Math.PI) * values[at + j + 8]);
      values[at + j] = radius * Math.fround(Math.cos(angle));
      values[at + j + 8] = radius * Math.fround(Math.sin(angle));
    }
  };

  return {
    randn(length) {
      const values = new Float32Array(length);
      if (length < BLOCK) {
        for (let i = 0; i < length; i++) values[i] = scalar();
        return values;
      }
      for (let i = 0; i < length; i++) values[i] = uniform24();
      for (let i = 0; i + BLOCK <= length; i += BLOCK) block(values, i);
      if (length % BLOCK !== 0) {
        const at = length - BLOCK;
        for (let i = at; i < length; i++) values[i] = uniform24();
        block(values, at);
      }
      return values;
    },
  };
}
