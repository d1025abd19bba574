import { Readable } from 'node:stream';
import type { PcmAudio } from '../../core/media.js';

const FRAMES_PER_CHUNK = 1 << 16;

function* interleaved(sound: PcmAudio): Generator<Buffer> {
  const length = sound.channels[0]?.length ?? 0;
  const channels = sound.channels.length;
  for (let start = 0; start < length; start += FRAMES_PER_CHUNK) {
    const count = Math.min(FRAMES_PER_CHUNK, length - start);
    const chunk = Buffer.alloc(count * channels * 4);
    for (let index = 0; index < count; index++) {
      for (let channel = 0; channel < channels; channel++) {
        chunk.writeFloatLE(sound.channels[channel][start + index], (index * channels + channel) * 4);
      }
    }
    yield chunk;
  }
}

/** ffmpeg's input options for `pcmStream`. */
export function pcmOptions(sound: PcmAudio): string[] {
  return ['-f', 'f32le', '-ar', String(sound.sampleRateHz), '-ac', String(sound.channels.length)];
}

/** The samples as a stream, interleaved float32 little-endian. */
export function pcmStream(sound: PcmAudio): Readable {
  return Readable.from(interleaved(sound), { objectMode: false });
}

/** Splits interleaved float32 little-endian samples into channels. */
export function deinterleave(bytes: Buffer, channelCount: number, sampleRateHz: number): PcmAudio {
  const length = Math.floor(bytes.length / (4 * channelCount));
  const channels = Array.from({ length: channelCount }, (_, channel) => {
    const out = new Float32Array(length);
    for (let index = 0; index < length; index++) {
      out[index] = bytes.readFloatLE((index * channelCount + channel) * 4);
    }
    return out;
  });
  return { sampleRateHz, channels };
}
