import { describe, expect, it } from 'vitest';
import type { RgbImage } from '../../core/media.js';
import type { MediaSource } from '../../core/released.js';
import { unsigned } from '../../safety/credentials/credential-signer.js';
import { approveOutput, approvePrompt } from '../../safety/gate.js';
import { payloadFor, toHex } from '../../safety/watermark/payload.js';
import { marksFor } from './job-marks.js';
import type { MediaMarks } from './media-marks.js';
import { releasePicture } from './release-picture.js';
import type { ExecutorTools } from './tools.js';

const JOB_ID = '0123456789abcdef0123456789abcdef';
const KEY = new TextEncoder().encode('a key for tests');

function painted(side: number, level: (x: number, y: number) => number): RgbImage {
  const data = new Uint8Array(side * side * 3);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / 3);
    data[i] = level(pixel % side, Math.floor(pixel / side));
  }
  return { width: side, height: side, data };
}

const letters = (x: number, y: number): number =>
  (Math.floor(x / 8) * 7 + Math.floor(y / 16) * 13) % 5 === 0 && y % 64 < 32 ? 0 : 255;

async function released(
  picture: RgbImage,
  marks: MediaMarks,
  tools: Pick<ExecutorTools, 'credentials'> = { credentials: unsigned('off') },
) {
  const prompt = await approvePrompt(async () => ({ allowed: true }), 'a test');
  const approved = await approveOutput(prompt, picture, async () => ({ allowed: true }));
  return releasePicture(tools, approved, marks, 'a pack');
}

describe('releasePicture', () => {
  it.each([
    ['all black', painted(256, () => 0)],
    ['all white', painted(256, () => 255)],
    ['dense letters', painted(256, letters)],
    ['a slope', painted(512, (x, y) => (x + y) / 4)],
  ])('delivers %s with its mark, however little it hides', async (_, picture) => {
    const { facts, source } = await released(picture, marksFor('a node', JOB_ID, KEY));
    expect(facts).toMatchObject({
      contentType: 'image/webp',
      width: picture.width,
      watermark: toHex(payloadFor('a node', JOB_ID)),
    });
    expect(source.type).toBe('memory');
  });

  it('marks no stronger than it has to, and releases nothing whose mark is not found', async () => {
    const tried: number[] = [];
    const found = (needed: number): MediaMarks => ({
      ...marksFor('a node', JOB_ID, KEY),
      picture: {
        embed: (image, emphasis) => {
          tried.push(emphasis);
          return image;
        },
        find: () =>
          tried.length >= needed ? toHex(payloadFor('a node', JOB_ID)) : toHex(payloadFor('a node', '00')),
      },
    });
    const picture = painted(64, () => 128);
    await released(picture, found(2));
    expect(tried).toEqual([1, 1.6]);
    tried.length = 0;
    await expect(released(picture, found(Infinity))).rejects.toMatchObject({ code: 'WATERMARK_UNREADABLE' });
    expect(tried).toHaveLength(5);
  });

  it('releases nothing that cannot be decoded again', async () => {
    const damaged = {
      credentials: {
        state: 'a test',
        sign: async (): Promise<MediaSource> => ({ type: 'memory', data: Buffer.from('no picture') }),
      },
    };
    const marks = marksFor('a node', JOB_ID, KEY);
    await expect(
      released(
        painted(64, () => 128),
        marks,
        damaged,
      ),
    ).rejects.toMatchObject({
      code: 'ENCODE_FAILED',
    });
  });
});
