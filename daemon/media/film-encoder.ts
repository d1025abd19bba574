import { Readable } from 'node:stream';
import { NodeError } from '../../core/errors.js';
import type { RgbImage } from '../../core/media.js';
import { runFfmpeg } from './ffmpeg-process.js';

/** Which H.264 encoder writes a film. */
export type FilmCodec = 'x264' | 'nvenc';

export interface FilmSettings {
  readonly ffmpegPath: string;
  /** Even, as 4:2:0 chroma needs. */
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly codec?: FilmCodec | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The size a film of the asked size has: H.264 with 4:2:0 chroma needs even sides, so odd ones lose a pixel. */
export function filmSize(width: number, height: number): { width: number; height: number } {
  return { width: width & ~1, height: height & ~1 };
}

/**
 * Tagging alone would leave swscale's default BT.601 matrix in the samples, up to 40 of 255 off; the
 * rounding flags bring saturated bars back within 3.
 */
const TO_BT709 =
  'scale=in_range=pc:out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int,format=yuv420p';
const TAGS = '-color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv'.split(' ');

const CODEC_OPTIONS: Record<FilmCodec, readonly string[]> = {
  x264: ['-c:v', 'libx264', '-profile:v', 'high', '-preset', 'fast', '-crf', '18'],
  nvenc: [
    '-c:v',
    'h264_nvenc',
    '-profile:v',
    'high',
    '-preset',
    'p5',
    '-rc',
    'vbr',
    '-cq',
    '19',
    '-b:v',
    '0',
  ],
};

/** ffmpeg's options for a silent H.264 track from raw RGB frames. */
export function filmOptions(settings: Pick<FilmSettings, 'framesPerSecond' | 'codec'>): string[] {
  // A key frame each second at least keeps seeking quick and lets a watermark be read from single key frames.
  const keyFrameEvery = Math.max(1, Math.floor(settings.framesPerSecond));
  return [
    ...['-v', 'level+warning', '-an', '-vf', TO_BT709, ...CODEC_OPTIONS[settings.codec ?? 'x264']],
    ...['-g', String(keyFrameEvery), ...TAGS, '-fflags', '+bitexact', '-map_metadata', '-1', '-f', 'mp4'],
  ];
}

/** ffmpeg's options for raw RGB frames on its standard input. */
export function rawFrameOptions(
  settings: Pick<FilmSettings, 'width' | 'height' | 'framesPerSecond'>,
): string[] {
  return [
    ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-video_size', `${settings.width}x${settings.height}`],
    ...['-framerate', String(settings.framesPerSecond)],
  ];
}

/**
 * Writes frames as a silent H.264 track, each as soon as it comes: a source faster than the encoder is held
 * back, so that at most two frames are in memory. Resolves to the number of frames.
 * @throws ENCODE_FAILED for a frame of another size, FFMPEG_FAILED, DISK_FULL, or what the source threw
 */
export async function encodeFilm(
  frames: AsyncIterable<RgbImage>,
  path: string,
  settings: FilmSettings,
): Promise<number> {
  const { width, height } = settings;
  if (width % 2 !== 0 || height % 2 !== 0) {
    throw new NodeError('ENCODE_FAILED', `a film cannot have the odd size ${width}x${height}`);
  }
  let count = 0;
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for await (const frame of frames) {
      if (frame.width !== width || frame.height !== height || frame.data.length !== width * height * 3) {
        throw new NodeError(
          'ENCODE_FAILED',
          `frame ${count} is ${frame.width}x${frame.height}, not ${width}x${height}`,
        );
      }
      count += 1;
      yield frame.data;
    }
  }
  await runFfmpeg({
    ffmpegPath: settings.ffmpegPath,
    inputs: [
      {
        source: Readable.from(bytes(), { objectMode: false, highWaterMark: 1 }),
        options: rawFrameOptions(settings),
      },
    ],
    options: filmOptions(settings),
    output: path,
    signal: settings.signal,
  });
  if (count === 0) throw new NodeError('ENCODE_FAILED', 'a film needs at least one frame');
  return count;
}

/** The codec to use when `asked` is wanted: NVENC only where it encodes a test frame. */
export async function usableCodec(asked: FilmCodec, ffmpegPath: string): Promise<FilmCodec> {
  if (asked === 'x264') return 'x264';
  try {
    await runFfmpeg({
      ffmpegPath,
      inputs: [{ source: 'color=black:size=256x256:rate=24:duration=0.1', options: ['-f', 'lavfi'] }],
      options: ['-v', 'error', '-pix_fmt', 'yuv420p', ...CODEC_OPTIONS.nvenc, '-f', 'null'],
      output: '-',
    });
    return 'nvenc';
  } catch {
    return 'x264';
  }
}
