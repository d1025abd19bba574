import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { amplifyLimited, peakEnvelope } from './limiter.js';
import { integratedLoudness, truePeakDb } from './loudness.js';
import { masterAudio } from './master-audio.js';
import { resample } from './resample.js';

const RATE = 48_000;

function tone(hz: number, amplitude: number, seconds: number, rate = RATE, phase = 0): Float32Array {
  return Float32Array.from(
    { length: Math.round(seconds * rate) },
    (_, index) => amplitude * Math.sin((2 * Math.PI * hz * index) / rate + phase),
  );
}
const stereo = (channel: Float32Array, sampleRateHz = RATE) => ({
  sampleRateHz,
  channels: [channel, channel],
});

describe('integratedLoudness', () => {
  it('reads the reference tones of the standard', () => {
    // BS.1770: a 997 Hz sine at 0 dBFS in one channel reads -3.01; EBU Tech 3341 case 1: both at -23 dBFS read -23.
    expect(integratedLoudness({ sampleRateHz: RATE, channels: [tone(997, 1, 5)] })).toBeCloseTo(-3.01, 1);
    expect(integratedLoudness(stereo(tone(1000, 10 ** (-23 / 20), 20)))).toBeCloseTo(-23, 1);
  });

  it('gates quiet stretches (EBU Tech 3341 case 3)', () => {
    const parts = [
      tone(1000, 10 ** (-36 / 20), 10),
      tone(1000, 10 ** (-23 / 20), 60),
      tone(1000, 10 ** (-36 / 20), 10),
    ];
    const whole = new Float32Array(RATE * 80);
    whole.set(parts[0], 0);
    whole.set(parts[1], RATE * 10);
    whole.set(parts[2], RATE * 70);
    expect(integratedLoudness(stereo(whole))).toBeCloseTo(-23, 1);
  });

  it('calls silence minus infinity', () => {
    expect(integratedLoudness(stereo(new Float32Array(RATE)))).toBe(-Infinity);
  });
});

describe('true peak', () => {
  it('sees the crest between samples', () => {
    // A quarter of the rate at 45°: every sample is at 0.707 of the crest.
    const sound = { sampleRateHz: RATE, channels: [tone(RATE / 4, 0.5, 0.5, RATE, Math.PI / 4)] };
    // The tone's hard edges overshoot a little; its samples alone would read -9.03.
    expect(Math.abs(truePeakDb(sound) + 6.02)).toBeLessThan(0.15);
  });

  it('stays under the ceiling for any material', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 600, maxLength: 3000 }),
        fc.double({ min: -6, max: 18, noNaN: true }),
        (samples, gainDb) => {
          const sound = { sampleRateHz: RATE, channels: [Float32Array.from(samples)] };
          const limited = amplifyLimited(sound, peakEnvelope(sound), gainDb, -1);
          expect(truePeakDb(limited)).toBeLessThan(-0.9);
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('resample', () => {
  it('keeps a tone what it was', () => {
    const out = resample(stereo(tone(1000, 0.5, 1, 44_100), 44_100), RATE).channels[0];
    const wanted = tone(1000, 0.5, 1);
    expect(out.length).toBe(wanted.length);
    for (let index = 200; index < out.length - 200; index++) {
      expect(Math.abs(out[index] - wanted[index])).toBeLessThan(1e-3);
    }
  });

  it('removes what the lower rate cannot hold', () => {
    const out = resample(stereo(tone(15_000, 0.5, 1)), 16_000).channels[0].subarray(500, 15_500);
    expect(Math.max(...out.map(Math.abs))).toBeLessThan(5e-4);
  });
});

describe('masterAudio', () => {
  it('hits loudness and ceiling for sparse clicks over a murmur', () => {
    const murmur = tone(180, 0.01, 6);
    for (let click = 0; click < 12; click++) murmur[click * 24_000 + 5] = 0.9;
    const result = masterAudio(
      { sampleRateHz: RATE, channels: [murmur] },
      {
        targetLufs: -16,
        ceilingDb: -1.5,
        sampleCount: RATE * 5,
      },
    );
    expect(result.channels).toHaveLength(2);
    expect(result.channels[0]).toHaveLength(RATE * 5);
    expect(Math.abs(integratedLoudness(result) + 16)).toBeLessThan(0.5);
    expect(truePeakDb(result)).toBeLessThan(-1);
  });

  it('starts and ends at rest and fills what is missing with silence', () => {
    const result = masterAudio(stereo(tone(100, 0.8, 1, RATE, 1)), {
      targetLufs: -16,
      ceilingDb: -1.5,
      sampleCount: RATE * 2,
    }).channels[0];
    expect(result[0]).toBe(0);
    expect(Math.abs(result[RATE - 1])).toBeLessThan(1e-4);
    expect(result.subarray(RATE).every((sample) => sample === 0)).toBe(true);
  });

  it('leaves silence alone', () => {
    const result = masterAudio(stereo(new Float32Array(RATE)), {
      targetLufs: -16,
      ceilingDb: -1,
      sampleCount: RATE,
    });
    expect(result.channels[0].every((sample) => sample === 0)).toBe(true);
  });
});
