import { z } from 'zod';
import type { GraphSession } from '../../models/session.js';
import { floats } from '../../models/tensor/tensor.js';
import { outputOf } from '../film/batch.js';
import { denormalise, sliceCells, sliceFrames, type LatentShape } from './latents.js';
import { decodeTiled, type Clip } from './tiles.js';
import type { VideoDecoder } from './video-decoder.js';
import { decodeWindows } from './windows.js';

export const autoencoderConfig = z
  .object({
    latent_channels: z.number().int(),
    patch_size: z.number().int().default(4),
    patch_size_t: z.number().int().default(1),
    spatio_temporal_scaling: z.array(z.boolean()).default([true, true, true, false]),
    spatial_compression_ratio: z.number().int().nullish(),
    temporal_compression_ratio: z.number().int().nullish(),
    scaling_factor: z.number().default(1),
    latents_mean: z.array(z.number()).default([]),
    latents_std: z.array(z.number()).default([]),
    timestep_conditioning: z.boolean().default(false),
  })
  .loose();
export type AutoencoderConfig = z.infer<typeof autoencoderConfig>;

/** How much is decoded at a time. */
export interface DecodeLimits {
  /** Side of a spatial tile and distance of tiles, in pixels. */
  readonly tilePixels: number;
  readonly tileStridePixels: number;
  /** Latent frames of a window and how many two windows share. */
  readonly windowLatents: number;
  readonly windowOverlap: number;
}

export const DEFAULT_LIMITS: DecodeLimits = {
  tilePixels: 512,
  tileStridePixels: 448,
  windowLatents: 6,
  windowOverlap: 2,
};

/** The causal video autoencoder of LTX, decoded in windows of time and tiles of space. */
export class TiledDecoder implements VideoDecoder {
  readonly needsKeyframe = false;
  readonly framesPerLatent: number;
  readonly pixelsPerCell: number;
  readonly channels: number;

  constructor(
    private readonly graph: GraphSession,
    private readonly config: AutoencoderConfig,
    private readonly limits: DecodeLimits = DEFAULT_LIMITS,
  ) {
    const scale = 2 ** config.spatio_temporal_scaling.filter(Boolean).length;
    this.pixelsPerCell = config.spatial_compression_ratio ?? config.patch_size * scale;
    this.framesPerLatent = config.temporal_compression_ratio ?? config.patch_size_t * scale;
    this.channels = config.latent_channels;
  }

  cellsOf(width: number, height: number): { rows: number; columns: number } {
    // The transformer's own grid is 32 pixels whatever the autoencoder's ratio is.
    const unit = Math.max(32, this.pixelsPerCell);
    const cells = (pixels: number): number => (Math.ceil(pixels / unit) * unit) / this.pixelsPerCell;
    return { rows: cells(height), columns: cells(width) };
  }

  condition(): undefined {
    return undefined;
  }

  /** One stretch of normalised latents `[1, C, F, rows, columns]` as a clip, in spatial tiles. */
  async decode(latents: Float32Array, shape: LatentShape): Promise<Clip> {
    const scaled = denormalise(latents, shape, {
      mean: this.config.latents_mean,
      deviation: this.config.latents_std,
      scaling: this.config.scaling_factor,
    });
    const cells = Math.max(1, Math.floor(this.limits.tilePixels / this.pixelsPerCell));
    const strideCells = Math.max(1, Math.floor(this.limits.tileStridePixels / this.pixelsPerCell));
    return decodeTiled(
      shape.rows,
      shape.columns,
      this.pixelsPerCell,
      { cells, strideCells },
      async (part) => {
        const results = await this.graph.run({
          latent_sample: floats(
            sliceCells(scaled, shape, part),
            ...[1, shape.channels, shape.frames, part.rows, part.columns],
          ),
          timestep: floats(new Float32Array(1), 1),
        });
        const { data, dims } = outputOf(results, 'sample');
        const [, , frames, height, width] = dims;
        return { frames, height, width, data };
      },
    );
  }

  frames(latents: Float32Array, shape: LatentShape): ReturnType<VideoDecoder['frames']> {
    const size = { latents: this.limits.windowLatents, overlap: this.limits.windowOverlap };
    return decodeWindows(shape.frames, this.framesPerLatent, size, (from, to) =>
      this.decode(sliceFrames(latents, shape, from, to), { ...shape, frames: to - from }),
    );
  }

  async release(): Promise<void> {
    await this.graph.release();
  }
}
