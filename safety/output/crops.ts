import type { RgbImage } from '../../core/media.js';

/** A square or rectangle of a picture, in pixels. */
export interface Crop {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export function wholeOf({ width, height }: RgbImage): Crop {
  return { left: 0, top: 0, width, height };
}

/** Samples along one side of a target pixel: enough to average out texture, few enough to be quick. */
const TAPS = 3;

/**
 * Scales a crop to `side` x `side` and writes it as `[side, side, 3] float32` in 0..1 at `offset`. Each target
 * pixel is the mean of 3x3 samples spread over its area, which for a classifier is as good as the exact mean.
 */
export function writeScaled(
  image: RgbImage,
  crop: Crop,
  side: number,
  target: Float32Array,
  offset: number,
): void {
  const xs = new Int32Array(side * TAPS);
  for (let i = 0; i < xs.length; i++)
    xs[i] = 3 * (crop.left + Math.min(crop.width - 1, Math.floor(((i + 0.5) * crop.width) / xs.length)));
  const scale = 1 / (255 * TAPS * TAPS);
  for (let y = 0, at = offset; y < side; y++) {
    for (let x = 0; x < side; x++, at += 3) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let v = 0; v < TAPS; v++) {
        const row =
          crop.top +
          Math.min(crop.height - 1, Math.floor(((y * TAPS + v + 0.5) * crop.height) / (side * TAPS)));
        const base = row * image.width * 3;
        for (let u = 0; u < TAPS; u++) {
          const pixel = base + xs[x * TAPS + u];
          red += image.data[pixel];
          green += image.data[pixel + 1];
          blue += image.data[pixel + 2];
        }
      }
      target[at] = red * scale;
      target[at + 1] = green * scale;
      target[at + 2] = blue * scale;
    }
  }
}
