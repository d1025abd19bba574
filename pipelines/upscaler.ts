import { z } from 'zod';
import type { ModelPack } from '../models/pack/pack.js';
import type { RunMeter } from '../models/run-meter.js';
import { GraphSession, type DeviceOptions } from '../models/session.js';
import { floats } from '../models/tensor/tensor.js';
import type { DecodedPicture } from './pipeline.js';

/** The enlarging graph that a pack may carry in `upscaler/`: `[B, 3, H, W]` to `[B, 3, sH, sW]`, both 0..1. */
export class Upscaler {
  private constructor(
    private readonly graph: GraphSession,
    readonly scale: number,
    /** Whether it also mends what the decoder leaves, which is worth a run at any size. */
    readonly restores: boolean,
  ) {}

  static async load(pack: ModelPack, device: DeviceOptions, meter: RunMeter): Promise<Upscaler | undefined> {
    if (!pack.has('upscaler')) return undefined;
    const { scale, restores } = await pack.json(
      'upscaler/config.json',
      z.object({ scale: z.number().int().min(2).max(8), restores: z.boolean().default(false) }).loose(),
    );
    const graph = await GraphSession.load(pack.file('upscaler/model.onnx'), device, meter);
    graph.expect(['sample'], []);
    return new Upscaler(graph, scale, restores);
  }

  async run(picture: DecodedPicture): Promise<DecodedPicture> {
    const outputs = await this.graph.run({
      sample: floats(picture.data, 1, 3, picture.height, picture.width),
    });
    const large = outputs[this.graph.outputs[0].name];
    return { width: large.dims[3], height: large.dims[2], data: large.data };
  }

  release(): Promise<void> {
    return this.graph.release();
  }
}
