import { NodeError } from '../../core/errors.js';
import { decodeAudio } from '../../daemon/media/encode-audio.js';
import { frameSize } from '../../daemon/media/probe.js';
import { readFrames } from '../../daemon/media/read-frames.js';
import { readPicture } from '../../daemon/media/read-picture.js';
import type { Detection } from '../../safety/watermark/detection.js';
import { FilmReader } from '../../safety/watermark/film.js';
import { detectPicture } from '../../safety/watermark/picture.js';
import { detectSound } from '../../safety/watermark/sound.js';

/** Most frames that are added up for a reading: two seconds at 24 a second. */
const FRAMES = 48;
/** Most key frames that are added up by themselves. */
const KEY_FRAMES = 8;

/**
 * Looks for the mark of `key` in a picture, a film or a sound, as anybody with the key can. ffmpeg is asked for
 * only when the file is no picture.
 * @throws FILE_UNREADABLE
 */
export async function readMark(file: string, key: Uint8Array, ffmpeg: () => string): Promise<Detection> {
  // What is no picture may be a film or a sound.
  const picture = await readPicture(file).catch(() => undefined);
  if (picture !== undefined) return detectPicture(picture, key);
  const ffmpegPath = ffmpeg();
  const size = await frameSize(file, ffmpegPath).catch((cause: unknown) => {
    throw new NodeError('FILE_UNREADABLE', `${file} is no picture, film or sound`, { cause });
  });
  if (size === undefined) return detectSound(await decodeAudio(file, { ffmpegPath }), key);
  const reader = new FilmReader(key);
  const selection = { ffmpegPath, ...size };
  await readFrames(file, { ...selection, limit: FRAMES }, (frame) => reader.add(frame));
  await readFrames(file, { ...selection, keyFramesOnly: true, limit: KEY_FRAMES }, (frame) =>
    reader.add(frame, true),
  );
  return reader.read();
}
