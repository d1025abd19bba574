import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RgbImage } from '../../core/media.js';
import { encodeFilm } from '../../daemon/media/film-encoder.js';
import { createFrameMarker } from '../../safety/watermark/film.js';
import { payloadFor, toHex } from '../../safety/watermark/payload.js';
import { prepareFfmpeg } from '../setup/ffmpeg.js';
import { readMark } from './read-mark.js';

const KEY = new TextEncoder().encode('a key for tests');
const PAYLOAD = payloadFor('a node', '0123456789abcdef0123456789abcdef');
const SIDE = 256;

let ffmpegPath: string;
let folder: string;
beforeAll(async () => {
  ffmpegPath = await prepareFfmpeg(() => undefined);
  folder = mkdtempSync(join(tmpdir(), 'read-mark-'));
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Waves that move to the left. */
function waves(step: number): RgbImage {
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / 3);
    data[i] = 128 + 60 * Math.sin((pixel % SIDE) / 9 + step / 3) + 30 * Math.sin(pixel / SIDE / 5);
  }
  return { width: SIDE, height: SIDE, data };
}

async function* marked(frames: number): AsyncGenerator<RgbImage> {
  const marker = createFrameMarker(SIDE, SIDE, PAYLOAD, KEY);
  for (let step = 0; step < frames; step++) yield marker.mark(waves(step));
}

test("a film's mark is read from its first two seconds", async () => {
  const path = join(folder, 'film.mp4');
  await encodeFilm(marked(72), path, { ffmpegPath, width: SIDE, height: SIDE, framesPerSecond: 24 });
  expect(await readMark(path, KEY, () => ffmpegPath)).toMatchObject({ found: true, payload: toHex(PAYLOAD) });
});

test('what is no media is said to be none', async () => {
  const path = join(folder, 'notes.txt');
  writeFileSync(path, 'no picture, film or sound');
  for (const file of [path, join(folder, 'gone')]) {
    await expect(readMark(file, KEY, () => ffmpegPath)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  }
});
