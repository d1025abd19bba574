import sharp from 'sharp';
import { NodeError } from '../../core/errors.js';
import type { RgbImage } from '../../core/media.js';
import type { ImageRequest } from '../../core/messages.js';
import type { MediaSource, Released } from '../../core/released.js';
import { generateExactly } from '../../pipelines/exact-size.js';
import type { ImagePipeline, PipelineObserver } from '../../pipelines/pipeline.js';
import { approveOutput, approvePrompt, mark, release } from '../../safety/gate.js';
import { payloadFor, toHex } from '../../safety/watermark/payload.js';
import { detectPicture, embedPicture } from '../../safety/watermark/picture.js';
import type { ExecutorTools } from './tools.js';

/**
 * High enough that the watermark costs nothing visible and 1024x1024 stays near 115 kB. More effort takes 15% off the
 * file and doubles the time; sharper chroma costs five times as much for 0.3 dB.
 */
const WEBP = { quality: 88, effort: 1 } as const;

/**
 * The story of a picture: prompt check, generate, output check, watermark, encode, sign the manifest, read the
 * watermark back from the signed bytes, release.
 * @throws Blocked, Cancelled, and any NodeError of its steps
 */
export async function produceImage(
  tools: ExecutorTools,
  pipeline: ImagePipeline,
  jobId: string,
  request: ImageRequest,
  observer: PipelineObserver,
): Promise<Released> {
  await observer.progress('prompt-check', 0, 1);
  const prompt = await approvePrompt((input) => tools.prompts.check(input), request.prompt, request.negative);

  const picture = await generateExactly(pipeline, request, observer);

  await observer.progress('output-check', 0, 1);
  const approved = await approveOutput(prompt, picture, (image) => tools.outputs.checkPicture(image));

  await observer.progress('watermark', 0, 1);
  const payload = payloadFor(tools.nodeId, jobId);
  const marked = mark(approved, toHex(payload), (image) => embedPicture(image, payload, tools.watermarkKey));

  await observer.progress('encode', 0, 1);
  const facts = { contentType: 'image/webp', width: request.width, height: request.height };
  const encoded = await encodeWebp(marked.value.media);
  const source = await tools.credentials.sign({ type: 'memory', data: encoded }, facts.contentType, {
    pack: pipeline.pack.id,
    watermark: marked.value.watermark,
  });

  await observer.progress('read-back', 0, 1);
  return await release(marked, source, facts, (bytes) => readPictureMark(bytes, tools.watermarkKey));
}

/** @throws ENCODE_FAILED */
export async function encodeWebp(image: RgbImage): Promise<Uint8Array> {
  try {
    return await sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } })
      .webp(WEBP)
      .toBuffer();
  } catch (error) {
    throw new NodeError('ENCODE_FAILED', 'the picture could not be encoded as WebP', { cause: error });
  }
}

/** The payload found in an encoded picture that this node has just made. */
export async function readPictureMark(source: MediaSource, key: Uint8Array): Promise<string | undefined> {
  const input =
    source.type === 'memory'
      ? Buffer.from(source.data.buffer, source.data.byteOffset, source.data.length)
      : source.path;
  const { data, info } = await sharp(input).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const found = detectPicture({ width: info.width, height: info.height, data }, key, { search: 'as-made' });
  return found.found ? found.payload : undefined;
}
