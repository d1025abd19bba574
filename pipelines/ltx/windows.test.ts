import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clip } from './tiles.js';
import { decodeTiled } from './tiles.js';
import { decodeWindows, windowsOf } from './windows.js';

/** A decoder whose frame at time t is flat grey of level t, whatever window it is asked in. */
function clipOfTimes(from: number, to: number, perLatent: number): Clip {
  const frames = (to - from - 1) * perLatent + 1;
  const data = new Float32Array(3 * frames * 4);
  for (let channel = 0; channel < 3; channel++) {
    for (let frame = 0; frame < frames; frame++) {
      data.fill(
        ((from * perLatent + frame) / 255) * 2 - 1,
        (channel * frames + frame) * 4,
        (channel * frames + frame + 1) * 4,
      );
    }
  }
  return { frames, height: 2, width: 2, data };
}

describe('decodeWindows', () => {
  it('gives every frame once and in order for any cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 25 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom(1, 4, 8),
        async (latentFrames, overlap, extra, perLatent) => {
          const size = { latents: overlap + extra, overlap };
          const times: number[] = [];
          const decode = async (from: number, to: number): Promise<Clip> => clipOfTimes(from, to, perLatent);
          for await (const frame of decodeWindows(latentFrames, perLatent, size, decode))
            times.push(frame.data[0]);
          expect(times).toEqual(
            Array.from({ length: (latentFrames - 1) * perLatent + 1 }, (_, time) => time),
          );
        },
      ),
    );
  });

  it('asks for no more than a window at a time', () => {
    for (const { from, to } of windowsOf(31, { latents: 6, overlap: 2 }))
      expect(to - from).toBeLessThanOrEqual(6);
    expect(windowsOf(31, { latents: 6, overlap: 2 }).at(-1)!.to).toBe(31);
  });
});

describe('decodeTiled', () => {
  it('puts tiles where they belong and leaves no seam in a picture that tiles agree on', async () => {
    const pixels = 4;
    const whole = await decodeTiled(7, 9, pixels, { cells: 3, strideCells: 2 }, async (cells) => {
      const height = cells.rows * pixels;
      const width = cells.columns * pixels;
      const data = new Float32Array(3 * height * width);
      for (let channel = 0; channel < 3; channel++) {
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            data[(channel * height + y) * width + x] =
              (cells.row * pixels + y) * 100 + cells.column * pixels + x + channel * 0.5;
          }
        }
      }
      return { frames: 1, height, width, data };
    });
    expect([whole.height, whole.width]).toEqual([28, 36]);
    let at = 0;
    for (let channel = 0; channel < 3; channel++) {
      for (let y = 0; y < 28; y++) {
        for (let x = 0; x < 36; x++) expect(whole.data[at++]).toBeCloseTo(y * 100 + x + channel * 0.5, 2);
      }
    }
  });
});
