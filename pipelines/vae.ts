import { z } from 'zod';
import { NodeError } from '../core/errors.js';
import type { ModelPack } from '../models/pack/pack.js';
import type { RunMeter } from '../models/run-meter.js';
import { GraphSession, type DeviceOptions } from '../models/session.js';
import { floats } from '../models/tensor/tensor.js';
import type { DecodedPicture, PipelineObserver } from './pipeline.js';
import { decodeTiled } from './vae-tiles.js';

const vaeConfig = z
  .object({
    latent_channels: z.number().int().positive().default(4),
    scaling_factor: z.number().default(0.18215),
    shift_factor: z.number().nullish(),
    latents_mean: z.array(z.number()).nullish(),
    latents_std: z.array(z.number()).nullish(),
    block_out_channels: z.array(z.number()).default([128, 256, 512, 512]),
    /** Deep-compression autoencoders list their blocks apart. */
    encoder_block_out_channels: z.array(z.number()).optional(),
  })
  .loose();

/** When a picture is decoded in tiles, in pixels. The defaults keep a 2048x2048 picture below 4 GB of activations. */
export interface TilingLimits {
  readonly aboveArea: number;
  readonly tile: number;
  readonly overlap: number;
}
const TILING: TilingLimits = { aboveArea: 1536 * 1536, tile: 1024, overlap: 256 };

/** The decoder of a variational autoencoder: latents to pictures. */
export class VaeDecoder {
  private constructor(
    private readonly graph: GraphSession,
    private readonly config: z.infer<typeof vaeConfig>,
  ) {}

  /** @throws PACK_INVALID, GRAPH_LOAD_FAILED, GRAPH_INPUT_UNEXPECTED */
  static async load(pack: ModelPack, device: DeviceOptions, meter: RunMeter): Promise<VaeDecoder> {
    const part = pack.has('vae_decoder/config.json') ? 'vae_decoder' : 'vae';
    const config = await pack.config(part, vaeConfig);
    const graph = await GraphSession.load(pack.file('vae_decoder/model.onnx'), device, meter);
    graph.expect(['latent_sample'], ['sample']);
    return new VaeDecoder(graph, config);
  }

  get channels(): number {
    return this.config.latent_channels;
  }

  /** Pixels per latent along one side: every block but the first halves the picture. */
  get downscale(): number {
    const blocks = this.config.encoder_block_out_channels ?? this.config.block_out_channels;
    return 2 ** (blocks.length - 1);
  }

  /**
   * Latents `[C, h, w]` as the denoiser leaves them to a picture, in tiles when it is large.
   * @throws OUTPUT_NOT_FINITE, PACK_INVALID
   */
  async decode(
    latents: Float32Array,
    h: number,
    w: number,
    observer: PipelineObserver,
    limits: TilingLimits = TILING,
  ): Promise<DecodedPicture> {
    if (!isFinite(latents))
      throw new NodeError('OUTPUT_NOT_FINITE', 'the denoiser produced values that are not numbers');
    const scale = this.downscale;
    const scaled = this.#onOwnScale(latents, h * w);
    let data: Float32Array;
    if (h * w * scale * scale > limits.aboveArea) {
      const tiles = {
        tile: Math.ceil(limits.tile / scale),
        overlap: Math.ceil(limits.overlap / scale),
        scale,
      };
      data = await decodeTiled(scaled, this.channels, h, w, tiles, async (tile, th, tw, index, count) => {
        await observer.progress('decode', index, count);
        return await this.#run(tile, th, tw);
      });
    } else {
      await observer.progress('decode', 0, 1);
      data = await this.#run(scaled, h, w);
    }
    let sum = 0;
    for (let i = 0; i < data.length; i++) {
      const value = data[i] * 0.5 + 0.5;
      sum += value;
      data[i] = value < 0 ? 0 : value > 1 ? 1 : value;
    }
    if (!Number.isFinite(sum))
      throw new NodeError('OUTPUT_NOT_FINITE', 'the decoder produced values that are not numbers');
    return { width: w * scale, height: h * scale, data };
  }

  async #run(latents: Float32Array, h: number, w: number): Promise<Float32Array> {
    const { sample } = await this.graph.run({ latent_sample: floats(latents, 1, this.channels, h, w) });
    const [, , height, width] = sample.dims;
    // An old export without config.json is taken for an autoencoder of Stable Diffusion, and may be another.
    if (height !== h * this.downscale || width !== w * this.downscale) {
      throw new NodeError(
        'PACK_INVALID',
        `${this.graph.path} makes ${width}x${height} pixels of ${w}x${h} latents; its config.json, or the lack of one, tells ${w * this.downscale}x${h * this.downscale}`,
      );
    }
    return sample.data;
  }

  /** Latents are kept near unit variance; the decoder knows them on the scale it was trained with. */
  #onOwnScale(latents: Float32Array, area: number): Float32Array {
    const {
      scaling_factor: scaling,
      shift_factor: shift,
      latents_mean: mean,
      latents_std: std,
    } = this.config;
    const out = new Float32Array(latents.length);
    for (let c = 0; c < this.channels; c++) {
      const add = (mean && std ? mean[c] : shift) ?? 0;
      const deviation = mean && std ? std[c] : 1;
      for (let i = c * area; i < (c + 1) * area; i++) out[i] = (latents[i] * deviation) / scaling + add;
    }
    return out;
  }

  release(): Promise<void> {
    return this.graph.release();
  }
}

/** One sum tells: nothing that is not finite adds up to a finite number. */
function isFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return Number.isFinite(sum);
}
