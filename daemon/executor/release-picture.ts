import sharp from 'sharp';
import { NodeError } from '../../core/errors.js';
import type { RgbImage } from '../../core/media.js';
import type { Stage } from '../../core/messages.js';
import type { MediaSource, Released } from '../../core/released.js';
import { mark, release, type ApprovedOutput } from '../../safety/gate.js';
import { readPicture } from '../media/read-picture.js';
import type { MediaMarks } from './media-marks.js';
import type { ExecutorTools } from './tools.js';

/**
 * High enough that the watermark costs nothing visible and 1024x1024 stays near 115 kB. More effort takes 15% off the
 * file and doubles the time; sharper chroma costs five times as much for 0.3 dB.
 */
const WEBP = { quality: 88, effort: 1 } as const;
/**
 * How strong the mark is made, one after the other, until it can be read back. Nearly every picture holds the first;
 * small ones that are all black or white, and dense text, hold the fourth, still above 42 dB.
 */
const EMPHASES = [1, 1.6, 2.6, 4, 6];

/**
 * The end of every picture's story: watermark, encode, sign the manifest, read the watermark back from the signed
 * bytes, release.
 * @throws ENCODE_FAILED, CREDENTIALS_FAILED, WATERMARK_UNREADABLE
 */
export async function releasePicture(
  tools: Pick<ExecutorTools, 'credentials'>,
  approved: ApprovedOutput<RgbImage>,
  marks: MediaMarks,
  pack: string,
  onStage: (stage: Stage) => Promise<void> = async () => undefined,
): Promise<Released> {
  let lost: unknown;
  for (const emphasis of EMPHASES) {
    await onStage('watermark');
    const marked = mark(approved, marks.payload, (image) => marks.picture.embed(image, emphasis));
    const { width, height } = marked.value.media;

    await onStage('encode');
    const facts = { contentType: 'image/webp', width, height };
    const encoded = await encodeWebp(marked.value.media);
    const credits = { pack, watermark: marks.payload };
    const source = await tools.credentials.sign(
      { type: 'memory', data: encoded },
      facts.contentType,
      credits,
    );

    await onStage('read-back');
    try {
      return await release(marked, source, facts, async (bytes) =>
        marks.picture.find(await decodePicture(bytes)),
      );
    } catch (error) {
      if (!(error instanceof NodeError && error.code === 'WATERMARK_UNREADABLE')) throw error;
      lost = error;
    }
  }
  throw lost;
}

async function encodeWebp({ width, height, data }: RgbImage): Promise<Uint8Array> {
  try {
    return await sharp(data, { raw: { width, height, channels: 3 } })
      .webp(WEBP)
      .toBuffer();
  } catch (error) {
    throw new NodeError('ENCODE_FAILED', 'the picture could not be encoded as WebP', { cause: error });
  }
}

async function decodePicture(source: MediaSource): Promise<RgbImage> {
  try {
    return await readPicture(source.type === 'memory' ? source.data : source.path);
  } catch (error) {
    throw new NodeError('ENCODE_FAILED', 'the encoded picture cannot be decoded again', { cause: error });
  }
}
