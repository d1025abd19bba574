import type { RgbImage } from '../../core/media.js';
import { numbers } from './drawn-pictures.js';

const KINDS = ['waves', 'weave', 'bricks', 'clouds'] as const;
const SIDE = 512;

/** Random values on a coarse grid, blended between its points; `cell` pixels apart. */
function hills(random: () => number, cell: number): (x: number, y: number) => number {
  const points = Math.ceil(SIDE / cell) + 2;
  const heights = Float32Array.from({ length: points * points }, () => random() - 0.5);
  return (x, y) => {
    const column = Math.floor(x / cell);
    const row = Math.floor(y / cell);
    const across = x / cell - column;
    const down = y / cell - row;
    const at = row * points + column;
    const upper = heights[at] + across * (heights[at + 1] - heights[at]);
    const lower = heights[at + points] + across * (heights[at + points + 1] - heights[at + points]);
    return upper + down * (lower - upper);
  };
}

/** Heights of around -1 to 1 at each place. */
function relief(kind: (typeof KINDS)[number], random: () => number): (x: number, y: number) => number {
  const period = 5 + 60 * random();
  const grain = hills(random, 2);
  switch (kind) {
    case 'waves': {
      const waves = Array.from({ length: 5 }, () => [random() - 0.5, random() - 0.5, 2 * Math.PI * random()]);
      return (x, y) =>
        waves.reduce((sum, [a, b, phase]) => sum + Math.sin(((a * x + b * y) * 40) / period + phase), 0) / 3;
    }
    case 'weave':
      return (x, y) =>
        Math.sin((2 * Math.PI * x) / period) * Math.cos((2 * Math.PI * y) / period) + 0.4 * grain(x, y);
    case 'bricks':
      return (x, y) => {
        const row = Math.floor(y / period);
        const seam = (x + (row % 2) * period) % (2 * period) < 2 || y % period < 2;
        return (seam ? -0.8 : 0.3) + 0.6 * grain(x, y);
      };
    case 'clouds': {
      const layers = [128, 64, 32, 16, 8, 4].map((cell) => ({ cell, at: hills(random, cell) }));
      return (x, y) => layers.reduce((sum, { cell, at }) => sum + at(x, y) * Math.sqrt(cell / 128), 0);
    }
  }
}

/** A texture of 512x512, most of them periodic as a mark is: the kinds take turns, and the seed decides the rest. */
export function texturePicture(seed: number): RgbImage {
  const random = numbers(seed);
  const height = relief(KINDS[seed % KINDS.length], random);
  const strength = 10 + 70 * random();
  const base = [0, 1, 2].map(() => 60 + 130 * random());
  const tint = [0, 1, 2].map(() => strength * (0.5 + random()));
  const data = new Uint8ClampedArray(SIDE * SIDE * 3);
  for (let y = 0, p = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++, p += 3) {
      const level = height(x, y);
      for (let channel = 0; channel < 3; channel++) data[p + channel] = base[channel] + tint[channel] * level;
    }
  }
  return { width: SIDE, height: SIDE, data: new Uint8Array(data.buffer) };
}

/** Noise of 512x512: from barely there to nothing else, coarse or fine, grey or coloured. */
export function noisePicture(seed: number): RgbImage {
  const random = numbers(seed);
  const strength = 3 + 110 * random() ** 2;
  const cell = 1 + (seed % 4);
  const base = 40 + 170 * random();
  const channels = [0, 1, 2].map(() => hills(random, cell));
  const grey = seed % 3 === 0;
  const data = new Uint8ClampedArray(SIDE * SIDE * 3);
  for (let y = 0, p = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++, p += 3)
      for (let channel = 0; channel < 3; channel++)
        data[p + channel] = base + 2 * strength * channels[grey ? 0 : channel](x, y);
  return { width: SIDE, height: SIDE, data: new Uint8Array(data.buffer) };
}
