import type { NoiseSource } from './noise-source.js';
import { philox4x32 } from './philox.js';

const BLOCK_THREADS = 256;
/** Values that one pass of a thread makes: a Philox call gives four words, hence four normals. */
const PER_PASS = 4;
const f = Math.fround;
const UNIT = f(2 ** -32);
const TURN = f(2 ** -32 * 2 * Math.PI);

/** What torch asks the device before it chooses the launch grid. */
interface CudaDevice {
  readonly multiprocessors: number;
  readonly threadsPerMultiprocessor: number;
}

/** A100; smaller arrays than 221,184 values come out the same on every device with as many threads or more. */
const A100: CudaDevice = { multiprocessors: 108, threadsPerMultiprocessor: 2048 };

/**
 * `torch.randn(..., generator=torch.Generator('cuda').manual_seed(seed))` in float32.
 *
 * Torch launches blocks of 256 threads, one thread per value, but never more blocks than the device can hold at
 * once. Thread i uses Philox subsequence i (counter words 2 and 3) and the generator's offset (words 0 and 1), turns
 * the four words into two Box–Muller pairs and writes them to places i, i + T, i + 2T, i + 3T, T being the number of
 * threads; places beyond the end are dropped, and threads go round until the array is full. Each call moves the
 * generator's offset by one Philox counter for every round. So for arrays that fit into one thread per value only the
 * first of the four normals is used, and the device does not matter; beyond that it does, and has to be given.
 * The device's fast sine differs from ours in the seventh digit: values agree to about 1e-6, not bit for bit.
 */
export function torchCudaNoise(seed: number | bigint, device: CudaDevice = A100): NoiseSource {
  const bits = BigInt.asUintN(64, BigInt(seed));
  const key0 = Number(bits & 0xffffffffn);
  const key1 = Number(bits >> 32n);
  const most = device.multiprocessors * Math.floor(device.threadsPerMultiprocessor / BLOCK_THREADS);
  const words = new Uint32Array(4);
  let offset = 0;

  return {
    randn(length) {
      const values = new Float32Array(length);
      if (length === 0) return values;
      const threads = Math.min(most, Math.ceil(length / BLOCK_THREADS)) * BLOCK_THREADS;
      for (let round = 0, base = 0; base < length; round++, base += threads * PER_PASS) {
        for (let thread = 0; thread < threads && base + thread < length; thread++) {
          words[0] = offset + round;
          words[1] = Math.floor((offset + round) / 2 ** 32);
          words[2] = thread;
          words[3] = 0;
          philox4x32(words, key0, key1);
          for (let pair = 0; pair < 2; pair++) {
            const at = base + thread + 2 * pair * threads;
            if (at >= length) break;
            const u = f(f(f(words[2 * pair]) * UNIT) + UNIT / 2);
            const angle = f(f(f(words[2 * pair + 1]) * TURN) + TURN / 2);
            const radius = f(Math.sqrt(-2 * f(Math.log(u))));
            values[at] = radius * f(Math.sin(angle));
            if (at + threads < length) values[at + threads] = radius * f(Math.cos(angle));
          }
        }
      }
      offset += Math.ceil(length / (threads * PER_PASS));
      return values;
    },
  };
}
