import type { PcmAudio } from '../../core/media.js';
import { MASTER_RATE_HZ } from './loudness.js';
import { resample } from './resample.js';

/** One sound of a mix. */
export interface MixPart {
  readonly sound: PcmAudio;
  /** RMS level beside 0 dB of the loudest part. */
  readonly levelDb: number;
  /** When it starts; 0 when absent. */
  readonly startMs?: number;
  /** Other parts are turned down by this much while this one sounds (a voice over an ambience). */
  readonly duckOthersDb?: number;
}

const LOUDEST_RMS = 0.1;
const DUCK_RAMP_MS = 120;

/** Root mean square of the louder half of a sound, so that a few steps count like steady rain. */
function loudPartRms(sound: PcmAudio): number {
  const block = Math.max(1, Math.round(sound.sampleRateHz / 20));
  const powers: number[] = [];
  const length = sound.channels[0]?.length ?? 0;
  for (let start = 0; start + block <= length; start += block) {
    let sum = 0;
    for (const channel of sound.channels) {
      for (let index = start; index < start + block; index++) sum += channel[index] ** 2;
    }
    powers.push(sum / (block * sound.channels.length));
  }
  powers.sort((a, b) => b - a);
  const loud = powers.slice(0, Math.max(1, powers.length >> 1));
  return Math.sqrt(loud.reduce((sum, power) => sum + power, 0) / Math.max(1, loud.length));
}

/** Gain of everything else over time while the ducking parts sound, 1 elsewhere. */
function duckCurve(parts: readonly MixPart[], sampleCount: number): Float32Array {
  const curve = new Float32Array(sampleCount).fill(1);
  const ramp = Math.round((DUCK_RAMP_MS / 1000) * MASTER_RATE_HZ);
  for (const { sound, duckOthersDb, startMs = 0 } of parts) {
    if (duckOthersDb === undefined) continue;
    const low = 10 ** (-duckOthersDb / 20);
    const start = Math.round((startMs / 1000) * MASTER_RATE_HZ);
    const end = start + Math.round(((sound.channels[0]?.length ?? 0) * MASTER_RATE_HZ) / sound.sampleRateHz);
    for (let index = Math.max(0, start - ramp); index < Math.min(sampleCount, end + ramp); index++) {
      const outside = Math.max(start - index, index - end, 0) / ramp;
      curve[index] = Math.min(curve[index], low + (1 - low) * outside);
    }
  }
  return curve;
}

/** Puts sounds together as stereo at 48 kHz of the given length, each at its level. */
export function mixSound(parts: readonly MixPart[], sampleCount: number): PcmAudio {
  const out = [new Float32Array(sampleCount), new Float32Array(sampleCount)];
  const ducked = duckCurve(parts, sampleCount);
  for (const part of parts) {
    const sound = resample(part.sound, MASTER_RATE_HZ);
    const rms = loudPartRms(sound);
    if (rms === 0) continue;
    const gain = (LOUDEST_RMS * 10 ** (part.levelDb / 20)) / rms;
    const start = Math.round(((part.startMs ?? 0) / 1000) * MASTER_RATE_HZ);
    out.forEach((mixed, side) => {
      const channel = sound.channels[side] ?? sound.channels[0];
      const count = Math.min(channel.length, sampleCount - start);
      for (let index = 0; index < count; index++) {
        const quieter = part.duckOthersDb === undefined ? ducked[start + index] : 1;
        mixed[start + index] += channel[index] * gain * quieter;
      }
    });
  }
  return { sampleRateHz: MASTER_RATE_HZ, channels: out };
}
