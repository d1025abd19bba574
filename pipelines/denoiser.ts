import { z } from 'zod';
import { NodeError } from '../core/errors.js';
import type { ModelPack } from '../models/pack/pack.js';
import type { RunMeter } from '../models/run-meter.js';
import { GraphSession, type CastFeed, type DeviceOptions } from '../models/session.js';
import type { Tensor } from '../models/tensor/tensor.js';
import type { NoiseSource } from './noise/noise-source.js';
import type { PipelineObserver } from './pipeline.js';
import type { Scheduler } from './schedulers/scheduler.js';

/** What a model predicts from noisy latents at a timestep; both arrays flat, of one length. */
export type Predict = (sample: Float32Array, timestep: number) => Promise<Float32Array>;

/** The names that a kind of denoising graph gives its edges. */
export interface DenoiserEdges {
  /** Folder of the graph: `unet` or `transformer`. */
  readonly part: string;
  readonly sample: string;
  readonly output: string;
  /** Inputs beside the sample and `timestep`. */
  readonly conditions: readonly string[];
  /** Whether a timestep with a batch axis has one value per sample; UNets take one for the whole batch. */
  readonly timestepPerSample: boolean;
}

/** UNets of Stable Diffusion 1.x, 2.x, XL and of consistency models. */
export const UNET: DenoiserEdges = {
  part: 'unet',
  sample: 'sample',
  output: 'out_sample',
  conditions: ['encoder_hidden_states', 'timestep_cond'],
  timestepPerSample: false,
};

const config = z
  .object({
    in_channels: z.number().int().positive().optional(),
    sample_size: z.union([z.number(), z.array(z.number())]).nullish(),
    time_cond_proj_dim: z.number().int().nullish(),
    patch_size: z.number().int().default(1),
    /** What the scheduler's timesteps are multiplied by before the graph sees them. */
    timestep_scale: z.number().default(1),
    joint_attention_dim: z.number().int().optional(),
  })
  .loose();
export type DenoiserConfig = z.infer<typeof config>;

/** The graph that is run at every step. */
export class Denoiser {
  private constructor(
    readonly graph: GraphSession,
    readonly config: DenoiserConfig,
    private readonly edges: DenoiserEdges,
  ) {}

  /** @throws PACK_INVALID, GRAPH_LOAD_FAILED, GRAPH_INPUT_UNEXPECTED */
  static async load(
    pack: ModelPack,
    device: DeviceOptions,
    meter: RunMeter,
    edges: DenoiserEdges,
  ): Promise<Denoiser> {
    const { part } = edges;
    const graph = await GraphSession.load(pack.file(`${part}/model.onnx`), device, meter);
    graph.expect([edges.sample, 'timestep', ...edges.conditions], [edges.output]);
    for (const name of [edges.sample, 'timestep']) {
      if (!graph.takes(name)) {
        throw new NodeError('GRAPH_INPUT_UNEXPECTED', `${graph.path} has no input "${name}"`);
      }
    }
    return new Denoiser(graph, await pack.config(part, config), edges);
  }

  /** Width of the guidance embedding that a distilled model takes; undefined for others. */
  get guidanceWidth(): number | undefined {
    if (!this.graph.takes('timestep_cond')) return undefined;
    const width = this.graph.inputs.get('timestep_cond')?.dims.at(-1);
    return typeof width === 'number' ? width : (this.config.time_cond_proj_dim ?? 256);
  }

  /**
   * The model with everything that stays the same during a picture given: casts happen once, and a step hands
   * over only the sample, of shape `dims`, and the timestep.
   */
  bind(conditions: Readonly<Record<string, Tensor>>, dims: readonly number[]): Predict {
    const { graph, edges } = this;
    const feeds: Record<string, Tensor | CastFeed | undefined> = {};
    for (const [name, tensor] of Object.entries(conditions)) feeds[name] = graph.castFeed(name, tensor);
    const wanted = graph.outputs.length > 1 ? [edges.output] : undefined;
    const timestepDims = this.#timestepDims(dims[0]);
    return async (sample, timestep) => {
      feeds[edges.sample] = { data: sample, dims };
      feeds['timestep'] = {
        data: new Float32Array(timestepDims.length === 0 ? 1 : timestepDims[0]).fill(timestep),
        dims: timestepDims,
      };
      const { data } = (await graph.run(feeds, wanted))[edges.output];
      if (data.length !== sample.length) {
        throw new NodeError(
          'PACK_INVALID',
          `${graph.path} predicts ${data.length} values for a sample of ${sample.length}; learned variances are not supported`,
        );
      }
      return data;
    };
  }

  /**
   * Whether the graph can tell a run's timesteps apart: one that takes whole numbers is given the nearest, and EDM's lie
   * between -2 and 2.
   * @throws PACK_INVALID
   */
  checkClock({ timesteps }: Scheduler): void {
    const type = this.graph.inputs.get('timestep')?.type;
    if (type !== 'int64' && type !== 'int32') return;
    const told = new Set(timesteps.map(Math.round)).size;
    if (2 * told > new Set(timesteps).size) return;
    throw new NodeError(
      'PACK_INVALID',
      `${this.graph.path} takes whole timesteps, which tell only ${told} of this scheduler's ${timesteps.length} apart; a later export takes fractions`,
    );
  }

  #timestepDims(batch: number): readonly number[] {
    const declared = this.graph.inputs.get('timestep')?.dims ?? [];
    if (declared.length === 0) return [];
    const [axis] = declared;
    if (typeof axis === 'number') return [axis];
    return [this.edges.timestepPerSample ? batch : 1];
  }

  release(): Promise<void> {
    return this.graph.release();
  }
}

/** From noise to latents: asks the model at every evaluation and lets the scheduler take the step. */
export async function denoise(
  latents: Float32Array,
  predict: Predict,
  scheduler: Scheduler,
  noise: NoiseSource,
  observer: PipelineObserver,
): Promise<Float32Array> {
  const { timesteps } = scheduler;
  for (let i = 0; i < timesteps.length; i++) {
    await observer.progress('denoise', i, timesteps.length);
    const output = await predict(scheduler.scaleModelInput(latents, i), timesteps[i]);
    latents = scheduler.step(output, i, latents, noise);
  }
  return latents;
}
