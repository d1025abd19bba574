import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { readPicture } from './read-picture.js';

const folder = mkdtempSync(join(tmpdir(), 'read-picture-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SIZE = { width: 40, height: 30 };
const plain = (
  background: string | { r: number; g: number; b: number; alpha: number },
  channels: 3 | 4 = 3,
) => sharp({ create: { ...SIZE, channels, background } });
const pixel = (data: Uint8Array): number[] => [...data.subarray(0, 3)];

describe('readPicture', () => {
  it.each<[string, Sharp, number[]]>([
    ['a colour PNG', plain('#204060').png(), [0x20, 0x40, 0x60]],
    ['grey', plain('#808080').toColourspace('b-w').png(), [0x80, 0x80, 0x80]],
    ['16 bits', plain('#204060').toColourspace('rgb16').png(), [0x20, 0x40, 0x60]],
    ['transparency', plain({ r: 9, g: 8, b: 7, alpha: 0.5 }, 4).png(), [9, 8, 7]],
    ['a palette', plain('#ff0000').png({ palette: true }), [255, 0, 0]],
  ])('reads %s as three channels', async (_, made, wanted) => {
    const { data, ...size } = await readPicture(await made.toBuffer());
    expect(size).toEqual(SIZE);
    expect(data).toHaveLength(40 * 30 * 3);
    expect(pixel(data)).toEqual(wanted);
  });

  it('turns by EXIF only where it is asked to', async () => {
    const path = join(folder, 'phone.jpg');
    await plain('#204060').withMetadata({ orientation: 6 }).jpeg().toFile(path);
    expect(await readPicture(path)).toMatchObject(SIZE);
    expect(await readPicture(path, { upright: true })).toMatchObject({ width: 30, height: 40 });
  });

  it('refuses what is missing, damaged or no picture with its code', async () => {
    const whole = await sharp(Buffer.from(SVG)).jpeg().toBuffer();
    const path = join(folder, 'cut.jpg');
    writeFileSync(path, whole.subarray(0, whole.length / 2));
    for (const source of [path, join(folder, 'gone.png'), Buffer.from('no picture'), Buffer.alloc(0)]) {
      await expect(readPicture(source)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    }
    await expect(readPicture(path)).rejects.toThrow(path);
  });
});

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300">
<linearGradient id="a"><stop stop-color="red"/><stop offset="1" stop-color="blue"/></linearGradient>
<rect width="400" height="300" fill="url(#a)"/></svg>`;
