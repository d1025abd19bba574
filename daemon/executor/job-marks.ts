import type { RgbImage } from '../../core/media.js';
import { payloadFor, toHex } from '../../safety/watermark/payload.js';
import { detectPicture, embedPicture } from '../../safety/watermark/picture.js';
import { embedSound, findSoundMark } from '../../safety/watermark/sound.js';
import type { MediaMarks } from './media-marks.js';

/**
 * The marks of one job. A film carries the picture mark in every frame, so that a single frame of any excerpt
 * tells where it came from.
 */
export function marksFor(nodeId: string, jobId: string, key: Uint8Array): MediaMarks {
  const payload = payloadFor(nodeId, jobId);
  const embed = (frame: RgbImage): RgbImage => embedPicture(frame, payload, key);
  return {
    payload: toHex(payload),
    poster: embed,
    film: {
      embed,
      find: async (frames) => {
        let found: string | undefined;
        await frames((frame) => {
          if (found !== undefined) return;
          const detection = detectPicture(frame, key, { search: 'as-made' });
          if (detection.found) found = detection.payload;
        });
        return found;
      },
    },
    sound: {
      embed: (sound) => embedSound(sound, payload, key),
      find: async (sound) => findSoundMark(sound, key),
    },
  };
}
