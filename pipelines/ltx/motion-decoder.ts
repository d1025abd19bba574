import { z } from 'zod';
import { NodeError } from '../../core/errors.js';
import type { RgbImage } from '../../core/media.js';
import type { GraphSession } from '../../models/session.js';
import { floats } from '../../models/tensor/tensor.js';
import { outputOf } from '../film/batch.js';
import { frameOf } from './frames.js';
import { denormalise, type LatentShape } from './latents.js';
import type { VideoDecoder } from './video-decoder.js';

export const motionDecoderConfig = z
  .object({
    latent_channels: z.number().int(),
    spatial_compression_ratio: z.number().int(),
    temporal_compression_ratio: z.number().int(),
    latents_mean: z.array(z.number()),
    latents_std: z.array(z.number()),
    /** Grids of cells, [rows, columns]; the one nearest to the film's shape is used. */
    grids: z.array(z.tuple([z.number().int(), z.number().int()])).nonempty(),
  })
  .loose();
export type MotionDecoderConfig = z.infer<typeof motionDecoderConfig>;

/** Frames in memory at a time are at most this many pixels. */
const PIXELS_AT_ONCE = 2_000_000;
const SEEN_CHANNELS = 4;

/** Mean colour (-1..1) and contrast of each cell of a picture, `[4, rows, columns]`. */
function pictureSummary(picture: RgbImage, rows: number, columns: number): Float32Array {
  const out = new Float32Array(SEEN_CHANNELS * rows * columns);
  const edge = (index: number, count: number, size: number): number => Math.floor((index * size) / count);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const sums = [0, 0, 0];
      let squares = 0;
      let count = 0;
      for (let y = edge(row, rows, picture.height); y < edge(row + 1, rows, picture.height); y++) {
        for (
          let x = edge(column, columns, picture.width);
          x < edge(column + 1, columns, picture.width);
          x++
        ) {
          const at = (y * picture.width + x) * 3;
          for (let channel = 0; channel < 3; channel++) sums[channel] += picture.data[at + channel];
          squares += (picture.data[at] + picture.data[at + 1] + picture.data[at + 2]) ** 2;
          count += 1;
        }
      }
      const cell = row * columns + column;
      sums.forEach((sum, channel) => {
        out[channel * rows * columns + cell] = (2 * sum) / (count * 255) - 1;
      });
      const grey = (sums[0] + sums[1] + sums[2]) / (3 * count);
      const variance = Math.max(0, squares / (9 * count) - grey ** 2);
      out[3 * rows * columns + cell] = (4 * Math.sqrt(variance)) / 255;
    }
  }
  return out;
}

function planes(picture: RgbImage): Float32Array {
  const area = picture.width * picture.height;
  const out = new Float32Array(3 * area);
  for (let pixel = 0; pixel < area; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      out[channel * area + pixel] = picture.data[pixel * 3 + channel] / 127.5 - 1;
    }
  }
  return out;
}

/** Sets one picture in motion: latents say how it moves, the graph warps and lights it frame by frame. */
export class MotionDecoder implements VideoDecoder {
  readonly needsKeyframe = true;
  readonly framesPerLatent: number;
  readonly pixelsPerCell: number;
  readonly channels: number;

  constructor(
    private readonly graph: GraphSession,
    private readonly config: MotionDecoderConfig,
  ) {
    this.framesPerLatent = config.temporal_compression_ratio;
    this.pixelsPerCell = config.spatial_compression_ratio;
    this.channels = config.latent_channels;
  }

  cellsOf(width: number, height: number): { rows: number; columns: number } {
    const unlike = ([rows, columns]: readonly [number, number]): number =>
      Math.abs(Math.log(width / height) - Math.log(columns / rows));
    const [rows, columns] = [...this.config.grids].sort((a, b) => unlike(a) - unlike(b))[0];
    return { rows, columns };
  }

  condition(keyframe: RgbImage | undefined, shape: LatentShape): { data: Float32Array; channels: number } {
    return {
      data: pictureSummary(expectKeyframe(keyframe), shape.rows, shape.columns),
      channels: SEEN_CHANNELS,
    };
  }

  async *frames(
    latents: Float32Array,
    shape: LatentShape,
    keyframe: RgbImage | undefined,
  ): AsyncGenerator<RgbImage> {
    const { width, height, ...picture } = expectKeyframe(keyframe);
    const still = floats(planes({ width, height, ...picture }), 1, 3, height, width);
    const scaled = denormalise(latents, shape, {
      mean: this.config.latents_mean,
      deviation: this.config.latents_std,
      scaling: 1,
    });
    const motion = floats(scaled, 1, shape.channels, shape.frames, shape.rows, shape.columns);
    const total = (shape.frames - 1) * this.framesPerLatent + 1;
    const atOnce = Math.max(1, Math.floor(PIXELS_AT_ONCE / (width * height)));
    for (let from = 0; from < total; from += atOnce) {
      const count = Math.min(atOnce, total - from);
      const index = Float32Array.from({ length: count }, (_, offset) => from + offset);
      const results = await this.graph.run({
        latent_sample: motion,
        keyframe: still,
        frame_index: floats(index, count),
      });
      const clip = { frames: count, height, width, data: outputOf(results, 'sample').data };
      for (let frame = 0; frame < count; frame++) yield frameOf(clip, frame);
    }
  }

  async release(): Promise<void> {
    await this.graph.release();
  }
}

function expectKeyframe(keyframe: RgbImage | undefined): RgbImage {
  if (keyframe === undefined)
    throw new NodeError('INTERNAL', 'this film pack needs a picture to set in motion');
  return keyframe;
}
