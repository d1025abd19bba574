import type { PcmAudio, RgbImage } from '../../core/media.js';

/** Puts the job's payload into the frames of a film and finds it in the finished file. */
export interface FilmMarks {
  embed(frame: RgbImage): RgbImage;
  /** The payload in frames decoded from the file, lower-case hex; undefined when it is not there. */
  find(frames: (visit: (frame: RgbImage) => void) => Promise<unknown>): Promise<string | undefined>;
}

/** The same for sound, at 48 kHz. */
export interface SoundMarks {
  embed(sound: PcmAudio): PcmAudio;
  find(sound: PcmAudio): Promise<string | undefined>;
}

/** Makes the marks of one job. */
export interface MediaMarks {
  readonly payload: string;
  readonly film: FilmMarks;
  readonly sound: SoundMarks;
  /** Marks a film's poster as pictures are marked. */
  poster(frame: RgbImage): RgbImage;
}
