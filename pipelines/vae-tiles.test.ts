import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeTiled, stretches } from './vae-tiles.js';

describe('stretches', () => {
  it('cover the axis, within it, each overlapping the next', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 8, max: 100 }),
        fc.integer({ min: 1, max: 7 }),
        (length, tile, overlap) => {
          const all = stretches(length, tile, overlap);
          expect(all[0].start).toBe(0);
          const last = all[all.length - 1];
          expect(last.start + last.length).toBe(length);
          for (let i = 1; i < all.length; i++) {
            expect(all[i - 1].start + all[i - 1].length - all[i].start).toBeGreaterThanOrEqual(overlap);
          }
        },
      ),
    );
  });
});

describe('decodeTiled', () => {
  const scale = 4;
  const [h, w, channels] = [37, 52, 2];
  const latents = Float32Array.from({ length: channels * h * w }, (_, i) => Math.sin(i / 3));

  /** A decoder with no context: every latent becomes a square, so that tiles must not be seen at all. */
  const enlarge = (part: Float32Array, th: number, tw: number): Float32Array => {
    const out = new Float32Array(3 * th * tw * scale * scale);
    const width = tw * scale;
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < th * scale; y++) {
        for (let x = 0; x < width; x++) {
          const from = ((c % channels) * th + Math.floor(y / scale)) * tw + Math.floor(x / scale);
          out[(c * th * scale + y) * width + x] = part[from];
        }
      }
    }
    return out;
  };

  it('gives what decoding at once gives', async () => {
    const whole = enlarge(latents, h, w);
    const seen: number[] = [];
    const tiled = await decodeTiled(
      latents,
      channels,
      h,
      w,
      { tile: 16, overlap: 4, scale },
      async (part, th, tw, index) => {
        seen.push(index);
        return enlarge(part, th, tw);
      },
    );
    expect(seen).toEqual(Array.from({ length: 3 * 4 }, (_, i) => i));
    let worst = 0;
    for (let i = 0; i < whole.length; i++) worst = Math.max(worst, Math.abs(whole[i] - tiled[i]));
    expect(worst).toBeLessThan(1e-6);
  });

  it('goes over smoothly from one tile to the next when tiles differ', async () => {
    let tile = 0;
    const flat = new Float32Array(channels * 16 * 28);
    const picture = await decodeTiled(
      flat,
      channels,
      16,
      28,
      { tile: 16, overlap: 4, scale },
      async (_, th, tw) => new Float32Array(3 * th * tw * scale * scale).fill(tile++),
    );
    // Two tiles of 0 and 1 over an overlap of 4 latents, 16 pixels: no step above twice the even slope.
    const row = picture.subarray(0, 28 * scale);
    expect(row[0]).toBe(0);
    expect(row[row.length - 1]).toBe(1);
    for (let x = 1; x < row.length; x++) expect(Math.abs(row[x] - row[x - 1])).toBeLessThan(2 / 16);
  });
});
