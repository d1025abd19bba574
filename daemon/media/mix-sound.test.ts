import { describe, expect, it } from 'vitest';
import { mixSound } from './mix-sound.js';

const flat = (value: number, seconds: number, sampleRateHz = 48_000) => ({
  sampleRateHz,
  channels: [new Float32Array(Math.round(seconds * sampleRateHz)).fill(value)],
});

describe('mixSound', () => {
  it('brings parts to their levels whatever they came at', () => {
    const mixed = mixSound(
      [
        { sound: flat(0.9, 1), levelDb: 0 },
        { sound: flat(0.001, 1), levelDb: -20 },
      ],
      48_000,
    );
    expect(mixed.channels).toHaveLength(2);
    expect(mixed.channels[1][24_000]).toBeCloseTo(0.1 + 0.01, 4);
  });

  it('turns the rest down under a voice and back up after it', () => {
    const mixed = mixSound(
      [
        { sound: flat(0.5, 4), levelDb: 0 },
        { sound: flat(0.5, 1, 24_000), levelDb: -200, startMs: 1500, duckOthersDb: 12 },
      ],
      4 * 48_000,
    ).channels[0];
    expect(mixed[24_000]).toBeCloseTo(0.1, 3);
    expect(mixed[2 * 48_000]).toBeCloseTo(0.1 * 10 ** (-12 / 20), 3);
    expect(mixed[3 * 48_000]).toBeCloseTo(0.1, 3);
    let jump = 0;
    for (let index = 1; index < mixed.length; index++)
      jump = Math.max(jump, Math.abs(mixed[index] - mixed[index - 1]));
    expect(jump).toBeLessThan(1e-3);
  });

  it('keeps silence silent and cuts what is too long', () => {
    const mixed = mixSound([{ sound: flat(0, 5), levelDb: 0 }], 1000);
    expect(mixed.channels[0]).toHaveLength(1000);
    expect(mixed.channels[0].every((sample) => sample === 0)).toBe(true);
  });
});
