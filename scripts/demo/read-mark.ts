import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { detectPicture } from '../../safety/watermark/picture.js';

/** The watermark payload of a finished file, as anybody with the key can read it; undefined when there is none. */
export async function readMark(file: string, key: string): Promise<string | undefined> {
  const { data, info } = await sharp(readFileSync(file))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const found = detectPicture(
    { width: info.width, height: info.height, data },
    new TextEncoder().encode(key),
  );
  return found.found ? found.payload : undefined;
}
