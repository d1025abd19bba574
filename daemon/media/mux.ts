import { runFfmpeg } from './ffmpeg-process.js';

export interface MuxRequest {
  readonly ffmpegPath: string;
  readonly filmPath: string;
  readonly soundPath: string;
  readonly outputPath: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Joins an encoded film and an encoded sound in one MP4 whose index comes first, so that a browser plays it
 * while it loads. Nothing is encoded again.
 * @throws FFMPEG_FAILED, DISK_FULL
 */
export async function muxFilm(request: MuxRequest): Promise<void> {
  await runFfmpeg({
    ffmpegPath: request.ffmpegPath,
    inputs: [{ source: request.filmPath }, { source: request.soundPath }],
    options: [
      ...['-v', 'level+warning', '-map', '0:v:0', '-map', '1:a:0', '-c', 'copy'],
      ...['-movflags', '+faststart', '-fflags', '+bitexact', '-map_metadata', '-1', '-f', 'mp4'],
    ],
    output: request.outputPath,
    signal: request.signal,
  });
}
