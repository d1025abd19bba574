import { createFrameMarker, FilmReader, type FrameMarker } from '../../safety/watermark/film.js';
import { payloadFor, toHex } from '../../safety/watermark/payload.js';
import { detectPicture, embedPicture } from '../../safety/watermark/picture.js';
import { embedSound, findSoundMark } from '../../safety/watermark/sound.js';
import type { MediaMarks } from './media-marks.js';

/**
 * The marks of one job. A film carries a pattern of its own in every frame, which stands still so that the codec
 * pays for it once; its poster is marked as a picture.
 */
export function marksFor(nodeId: string, jobId: string, key: Uint8Array): MediaMarks {
  const payload = payloadFor(nodeId, jobId);
  let marker: FrameMarker | undefined;
  return {
    payload: toHex(payload),
    picture: {
      embed: (image, emphasis) => embedPicture(image, payload, key, emphasis),
      find: (image) => {
        const found = detectPicture(image, key, { search: 'as-made' });
        return found.found ? found.payload : undefined;
      },
    },
    film: {
      embed: (frame) => {
        marker ??= createFrameMarker(frame.width, frame.height, payload, key);
        return marker.mark(frame);
      },
      find: async (frames) => {
        const reader = new FilmReader(key);
        await frames((frame) => reader.add(frame));
        const found = reader.read('as-made');
        return found.found ? found.payload : undefined;
      },
    },
    sound: {
      embed: (sound) => embedSound(sound, payload, key),
      find: async (sound) => findSoundMark(sound, key),
    },
  };
}
