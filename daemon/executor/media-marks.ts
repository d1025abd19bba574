import type { PcmAudio, RgbImage } from '../../core/media.js';

/** Puts the job's payload into a picture and finds it in the decoded file. */
export interface PictureMarks {
  /** `emphasis` above 1 is for a picture that lost the mark at its due strength. */
  embed(image: RgbImage, emphasis: number): RgbImage;
  /** The payload, lower-case hex; undefined when it is not there. */
  find(image: RgbImage): string | undefined;
}

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
  readonly picture: PictureMarks;
  readonly film: FilmMarks;
  readonly sound: SoundMarks;
}
