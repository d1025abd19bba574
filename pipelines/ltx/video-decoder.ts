import type { RgbImage } from '../../core/media.js';
import type { LatentShape } from './latents.js';

/** What turns a film's latents into frames; there is one for LTX's autoencoder and one for pictures in motion. */
export interface VideoDecoder {
  readonly framesPerLatent: number;
  /** Step of a latent cell in pixels, for the rotary positions. */
  readonly pixelsPerCell: number;
  readonly channels: number;
  readonly needsKeyframe: boolean;
  /** Rows and columns of cells for a film of this size. */
  cellsOf(width: number, height: number): { rows: number; columns: number };
  /**
   * What the transformer is shown of the keyframe beside the noisy latents: `[1, channels, 1, rows, columns]`
   * values and their channels; nothing for a decoder without keyframes.
   */
  condition(
    keyframe: RgbImage | undefined,
    shape: LatentShape,
  ): { data: Float32Array; channels: number } | undefined;
  /** Frames of normalised latents `[1, C, F, rows, columns]`, one by one. */
  frames(latents: Float32Array, shape: LatentShape, keyframe: RgbImage | undefined): AsyncIterable<RgbImage>;
  release(): Promise<void>;
}
