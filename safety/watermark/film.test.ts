import { describe, expect, test } from 'vitest';
import type { RgbImage } from '../../core/media.js';
import { createFrameMarker, FilmReader } from './film.js';
import { payloadFor, toHex } from './payload.js';

const KEY = new TextEncoder().encode('a key of this test');
const PAYLOAD = payloadFor('node-1', '0123456789abcdef0123456789abcdef');
const WIDTH = 416;
const HEIGHT = 240;

/** Frames of a camera that pans over soft shapes and grain. */
function* pan(count: number): Generator<RgbImage> {
  for (let frame = 0; frame < count; frame++) {
    const data = new Uint8Array(WIDTH * HEIGHT * 3);
    for (let y = 0, p = 0; y < HEIGHT; y++) {
      for (let x = 0; x < WIDTH; x++, p += 3) {
        const at = x + 5 * frame;
        const grain = (Math.imul(at * 7919 + y * 104729, 2654435761) >>> 0) / 2 ** 32 - 0.5;
        const base = 120 + 50 * Math.sin(at / 37) * Math.cos(y / 23) + 30 * grain;
        data[p] = base;
        data[p + 1] = base + 10;
        data[p + 2] = 255 - base;
      }
    }
    yield { width: WIDTH, height: HEIGHT, data };
  }
}

function* cropped(frames: Iterable<RgbImage>): Generator<RgbImage> {
  const width = 360;
  const height = 208;
  for (const frame of frames) {
    const data = new Uint8Array(width * height * 3);
    for (let y = 0; y < height; y++) {
      const from = ((y + 11) * WIDTH + 23) * 3;
      data.set(frame.data.subarray(from, from + width * 3), y * width * 3);
    }
    yield { width, height, data };
  }
}

describe('the film watermark', () => {
  const marker = createFrameMarker(WIDTH, HEIGHT, PAYLOAD, KEY);
  const marked = Array.from(pan(12), (frame) => marker.mark(frame));
  const found = { found: true, payload: toHex(PAYLOAD) };

  test('is read from a few frames, from the middle as from the start', () => {
    for (const start of [0, 6]) {
      const reader = new FilmReader(KEY);
      for (const frame of marked.slice(start, start + 6)) reader.add(frame);
      expect(reader.read('as-made')).toMatchObject(found);
    }
  });

  test('is found in a crop', () => {
    const reader = new FilmReader(KEY);
    for (const frame of cropped(marked)) reader.add(frame);
    expect(reader.read()).toMatchObject(found);
  });

  test('is read from a key frame where the other frames have lost it', () => {
    const reader = new FilmReader(KEY);
    for (const frame of pan(4)) reader.add(frame);
    reader.add(marked[0], true);
    expect(reader.read('as-made')).toMatchObject(found);
  });

  test('changes little', () => {
    const [original] = pan(1);
    const sum = original.data.reduce((total, value, i) => total + (value - marked[0].data[i]) ** 2, 0);
    expect(10 * Math.log10(255 ** 2 / (sum / original.data.length))).toBeGreaterThan(40);
  });

  test('is none where there is none, and none for another key', () => {
    const bare = new FilmReader(KEY);
    for (const frame of pan(6)) bare.add(frame);
    expect(bare.read().found).toBe(false);
    const other = new FilmReader(new TextEncoder().encode('another key'));
    for (const frame of marked) other.add(frame);
    expect(other.read('as-made').found).toBe(false);
    expect(new FilmReader(KEY).read().found).toBe(false);
  });
});
