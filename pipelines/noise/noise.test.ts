import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { philox4x32 } from './philox.js';
import { torchCpuNoise } from './torch-cpu.js';
import { torchCudaNoise } from './torch-cuda.js';

interface Golden {
  readonly cases: readonly {
    readonly seed: string;
    readonly lengths: readonly number[];
    readonly sha256: string;
    readonly first: readonly (readonly number[])[];
  }[];
}
const golden = JSON.parse(
  readFileSync(new URL('./goldens/torch-cpu.json', import.meta.url), 'utf8'),
) as Golden;

describe("torch's CPU generator", () => {
  it.each(golden.cases)(
    'draws the same bits: seed $seed, lengths $lengths',
    ({ seed, lengths, ...torch }) => {
      const noise = torchCpuNoise(BigInt(seed));
      const digest = createHash('sha256');
      lengths.forEach((length, i) => {
        const values = noise.randn(length);
        expect(values).toHaveLength(length);
        expect(Array.from(values.subarray(0, torch.first[i].length))).toEqual(
          torch.first[i].map(Math.fround),
        );
        digest.update(new Uint8Array(values.buffer));
      });
      expect(digest.digest('hex')).toBe(torch.sha256);
    },
  );

  it('takes a seed as a number or as a bigint', () => {
    expect(torchCpuNoise(2 ** 40 + 3).randn(20)).toEqual(torchCpuNoise(2n ** 40n + 3n).randn(20));
  });
});

describe("torch's CUDA generator", () => {
  /** Known answers published with the Random123 library. */
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('computes Philox4x32-10 of %j', (counter, [key0, key1], answer) => {
    const words = Uint32Array.from(counter);
    philox4x32(words, key0, key1);
    expect(Array.from(words)).toEqual(answer);
  });

  it('draws what a CUDA device draws for seed 0', () => {
    // torch.randn(3, 4, device='cuda') after manual_seed(0), as users of several programs have published it.
    const published = [
      -0.92466259, -0.42534415, -2.6438457, 0.14518388, -0.12086647, -0.57972564, -0.62285122, -0.32838709,
      -1.07454231, -0.36314407, -1.67105067, 2.26550497,
    ];
    const drawn = torchCudaNoise(0).randn(12);
    published.forEach((value, i) => expect(drawn[i]).toBeCloseTo(value, 5));
  });

  it('gives the other normals of a thread to the places beyond the grid', () => {
    const small = { multiprocessors: 1, threadsPerMultiprocessor: 256 };
    const values = torchCudaNoise(7, small).randn(1024 + 10);
    const wide = torchCudaNoise(7).randn(256);
    expect(values.subarray(0, 256)).toEqual(wide);
    // The second round of the grid is the first of the next call.
    const next = torchCudaNoise(7);
    next.randn(10);
    expect(values.subarray(1024)).toEqual(next.randn(10));
  });
});

describe.each([
  ['torchCpuNoise', torchCpuNoise],
  ['torchCudaNoise', torchCudaNoise],
])('%s', (_name, source) => {
  it('is deterministic, finite and of the asked length', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 4 }),
        (seed, lengths) => {
          const [one, two] = [source(seed), source(seed)];
          for (const length of lengths) {
            const values = one.randn(length);
            expect(values).toHaveLength(length);
            expect(values.every(Number.isFinite)).toBe(true);
            expect(two.randn(length)).toEqual(values);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('has mean 0 and deviation 1', () => {
    const values = source(11).randn(100_000);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1)).toBeLessThan(0.02);
  });
});
