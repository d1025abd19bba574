import type { Readable } from 'node:stream';
import type { RgbImage } from '../../core/media.js';
import { runFfmpeg } from './ffmpeg-process.js';

export interface FrameSelection {
  readonly ffmpegPath: string;
  readonly width: number;
  readonly height: number;
  /** Every n-th frame, the first included; 1 when absent. */
  readonly every?: number;
  /** Key frames alone, whose every pixel is coded anew; much quicker than all frames. */
  readonly keyFramesOnly?: boolean;
  /** How many frames are visited at most; ffmpeg decodes no further. */
  readonly limit?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Decodes frames of a film one after the other and hands each to `visit`; ffmpeg waits while `visit` works,
 * so that one frame is in memory at a time. Resolves to the number of frames visited.
 * @throws FFMPEG_FAILED, or what `visit` threw
 */
export async function readFrames(
  path: string,
  selection: FrameSelection,
  visit: (frame: RgbImage, index: number) => Promise<void> | void,
): Promise<number> {
  const { width, height, every = 1, keyFramesOnly = false, limit } = selection;
  const size = width * height * 3;
  let index = 0;
  const consume = async (stdout: Readable): Promise<void> => {
    let frame = new Uint8Array(size);
    let filled = 0;
    for await (const chunk of stdout) {
      const bytes = chunk as Buffer;
      for (let at = 0; at < bytes.length;) {
        const part = bytes.subarray(at, at + size - filled);
        frame.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled < size) continue;
        await visit({ width, height, data: frame }, index * every);
        index += 1;
        frame = new Uint8Array(size);
        filled = 0;
      }
    }
  };
  const pick = every === 1 ? '' : `select=not(mod(n\\,${every})),`;
  await runFfmpeg({
    ffmpegPath: selection.ffmpegPath,
    inputs: [{ source: path, options: keyFramesOnly ? ['-skip_frame', 'nokey'] : [] }],
    options: [
      ...['-v', 'level+warning', '-an', '-fps_mode', 'passthrough'],
      ...['-vf', `${pick}scale=in_color_matrix=bt709:in_range=tv:flags=bicubic+accurate_rnd+full_chroma_int`],
      ...(limit === undefined ? [] : ['-frames:v', String(limit)]),
      ...['-f', 'rawvideo', '-pix_fmt', 'rgb24'],
    ],
    output: { consume },
    signal: selection.signal,
  });
  return index;
}
