import sharp from 'sharp';
import { NodeError } from '../../core/errors.js';
import type { RgbImage } from '../../core/media.js';

export interface ReadPictureOptions {
  /** Turns the picture as its EXIF orientation says, the way that people see it; else the pixels stay as stored. */
  readonly upright?: boolean;
}

/**
 * Decodes a picture, a file or its bytes, to RGB; transparency is left out, and the first of several pages counts.
 * @throws FILE_UNREADABLE when it is missing, damaged or no picture
 */
export async function readPicture(
  source: string | Uint8Array,
  { upright = false }: ReadPictureOptions = {},
): Promise<RgbImage> {
  try {
    const picture = sharp(source);
    if (upright) picture.rotate();
    const { data, info } = await picture
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data };
  } catch (cause) {
    const what = typeof source === 'string' ? source : 'the file';
    throw new NodeError('FILE_UNREADABLE', `${what} cannot be read as a picture`, { cause });
  }
}
