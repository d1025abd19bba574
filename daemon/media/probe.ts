import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { NodeError } from '../../core/errors.js';
import { runFfmpeg } from './ffmpeg-process.js';

/** What one track of a media file turned out to be after decoding all of it. */
export interface VideoTrack {
  readonly codec: string;
  readonly profile: string;
  readonly pixelFormat: string;
  /** As ffmpeg names range and matrix, for example `tv, bt709`. */
  readonly colour: string;
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly frames: number;
  readonly startMs: number;
  readonly durationMs: number;
  /** Whether every frame is shown equally long. */
  readonly constantRate: boolean;
}
export interface AudioTrack {
  readonly codec: string;
  readonly sampleRateHz: number;
  readonly channels: string;
  readonly startMs: number;
  readonly durationMs: number;
}
export interface ProbeResult {
  readonly video: VideoTrack | undefined;
  readonly audio: AudioTrack | undefined;
  /** Warnings and errors of the decoder; a sound file has none. */
  readonly complaints: readonly string[];
}

interface Decoded {
  count: number;
  first: number;
  end: number;
  evenSteps: boolean;
  secondsPerUnit: number;
  kind: string;
  width: number;
  height: number;
  sampleRateHz: number;
}

/** Reads ffmpeg's framecrc listing: a header of `#key stream: value`, then a line for each decoded frame. */
async function readListing(stdout: Readable): Promise<Map<string, Decoded>> {
  const tracks = new Map<string, Decoded>();
  const track = (id: string): Decoded => {
    let found = tracks.get(id);
    if (found === undefined) {
      found = {
        ...{ count: 0, first: 0, end: 0, evenSteps: true, secondsPerUnit: 0 },
        ...{ kind: '', width: 0, height: 0, sampleRateHz: 0 },
      };
      tracks.set(id, found);
    }
    return found;
  };
  for await (const line of createInterface({ input: stdout })) {
    const header = /^#(\w+) (\d+): (.*)$/.exec(line);
    if (header !== null) {
      const [, key, id, value] = header as unknown as [string, string, string, string];
      const [a = 0, b = 0] = value.split(/[/x]/).map(Number);
      if (key === 'tb') track(id).secondsPerUnit = a / b;
      if (key === 'media_type') track(id).kind = value;
      if (key === 'dimensions') Object.assign(track(id), { width: a, height: b });
      if (key === 'sample_rate') track(id).sampleRateHz = a;
      continue;
    }
    const fields = line.split(',');
    if (fields.length < 6) continue;
    const current = track(fields[0].trim());
    const shownAt = Number(fields[2]);
    if (current.count === 0) current.first = shownAt;
    else if (shownAt !== current.end) current.evenSteps = false;
    current.count += 1;
    current.end = shownAt + Number(fields[3]);
  }
  return tracks;
}

const LEVEL_PREFIX = /^(?:\[[^\]]* @ 0x[0-9a-f]+\] )?\[(\w+)\] ?/;

interface Listing {
  readonly tracks: readonly Decoded[];
  readonly stderr: string;
}

/** Decodes a file, all of it or what `limits` leave, and lists its frames. */
async function decode(path: string, ffmpegPath: string, limits: readonly string[] = []): Promise<Listing> {
  let tracks = new Map<string, Decoded>();
  const stderr = await runFfmpeg({
    ffmpegPath,
    inputs: [{ source: path }],
    options: ['-v', 'level+info', '-map', '0', '-fps_mode', 'passthrough', ...limits, '-f', 'framecrc'],
    output: {
      consume: async (stdout) => {
        tracks = await readListing(stdout);
      },
    },
  });
  return { tracks: [...tracks.values()], stderr };
}

const videoOf = (tracks: readonly Decoded[]): Decoded | undefined =>
  tracks.find((track) => track.kind === 'video');

/**
 * The size of a film's frames, from its first one alone; undefined for a sound.
 * @throws FFMPEG_FAILED when the file cannot be decoded at all
 */
export async function frameSize(
  path: string,
  ffmpegPath: string,
): Promise<{ readonly width: number; readonly height: number } | undefined> {
  const video = videoOf((await decode(path, ffmpegPath, ['-frames:v', '1', '-frames:a', '1'])).tracks);
  return video && { width: video.width, height: video.height };
}

/**
 * Decodes every frame of a file and tells what is in it. ffprobe is not needed.
 * @throws FFMPEG_FAILED when the file cannot be decoded at all
 */
export async function probeMedia(path: string, ffmpegPath: string): Promise<ProbeResult> {
  const { tracks, stderr } = await decode(path, ffmpegPath);
  const lines = stderr.split('\n').map((line) => ({
    level: LEVEL_PREFIX.exec(line)?.[1] ?? 'info',
    text: line.replace(LEVEL_PREFIX, '').trim(),
  }));
  const outputAt = lines.findIndex(({ text }) => text.startsWith('Output #'));
  const inputLines = lines.slice(0, outputAt === -1 ? undefined : outputAt).map(({ text }) => text);
  const [, videoCodec = '', videoDetails = ''] = match(inputLines, /^Stream #.*Video: (\w+)(.*)$/);
  const [, audioCodec = ''] = match(inputLines, /^Stream #.*Audio: (\w+)/);
  const [, channels = ''] = match(inputLines, /^Stream #.*Audio: .* Hz, ([^,]+),/);

  const video = videoOf(tracks);
  const audio = tracks.find((track) => track.kind === 'audio');
  const span = (track: Decoded): { startMs: number; durationMs: number } => ({
    startMs: track.first * track.secondsPerUnit * 1000,
    durationMs: (track.end - track.first) * track.secondsPerUnit * 1000,
  });
  return {
    video: video && {
      codec: videoCodec,
      profile: /^ \(([^)]+)\)/.exec(videoDetails)?.[1] ?? '',
      pixelFormat: /, (\w+)\([^)]*\), \d+x\d+/.exec(videoDetails)?.[1] ?? '',
      colour: /, \w+\(((?:tv|pc), [\w/]+)[^)]*\), \d+x\d+/.exec(videoDetails)?.[1] ?? '',
      width: video.width,
      height: video.height,
      framesPerSecond: Number(/, ([\d.]+) fps/.exec(videoDetails)?.[1] ?? 0),
      frames: video.count,
      constantRate: video.evenSteps,
      ...span(video),
    },
    audio: audio && { codec: audioCodec, sampleRateHz: audio.sampleRateHz, channels, ...span(audio) },
    complaints: lines
      .filter(({ level }) => ['warning', 'error', 'fatal', 'panic'].includes(level))
      .map(({ text }) => text),
  };
}

function match(lines: readonly string[], pattern: RegExp): readonly string[] {
  for (const line of lines) {
    const found = pattern.exec(line);
    if (found !== null) return found;
  }
  return [];
}

/** What a finished film must be. */
export interface FilmExpectation {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly framesPerSecond: number;
}

/**
 * Compares a probed film with what was asked.
 * @throws PROBE_MISMATCH naming every difference
 */
export function expectFilm(probe: ProbeResult, asked: FilmExpectation): void {
  const { video, audio } = probe;
  if (video === undefined || audio === undefined) {
    throw new NodeError('PROBE_MISMATCH', `the film has no ${video === undefined ? 'picture' : 'sound'}`);
  }
  const frameMs = 1000 / asked.framesPerSecond;
  const wantedMs = asked.frames * frameMs;
  const differences: string[] = [];
  const check = (holds: boolean, text: string): void => {
    if (!holds) differences.push(text);
  };
  check(video.codec === 'h264' && video.profile === 'High', `codec ${video.codec} ${video.profile}`);
  check(video.pixelFormat === 'yuv420p', `pixel format ${video.pixelFormat}`);
  check(video.colour === 'tv, bt709', `colour ${video.colour}`);
  check(video.width === asked.width && video.height === asked.height, `size ${video.width}x${video.height}`);
  check(video.frames === asked.frames, `${video.frames} frames`);
  check(Math.abs(video.framesPerSecond - asked.framesPerSecond) < 0.01, `${video.framesPerSecond} frames/s`);
  check(video.constantRate, 'uneven frame times');
  check(video.startMs === 0, `picture starts at ${video.startMs} ms`);
  check(Math.abs(video.durationMs - wantedMs) <= 1, `picture lasts ${video.durationMs} ms`);
  check(audio.codec === 'aac', `sound codec ${audio.codec}`);
  check(audio.sampleRateHz === 48_000, `sound at ${audio.sampleRateHz} Hz`);
  check(audio.channels === 'stereo', `sound is ${audio.channels}`);
  check(Math.abs(audio.startMs) < 1, `sound starts at ${audio.startMs} ms`);
  check(Math.abs(audio.durationMs - wantedMs) <= frameMs, `sound lasts ${audio.durationMs} ms`);
  check(probe.complaints.length === 0, `the decoder says: ${probe.complaints.slice(0, 3).join(' | ')}`);
  if (differences.length > 0) {
    throw new NodeError(
      'PROBE_MISMATCH',
      `asked ${asked.width}x${asked.height}, ${asked.frames} frames at ${asked.framesPerSecond}/s; got ${differences.join(', ')}`,
    );
  }
}

/**
 * Compares a probed sound file with what was asked.
 * @throws PROBE_MISMATCH naming every difference
 */
export function expectSound(probe: ProbeResult, durationMs: number): void {
  const { audio } = probe;
  if (audio === undefined) throw new NodeError('PROBE_MISMATCH', 'the sound file has no sound');
  const differences: string[] = [];
  if (audio.sampleRateHz !== 48_000) differences.push(`${audio.sampleRateHz} Hz`);
  if (audio.channels !== 'stereo') differences.push(audio.channels);
  if (Math.abs(audio.startMs) >= 1) differences.push(`starts at ${audio.startMs} ms`);
  // AAC comes in blocks of 1024 samples, 21.3 ms.
  if (Math.abs(audio.durationMs - durationMs) > 22) differences.push(`lasts ${audio.durationMs} ms`);
  if (probe.complaints.length > 0) differences.push(`the decoder says: ${probe.complaints[0]}`);
  if (differences.length > 0) {
    throw new NodeError('PROBE_MISMATCH', `asked ${durationMs} ms of sound; got ${differences.join(', ')}`);
  }
}
