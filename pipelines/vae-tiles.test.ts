import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../core/paths.js';
import { openPack } from '../models/pack/pack.js';
import { RunMeter } from '../models/run-meter.js';
import { torchCpuNoise } from './noise/torch-cpu.js';
import { VaeDecoder } from './vae.js';
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

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];

describe.each([
  { name: 'sd', most: [0.05, 0.02] },
  // Attention is normalised over the whole input there, so that tiles differ more, everywhere alike.
  { name: 'sana', most: [0.15, 0.15] },
])("tiles of the $name pack's decoder beside its whole picture", ({ name, most }) => {
  const h = 32;
  let vae: VaeDecoder;
  beforeAll(async () => {
    const pack = await openPack(join(PROJECT_ROOT, 'tests/fixtures/packs', name), { verifyDigests: true });
    vae = await VaeDecoder.load(pack, { device: 'cpu', threads: 1 }, new RunMeter());
  });
  afterAll(() => vae.release());

  /** Difference of the two pictures: its largest value, and the mean step from any column to the next, in 1/255. */
  async function compare(w: number, overlap: number): Promise<{ worst: number; steps: number[] }> {
    const observer = { progress: async () => {} };
    const noise = torchCpuNoise(3).randn(vae.channels * h * w);
    const at = vae.downscale;
    const decodeWith = (aboveArea: number) =>
      vae.decode(noise, h, w, observer, { aboveArea, tile: 32 * at, overlap: overlap * at });
    const [whole, tiled] = [await decodeWith(Infinity), await decodeWith(0)];
    const difference = whole.data.map((value, i) => tiled.data[i] - value);
    const steps = new Array<number>(whole.width - 1).fill(0);
    const rows = difference.length / whole.width;
    for (let i = 0; i + 1 < difference.length; i++) {
      const x = i % whole.width;
      if (x + 1 < whole.width) steps[x] += (255 / rows) * Math.abs(difference[i + 1] - difference[i]);
    }
    return { worst: difference.reduce((most, value) => Math.max(most, Math.abs(value)), 0), steps };
  }

  // The decoder looks at its whole input (group norm, attention), so tiles differ a little everywhere; what must
  // not be is a line where they meet. The tiny decoder's tiles are small: those of pictures are 1024 pixels wide.
  it('meet without a line, and differ little', async () => {
    for (const [i, [w, overlap]] of [[56, 8] as const, [48, 16] as const].entries()) {
      const { worst, steps } = await compare(w, overlap);
      expect(worst).toBeLessThan(most[i]);
      expect(Math.max(...steps)).toBeLessThan(2 * median(steps));
    }
  });

  it('show a line when they do not overlap, so that the measure means something', async () => {
    const { steps } = await compare(64, 0);
    const line = Math.max(...steps);
    expect(steps.indexOf(line)).toBe(32 * vae.downscale - 1);
    expect(line).toBeGreaterThan(10 * median(steps));
  });
});
