import sharp from 'sharp';
import type { RgbImage } from '../core/media.js';
import { nearestNative } from './native-size.js';
import type { DecodedPicture, ImagePipeline, PictureRequest, PipelineObserver } from './pipeline.js';

/** An up-scaler's run is spared when plain resampling has to add no more than this. */
const SMALL_ENLARGEMENT = 1.2;

/** Planes `[3, H, W]` in 0..1 to bytes `[H, W, 3]`, rounded half to even as the reference does. */
export function toRgb({ width, height, data }: DecodedPicture): RgbImage {
  const pixels = width * height;
  const out = new Uint8ClampedArray(pixels * 3);
  const green = pixels;
  const blue = 2 * pixels;
  for (let i = 0, o = 0; i < pixels; i++, o += 3) {
    out[o] = data[i] * 255;
    out[o + 1] = data[green + i] * 255;
    out[o + 2] = data[blue + i] * 255;
  }
  return { width, height, data: new Uint8Array(out.buffer) };
}

/** A picture of exactly the asked size: scaled to cover it, then cropped around the middle. */
export async function resizeExactly(image: RgbImage, width: number, height: number): Promise<RgbImage> {
  if (image.width === width && image.height === height) return image;
  const { data } = await sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } })
    .resize(width, height, { fit: 'cover', kernel: 'lanczos3' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width, height, data: new Uint8Array(data.buffer, data.byteOffset, data.length) };
}

/**
 * Makes a picture of any size with a model that knows only some: at the native size of the nearest shape,
 * then through the pack's up-scaler where that comes nearer to what was asked or mends it, then scaled and cropped.
 */
export async function generateExactly(
  pipeline: ImagePipeline,
  request: PictureRequest,
  observer: PipelineObserver,
): Promise<RgbImage> {
  const [width, height] = nearestNative(pipeline.nativeSizes, request.width, request.height);
  let picture = await pipeline.generate({ ...request, width, height }, observer);
  const enlargement = Math.max(request.width / width, request.height / height);
  const { upscaler } = pipeline;
  if (upscaler !== undefined && (upscaler.restores || enlargement > SMALL_ENLARGEMENT)) {
    await observer.progress('upscale', 0, 1);
    picture = await upscaler.run(picture);
  }
  return await resizeExactly(toRgb(picture), request.width, request.height);
}
