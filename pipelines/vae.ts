import { z } from 'zod';
import { NodeError } from '../core/errors.js';
import type { ModelPack } from '../models/pack/pack.js';
import type { RunMeter } from '../models/run-meter.js';
import { GraphSession, type DeviceOptions } from '../models/session.js';
import { floats } from '../models/tensor/tensor.js';
import type { DecodedPicture } from './pipeline.js';

const vaeConfig = z
  .object({
    latent_channels: z.number().int().positive().default(4),
    scaling_factor: z.number().default(0.18215),
    shift_factor: z.number().nullish(),
    block_out_channels: z.array(z.number()).default([128, 256, 512, 512]),
  })
  .loose();

/** The decoder of a variational autoencoder: latents to pictures. */
export class VaeDecoder {
  private constructor(
    private readonly graph: GraphSession,
    private readonly config: z.infer<typeof vaeConfig>,
  ) {}

  /** @throws PACK_INVALID, GRAPH_LOAD_FAILED, GRAPH_INPUT_UNEXPECTED */
  static async load(pack: ModelPack, device: DeviceOptions, meter: RunMeter): Promise<VaeDecoder> {
    const config = await pack.json('vae_decoder/config.json', vaeConfig);
    const graph = await GraphSession.load(pack.file('vae_decoder/model.onnx'), device, meter);
    graph.expect(['latent_sample'], ['sample']);
    return new VaeDecoder(graph, config);
  }

  get channels(): number {
    return this.config.latent_channels;
  }

  /** Pixels per latent along one side: every block but the first halves the picture. */
  get downscale(): number {
    return 2 ** (this.config.block_out_channels.length - 1);
  }

  /** Latents `[1, C, h, w]` as the denoiser leaves them to a picture. @throws OUTPUT_NOT_FINITE */
  async decode(latents: Float32Array, h: number, w: number): Promise<DecodedPicture> {
    const { scaling_factor: scale, shift_factor: shift } = this.config;
    const scaled = latents.map((value) => value / scale + (shift ?? 0));
    const { sample } = await this.graph.run({ latent_sample: floats(scaled, 1, this.channels, h, w) });
    const data = sample.data;
    for (let i = 0; i < data.length; i++) {
      const value = data[i] / 2 + 0.5;
      if (!Number.isFinite(value))
        throw new NodeError('OUTPUT_NOT_FINITE', 'the decoder produced values that are not numbers');
      data[i] = value < 0 ? 0 : value > 1 ? 1 : value;
    }
    return { width: sample.dims[3], height: sample.dims[2], data };
  }

  release(): Promise<void> {
    return this.graph.release();
  }
}
