import { logOfFraction24, sinCosSingle } from './cephes-single.js';
import { Mt19937 } from './mt19937.js';
import type { NoiseSource } from './noise-source.js';

const BLOCK = 16;
const HALF = BLOCK / 2;
const TWO_24 = 16777216;
const TWO_PI_SINGLE = Math.fround(2 * Math.PI);

/**
 * `torch.randn(..., generator=torch.Generator('cpu').manual_seed(seed))` in float32, bit for bit as an x86 machine
 * with AVX2 draws it.
 *
 * Torch has two roads. From 16 values on it draws uniforms for the whole array and turns each block of 16 into
 * normals, the first eight being radii and the last eight angles; when the length is no multiple of 16 the last 16
 * values are drawn anew. Below 16 it draws pairs in double precision and keeps the second for the next call.
 * Box & Muller 1958, "A Note on the Generation of Random Normal Deviates".
 */
export function torchCpuNoise(seed: number | bigint): NoiseSource {
  const engine = new Mt19937(seed);
  let kept: number | undefined;
  const sinCos = new Float32Array(2);

  /** 24 random bits over [0, 1). */
  const uniform24 = () => (engine.next() & 0xffffff) / TWO_24;
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
    for (let j = at; j < at + HALF; j++) {
      const radius = Math.fround(Math.sqrt(-2 * logOfFraction24((1 - values[j]) * TWO_24)));
      sinCosSingle(Math.fround(TWO_PI_SINGLE * values[j + HALF]), sinCos);
      values[j] = radius * sinCos[1];
      values[j + HALF] = radius * sinCos[0];
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
