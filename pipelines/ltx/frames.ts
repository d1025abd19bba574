import { NodeError } from '../../core/errors.js';
import type { RgbImage } from '../../core/media.js';
import type { Clip } from './tiles.js';

/**
 * One frame of a decoded clip as bytes.
 * @throws OUTPUT_NOT_FINITE
 */
export function frameOf(clip: Clip, frame: number): RgbImage {
  const { frames, height, width } = clip;
  const area = height * width;
  const data = new Uint8Array(area * 3);
  let sum = 0;
  for (let channel = 0; channel < 3; channel++) {
    const start = (channel * frames + frame) * area;
    for (let pixel = 0; pixel < area; pixel++) {
      const value = clip.data[start + pixel];
      sum += value;
      const level = (value * 0.5 + 0.5) * 255;
      data[pixel * 3 + channel] = level <= 0 ? 0 : level >= 255 ? 255 : Math.round(level);
    }
  }
  // NaN and infinity survive a sum, which is cheaper than asking every sample.
  if (!Number.isFinite(sum))
    throw new NodeError('OUTPUT_NOT_FINITE', `frame ${frame} of the film is not finite`);
  return { width, height, data };
}

/** `part` of the way from one frame to another. */
export function blendFrames(from: RgbImage, to: RgbImage, part: number): RgbImage {
  const weight = Math.round(part * 256);
  const data = new Uint8Array(to.data.length);
  for (let index = 0; index < data.length; index++) {
    data[index] = (from.data[index] * (256 - weight) + to.data[index] * weight + 128) >> 8;
  }
  return { width: to.width, height: to.height, data };
}

/** The middle of a frame, for a film whose size the model cannot make exactly. */
export function cropFrame(frame: RgbImage, width: number, height: number): RgbImage {
  if (frame.width === width && frame.height === height) return frame;
  const left = (frame.width - width) >> 1;
  const top = (frame.height - height) >> 1;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * frame.width + left) * 3;
    data.set(frame.data.subarray(start, start + width * 3), y * width * 3);
  }
  return { width, height, data };
}
