import type { PcmAudio } from '../../core/media.js';
import { amplifyLimited, peakEnvelope } from './limiter.js';
import { integratedLoudness, MASTER_RATE_HZ } from './loudness.js';
import { resample } from './resample.js';

export interface MasterSettings {
  /** Integrated loudness of the result. */
  readonly targetLufs: number;
  /** Highest true peak of the result; coding to AAC raises peaks, so leave room for it. */
  readonly ceilingDb: number;
  /** Exact length of the result in samples at 48 kHz: longer sound is cut, shorter is filled with silence. */
  readonly sampleCount: number;
}

const FADE_MS = 12;
const TOLERANCE_LU = 0.1;
const MAX_PASSES = 12;

function asStereo(sound: PcmAudio): PcmAudio {
  const left = sound.channels[0];
  return { ...sound, channels: [left, sound.channels[1] ?? left] };
}

/** First-order high-pass at 20 Hz: an offset would turn the fades into thumps. */
function withoutOffset(channel: Float32Array): Float32Array {
  const pole = 1 - (2 * Math.PI * 20) / MASTER_RATE_HZ;
  const out = new Float32Array(channel.length);
  let before = channel[0] ?? 0;
  let held = 0;
  for (let index = 0; index < channel.length; index++) {
    held = pole * (held + channel[index] - before);
    before = channel[index]!;
    out[index] = held;
  }
  return out;
}

/** Cuts to length with a raised-cosine fade at either end, or fills with silence after the faded end. */
function fitted(channel: Float32Array, sampleCount: number): Float32Array {
  const out = new Float32Array(sampleCount);
  out.set(channel.subarray(0, sampleCount));
  const sounding = Math.min(channel.length, sampleCount);
  const fade = Math.min(Math.round((FADE_MS / 1000) * MASTER_RATE_HZ), sounding >> 1);
  for (let index = 0; index < fade; index++) {
    const gain = 0.5 - 0.5 * Math.cos((Math.PI * index) / fade);
    out[index] *= gain;
    out[sounding - 1 - index] *= gain;
  }
  return out;
}

/**
 * Stereo sound at 48 kHz of exact length and loudness, its peaks held, its ends faded. Loudness is measured
 * first and again after limiting, until what the limiter took is made up for. Silence stays silence.
 */
export function masterAudio(sound: PcmAudio, settings: MasterSettings): PcmAudio {
  const stereo = asStereo(resample(sound, MASTER_RATE_HZ));
  const whole: PcmAudio = {
    sampleRateHz: MASTER_RATE_HZ,
    channels: stereo.channels.map((channel) => fitted(withoutOffset(channel), settings.sampleCount)),
  };
  const measured = integratedLoudness(whole);
  if (!Number.isFinite(measured)) return whole;
  const envelope = peakEnvelope(whole);
  let gainDb = settings.targetLufs - measured;
  let result = amplifyLimited(whole, envelope, gainDb, settings.ceilingDb);
  for (let pass = 1; pass < MAX_PASSES; pass++) {
    const missing = settings.targetLufs - integratedLoudness(result);
    if (Math.abs(missing) <= TOLERANCE_LU) break;
    gainDb += missing;
    result = amplifyLimited(whole, envelope, gainDb, settings.ceilingDb);
  }
  return result;
}
