import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { PcmAudio } from '../../core/media.js';
import { runFfmpeg } from './ffmpeg-process.js';
import { integratedLoudness, MASTER_RATE_HZ, truePeakDb } from './loudness.js';
import { masterAudio } from './master-audio.js';
import { deinterleave, pcmOptions, pcmStream } from './pcm-stream.js';

/** Formats of a sound file. */
export type SoundFormat = 'wav' | 'flac' | 'm4a';

export const SOUND_TYPES: Readonly<Record<SoundFormat, string>> = {
  wav: 'audio/wav',
  flac: 'audio/flac',
  m4a: 'audio/mp4',
};

const CODEC_OPTIONS: Record<SoundFormat, readonly string[]> = {
  wav: ['-c:a', 'pcm_s24le', '-f', 'wav'],
  flac: ['-c:a', 'flac', '-sample_fmt', 's32', '-bits_per_raw_sample', '24', '-f', 'flac'],
  m4a: ['-c:a', 'aac', '-b:a', '192k', '-movflags', '+faststart', '-f', 'ipod'],
};

interface Ffmpeg {
  readonly ffmpegPath: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes sound as a file of the given format.
 * @throws FFMPEG_FAILED, DISK_FULL
 */
async function encodeAudio(
  sound: PcmAudio,
  format: SoundFormat,
  path: string,
  { ffmpegPath, signal }: Ffmpeg,
): Promise<void> {
  await runFfmpeg({
    ffmpegPath,
    inputs: [{ source: pcmStream(sound), options: pcmOptions(sound) }],
    options: [
      ...['-v', 'level+warning', '-vn', ...CODEC_OPTIONS[format]],
      ...['-fflags', '+bitexact', '-map_metadata', '-1'],
    ],
    output: path,
    signal,
  });
}

/**
 * Sound of a file as stereo at 48 kHz, without what its codec put before the start.
 * @throws FFMPEG_FAILED
 */
export async function decodeAudio(path: string, { ffmpegPath, signal }: Ffmpeg): Promise<PcmAudio> {
  const chunks: Buffer[] = [];
  await runFfmpeg({
    ffmpegPath,
    inputs: [{ source: path }],
    options: ['-v', 'level+warning', '-vn', '-ar', String(MASTER_RATE_HZ), '-ac', '2', '-f', 'f32le'],
    output: {
      consume: async (stdout: Readable) => {
        for await (const chunk of stdout) chunks.push(chunk as Buffer);
      },
    },
    signal,
  });
  return deinterleave(Buffer.concat(chunks), 2, MASTER_RATE_HZ);
}

/** What a finished sound file must keep to. */
export interface LoudnessGoal {
  readonly targetLufs: number;
  readonly maxTruePeakDb: number;
  readonly sampleCount: number;
}

/** Loudness and peaks as they are heard from the file, after its codec. */
export interface HeardLoudness {
  readonly integratedLufs: number;
  readonly truePeakDb: number;
}

const ATTEMPTS = 5;
const TOLERANCE_LU = 0.3;

/**
 * Masters and writes a sound so that the decoded file, not only what went into the encoder, meets the goal:
 * AAC raises peaks by an amount that only decoding shows. Resolves to what was heard.
 * @throws FFMPEG_FAILED, DISK_FULL
 */
export async function writeMastered(
  sound: PcmAudio,
  format: SoundFormat,
  path: string,
  goal: LoudnessGoal,
  ffmpeg: Ffmpeg,
): Promise<HeardLoudness> {
  let ceilingDb = goal.maxTruePeakDb - (format === 'm4a' ? 0.6 : 0.05);
  let targetLufs = goal.targetLufs;
  for (let attempt = 1; ; attempt++) {
    await encodeAudio(
      masterAudio(sound, { targetLufs, ceilingDb, sampleCount: goal.sampleCount }),
      format,
      path,
      ffmpeg,
    );
    const decoded = await decodeAudio(path, ffmpeg);
    const heard = { integratedLufs: integratedLoudness(decoded), truePeakDb: truePeakDb(decoded) };
    const excessDb = heard.truePeakDb - goal.maxTruePeakDb;
    const missing = goal.targetLufs - heard.integratedLufs;
    const silent = !Number.isFinite(heard.integratedLufs);
    if (attempt === ATTEMPTS || silent || (excessDb <= 0 && Math.abs(missing) <= TOLERANCE_LU)) return heard;
    await rm(path, { force: true });
    if (excessDb > 0) ceilingDb -= excessDb + 0.1;
    targetLufs += missing;
  }
}
