import sharp, { type Sharp } from 'sharp';
import type { RgbImage } from '../../core/media.js';
import { readPicture } from '../../daemon/media/read-picture.js';

/** What may happen to a marked picture, and how often the whole payload has to be read back after it, in percent. */
export interface Attack {
  readonly name: string;
  readonly aim: number;
  apply(image: RgbImage): Promise<RgbImage>;
}

function opened({ width, height, data }: RgbImage): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** Pixels after a step, as a file would hold them. */
const step = (change: (image: Sharp, size: RgbImage) => Sharp) => async (image: RgbImage) =>
  readPicture(await change(opened(image), image).toBuffer());

const png = (change: (image: Sharp, size: RgbImage) => Sharp) =>
  step((image, size) => change(image, size).png({ compressionLevel: 1 }));
const jpeg = (quality: number) => step((image) => image.jpeg({ quality }));
const webp = (quality: number) => step((image) => image.webp({ quality, effort: 2 }));
const scale = (factor: number, wide = factor) =>
  png((image, { width, height }) =>
    image.resize(Math.round(width * wide), Math.round(height * factor), { fit: 'fill' }),
  );

/** Takes a share of the area off, more from the left and the top than from the other sides. */
const crop = (share: number) =>
  png((image, { width, height }) => {
    const side = Math.sqrt(1 - share);
    const w = Math.round(width * side);
    const h = Math.round(height * side);
    return image.extract({
      left: Math.floor((width - w) * 0.6),
      top: Math.floor((height - h) * 0.7),
      width: w,
      height: h,
    });
  });

/** Normal noise of a standard deviation in levels, the same in every run. */
async function noise({ width, height, data }: RgbImage, deviation: number): Promise<RgbImage> {
  let state = 12345;
  const uniform = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const out = Uint8ClampedArray.from(
    data,
    (value) =>
      value + deviation * Math.sqrt(-2 * Math.log(uniform() + 1e-12)) * Math.cos(2 * Math.PI * uniform()),
  );
  return { width, height, data: new Uint8Array(out.buffer) };
}

const chain =
  (...steps: ((image: RgbImage) => Promise<RgbImage>)[]) =>
  async (image: RgbImage): Promise<RgbImage> => {
    let now = image;
    for (const each of steps) now = await each(now);
    return now;
  };

export const ATTACKS: readonly Attack[] = [
  { name: 'PNG', aim: 99, apply: png((image) => image) },
  { name: 'WebP 80', aim: 99, apply: webp(80) },
  { name: 'JPEG 90', aim: 99, apply: jpeg(90) },
  { name: 'JPEG 75', aim: 99, apply: jpeg(75) },
  { name: 'JPEG 50', aim: 99, apply: jpeg(50) },
  { name: 'scaled to 25%', aim: 99, apply: scale(0.25) },
  { name: 'scaled to 50%', aim: 99, apply: scale(0.5) },
  { name: 'scaled to 75%', aim: 99, apply: scale(0.75) },
  { name: 'scaled to 150%', aim: 99, apply: scale(1.5) },
  { name: 'crop 10%', aim: 99, apply: crop(0.1) },
  { name: 'crop 25%', aim: 99, apply: crop(0.25) },
  { name: 'crop 50%', aim: 99, apply: crop(0.5) },
  { name: 'brighter 20%', aim: 99, apply: png((image) => image.linear(1.2, 0)) },
  { name: 'contrast 70%', aim: 99, apply: png((image) => image.linear(0.7, 38)) },
  { name: 'gamma 1.4', aim: 99, apply: png((image) => image.gamma(1, 1.4)) },
  { name: 'blur 1', aim: 99, apply: png((image) => image.blur(1)) },
  { name: 'noise 8', aim: 99, apply: (image) => noise(image, 8) },
  { name: 'greyscale', aim: 99, apply: png((image) => image.greyscale()) },
  { name: 'mirror', aim: 99, apply: png((image) => image.flop()) },
  { name: 'WebP 50', aim: 97, apply: webp(50) },
  { name: 'JPEG 30', aim: 97, apply: jpeg(30) },
  { name: 'turned by 1 degree', aim: 97, apply: png((image) => image.rotate(1)) },
  { name: 'turned by 5 degrees', aim: 97, apply: png((image) => image.rotate(5)) },
  { name: 'stretched by 20%', aim: 97, apply: scale(1, 1.2) },
  { name: 'social site: 75%, JPEG 70', aim: 90, apply: chain(scale(0.75), jpeg(70)) },
  {
    name: 'screenshot: 62%, brighter, JPEG 80',
    aim: 90,
    apply: chain(
      scale(0.62),
      png((image) => image.linear(1.08, 4)),
      jpeg(80),
    ),
  },
  { name: 'crop 25%, 60%, JPEG 60', aim: 90, apply: chain(crop(0.25), scale(0.6), jpeg(60)) },
];
