import { describe, expect, it } from 'vitest';
import type { PcmAudio } from '../../core/media.js';
import { toHex } from './payload.js';
import { reweighted } from './sound-spectrum.js';
import { embedSound, findSoundMark } from './sound.js';

const KEY = new TextEncoder().encode('a key for tests');
const PAYLOAD = Uint8Array.of(0x1a, 0xbc, 0x12, 0x34, 0x56, 0x78);

function noise(seconds: number, seed: number, colour: number): PcmAudio {
  let state = seed;
  let low = 0;
  const channel = Float32Array.from({ length: Math.round(seconds * 48_000) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    low += colour * (state / 2 ** 31 - low);
    return 0.4 * low;
  });
  return { sampleRateHz: 48_000, channels: [channel, channel.map((sample) => 0.8 * sample)] };
}

function chord(seconds: number): PcmAudio {
  const channel = Float32Array.from({ length: Math.round(seconds * 48_000) }, (_, index) => {
    const time = index / 48_000;
    return [220, 277, 330, 440, 880, 1760]
      .map(
        (hertz, at) =>
          (0.1 / (1 + at)) * Math.sin(2 * Math.PI * hertz * time) * Math.exp(-((time % 2) * 1.5)),
      )
      .reduce((sum, part) => sum + part, 0);
  });
  return { sampleRateHz: 48_000, channels: [channel] };
}

describe('sound watermark', () => {
  it('changes nothing but the weights it is told to', () => {
    const [channel] = noise(0.5, 3, 0.4).channels;
    const same = reweighted(channel, () => 1);
    const worst = channel.reduce((most, sample, at) => Math.max(most, Math.abs(sample - same[at])), 0);
    expect(worst).toBeLessThan(1e-6);
  });

  for (const [name, sound] of [
    ['hiss', noise(5, 1, 1)],
    ['rumble', noise(5, 2, 0.05)],
    ['a chord', chord(5)],
    ['a second of hiss', noise(1.05, 4, 0.7)],
  ] as const) {
    it(`comes back whole from ${name} and stays quiet in it`, () => {
      const marked = embedSound(sound, PAYLOAD, KEY);
      expect(findSoundMark(marked, KEY)).toBe(toHex(PAYLOAD));
      let signal = 0;
      let change = 0;
      sound.channels[0].forEach((sample, at) => {
        signal += sample ** 2;
        change += (sample - marked.channels[0][at]) ** 2;
      });
      expect(10 * Math.log10(signal / change)).toBeGreaterThan(8);
    });
  }

  it('is found in an excerpt when searched for', () => {
    const marked = embedSound(noise(8, 5, 0.5), PAYLOAD, KEY);
    const excerpt = {
      ...marked,
      channels: marked.channels.map((channel) => channel.slice(70_123, 70_123 + 240_000)),
    };
    expect(findSoundMark(excerpt, KEY, true)).toBe(toHex(PAYLOAD));
  });

  it('is not found where there is none, nor with another key', () => {
    for (let seed = 10; seed < 16; seed++)
      expect(findSoundMark(noise(3, seed, 0.5), KEY, true)).toBeUndefined();
    const marked = embedSound(noise(5, 1, 1), PAYLOAD, KEY);
    expect(findSoundMark(marked, new TextEncoder().encode('another key'), true)).toBeUndefined();
    const silence = { sampleRateHz: 48_000, channels: [new Float32Array(48_000)] };
    expect(findSoundMark(silence, KEY)).toBeUndefined();
  });
});
