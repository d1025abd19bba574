import sharp, { type Sharp } from 'sharp';
import { describe, expect, test } from 'vitest';
import type { RgbImage } from '../../core/media.js';
import { payloadFor, toHex } from './payload.js';
import { detectPicture, embedPicture } from './picture.js';

const KEY = new TextEncoder().encode('a key of this test');
const PAYLOAD = payloadFor('node-1', '0123456789abcdef0123456789abcdef');

/** A picture with flat sky, soft hills, texture and hard edges; drawn, so that the test carries no file. */
function scene(width: number, height: number, seed = 1): RgbImage {
  const data = new Uint8Array(width * height * 3);
  let state = seed;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 4294967296;
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p += 3) {
      const hill = height * (0.55 + 0.1 * Math.sin(x / (width / 7) + seed));
      const disc = Math.hypot(x - width * 0.7, y - height * 0.25) < height * 0.1;
      const grain = y > hill ? (random() - 0.5) * 40 : 0;
      const base = disc
        ? [250, 230, 140]
        : y > hill
          ? [60 + 40 * Math.sin(y / 9), 120, 70]
          : [110 + (y / height) * 90, 160, 220];
      for (let c = 0; c < 3; c++) data[p + c] = Math.min(255, Math.max(0, base[c] + grain));
    }
  }
  return { width, height, data };
}

const encoded = (image: RgbImage) =>
  sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } });
async function decoded(pipeline: Sharp): Promise<RgbImage> {
  const { data, info } = await sharp(await pipeline.toBuffer())
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}
function psnr(a: RgbImage, b: RgbImage): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += (a.data[i] - b.data[i]) ** 2;
  return 10 * Math.log10(255 ** 2 / (sum / a.data.length));
}

describe('the picture watermark', () => {
  const original = scene(768, 640);
  const marked = embedPicture(original, PAYLOAD, KEY);
  const found = { found: true, payload: toHex(PAYLOAD) };

  test('cannot be seen by the numbers', () => {
    expect(psnr(original, marked)).toBeGreaterThan(42);
  });

  test.each([10, 128, 245])('changes a flat picture of luma %i by one level at most (RMS)', (level) => {
    const flat = { width: 512, height: 384, data: new Uint8Array(512 * 384 * 3).fill(level) };
    const { data } = embedPicture(flat, PAYLOAD, KEY);
    const sum = data.reduce((total, value) => total + (value - level) ** 2, 0);
    expect(Math.sqrt(sum / data.length)).toBeLessThan(1);
    expect(Math.sqrt(sum / data.length)).toBeGreaterThan(0.4);
  });

  test('is the same for the same picture, payload and key', () => {
    expect(Buffer.from(embedPicture(original, PAYLOAD, KEY).data).equals(Buffer.from(marked.data))).toBe(
      true,
    );
  });

  test.each([
    ['webp 88', () => encoded(marked).webp({ quality: 88 })],
    ['webp 50', () => encoded(marked).webp({ quality: 50 })],
    ['jpeg 50', () => encoded(marked).jpeg({ quality: 50 })],
  ])('is read as made after %s', async (_name, attack) => {
    expect(detectPicture(await decoded(attack()), KEY, { search: 'as-made' })).toMatchObject(found);
  });

  test.each([
    ['half the size', () => encoded(marked).resize(384, 320).webp({ quality: 90 })],
    [
      'a crop',
      () => encoded(marked).extract({ left: 101, top: 57, width: 540, height: 500 }).jpeg({ quality: 80 }),
    ],
    ['mirroring', () => encoded(marked).flop().png()],
    ['greyscale', () => encoded(marked).greyscale().jpeg({ quality: 80 })],
    ['a little blur', () => encoded(marked).blur(1).png()],
    ['one degree of rotation', () => encoded(marked).rotate(1).png()],
  ])('is found after %s', async (_name, attack) => {
    expect(detectPicture(await decoded(attack()), KEY)).toMatchObject(found);
  });

  test('is not found where there is none, nor with another key', () => {
    // The whole search, so a small picture.
    expect(detectPicture(scene(256, 200), KEY).found).toBe(false);
    expect(detectPicture(original, KEY, { search: 'as-made' }).found).toBe(false);
    expect(detectPicture(marked, new TextEncoder().encode('another key'), { search: 'as-made' }).found).toBe(
      false,
    );
  });

  test.each([
    ['webp 50', (image: Sharp) => image.webp({ quality: 50 })],
    ['jpeg 50', (image: Sharp) => image.jpeg({ quality: 50 })],
  ])('is read from flat colours with hard edges after %s', async (_name, attack) => {
    const width = 640;
    const height = 512;
    const data = new Uint8Array(width * height * 3);
    for (let y = 0, p = 0; y < height; y++) {
      for (let x = 0; x < width; x++, p += 3) {
        const letter = y % 40 < 14 && x % 9 < 2 && x % 70 < 58;
        const box = Math.hypot(x - 420, y - 200) < 90;
        data.set(letter ? [30, 30, 40] : box ? [200, 60, 50] : [228, 226, 216], p);
      }
    }
    const drawn = embedPicture({ width, height, data }, PAYLOAD, KEY);
    expect(detectPicture(await decoded(attack(encoded(drawn))), KEY, { search: 'as-made' })).toMatchObject(
      found,
    );
  });

  test.each([
    [256, 256],
    [2048, 300],
    [1024, 1024],
  ])('fits a picture of %i x %i', async (width, height) => {
    const small = embedPicture(scene(width, height, 3), PAYLOAD, KEY);
    expect(
      detectPicture(await decoded(encoded(small).webp({ quality: 88 })), KEY, { search: 'as-made' }),
    ).toMatchObject(found);
  });
});
