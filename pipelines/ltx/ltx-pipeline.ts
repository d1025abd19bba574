import { join } from 'node:path';
import { z } from 'zod';
import { NodeError } from '../../core/errors.js';
import type { RgbImage } from '../../core/media.js';
import type { ModelPack } from '../../models/pack/pack.js';
import { RunMeter } from '../../models/run-meter.js';
import { GraphSession, type DeviceOptions } from '../../models/session.js';
import { floats, type FloatTensor, type Tensor } from '../../models/tensor/tensor.js';
import { T5Tokenizer } from '../../models/tokenizers/t5.js';
import type { Tokenizer } from '../../models/tokenizers/tokenizer.js';
import { concat, expectFinite, outputOf, tokenBatch } from '../film/batch.js';
import { guide } from '../guidance.js';
import { torchNoise } from '../noise/torch-noise.js';
import { sizeShift } from '../picture-plan.js';
import { createScheduler } from '../schedulers/registry.js';
import type { SchedulerFactory } from '../schedulers/scheduler.js';
import type { FilmRequest, FrameStream, PipelineObserver, VideoPipeline } from '../pipeline.js';
import { cropFrame } from './frames.js';
import { latentCount, packLatents, unpackLatents, type LatentShape } from './latents.js';
import { motionDecoderConfig, MotionDecoder } from './motion-decoder.js';
import { ltxRotary } from './rotary.js';
import { autoencoderConfig, DEFAULT_LIMITS, TiledDecoder, type DecodeLimits } from './tiled-decoder.js';
import type { Clip } from './tiles.js';
import type { VideoDecoder } from './video-decoder.js';

const transformerConfig = z
  .object({
    patch_size: z.number().int().default(1),
    patch_size_t: z.literal(1).default(1),
    num_attention_heads: z.number().int(),
    attention_head_dim: z.number().int(),
  })
  .loose();

const MAX_SHIFT = 1.15;

interface Parts {
  readonly textEncoder: GraphSession;
  readonly transformer: GraphSession;
  readonly decoder: VideoDecoder;
  readonly tokenizer: Tokenizer;
  readonly scheduler: SchedulerFactory;
  readonly schedulerConfig: Readonly<Record<string, unknown>>;
  readonly patch: number;
  readonly width: number;
  readonly defaults: {
    readonly steps: number;
    readonly guidanceScale: number;
    readonly framesPerSecond: number;
  };
}

/** Latents of a film before decoding. */
export interface DenoisedFilm {
  /** `[1, C, F, rows, columns] float32`, normalised. */
  readonly latents: Float32Array;
  readonly shape: LatentShape;
}

/**
 * LTX-Video (HaCohen et al., 2024): T5 text, a transformer over all cells of the film with rotary positions in
 * time, height and width, a rectified flow, and a causal video autoencoder decoded in windows.
 */
export class LTXPipeline implements VideoPipeline {
  readonly kind = 'video';

  private constructor(
    readonly pack: ModelPack,
    readonly meter: RunMeter,
    private readonly parts: Parts,
  ) {}

  /** @throws PACK_INVALID, TOKENIZER_INVALID, GRAPH_LOAD_FAILED, GRAPH_INPUT_UNEXPECTED, DEVICE_UNAVAILABLE */
  static async load(
    pack: ModelPack,
    device: DeviceOptions,
    limits: DecodeLimits = DEFAULT_LIMITS,
  ): Promise<LTXPipeline> {
    const meter = new RunMeter();
    const open = (part: string): Promise<GraphSession> =>
      GraphSession.load(pack.file(join(part, 'model.onnx')), device, meter);
    const { _class_name: decoderClass } = await pack.json(
      'vae_decoder/config.json',
      z.object({ _class_name: z.string().default('AutoencoderKLLTXVideo') }).loose(),
    );
    const transformer = await pack.json('transformer/config.json', transformerConfig);
    const schedulerConfig = await pack.json(
      'scheduler/scheduler_config.json',
      z.record(z.string(), z.unknown()),
    );
    const decoderGraph = await open('vae_decoder');
    const defaults = pack.manifest?.defaults ?? {};
    return new LTXPipeline(pack, meter, {
      textEncoder: await open('text_encoder'),
      transformer: await open('transformer'),
      decoder:
        decoderClass === 'MotionDecoder'
          ? new MotionDecoder(decoderGraph, await pack.json('vae_decoder/config.json', motionDecoderConfig))
          : new TiledDecoder(
              decoderGraph,
              await pack.json('vae_decoder/config.json', autoencoderConfig),
              limits,
            ),
      tokenizer: await T5Tokenizer.load(join(pack.dir, 'tokenizer')),
      scheduler: createScheduler(schedulerConfig, pack.manifest?.defaults.scheduler),
      schedulerConfig,
      patch: transformer.patch_size,
      width: transformer.num_attention_heads * transformer.attention_head_dim,
      defaults: {
        steps: defaults.steps ?? 50,
        guidanceScale: defaults.guidanceScale ?? 3,
        framesPerSecond: defaults.framesPerSecond ?? 24,
      },
    });
  }

  get needsKeyframe(): boolean {
    return this.parts.decoder.needsKeyframe;
  }

  /** Text states `[B, N, D]` and mask `[B, N]` of the prompts: without text first where guidance needs it. */
  private async encodeText(prompts: readonly string[]): Promise<{ states: FloatTensor; mask: Tensor }> {
    const { ids, mask } = tokenBatch(this.parts.tokenizer, prompts);
    const results = await this.parts.textEncoder.run({ input_ids: ids, attention_mask: mask });
    return { states: outputOf(results, 'last_hidden_state'), mask };
  }

  private shapeOf(request: FilmRequest): LatentShape {
    const { decoder, patch } = this.parts;
    const { rows, columns } = decoder.cellsOf(request.width, request.height);
    if (rows % patch !== 0 || columns % patch !== 0) {
      throw new NodeError('SIZE_UNSUPPORTED', `the pack cannot make ${request.width}x${request.height}`);
    }
    // A causal autoencoder makes one frame, then whole groups: the next length that reaches the asked one.
    const frames = Math.ceil((request.length - 1) / decoder.framesPerLatent) + 1;
    return { channels: decoder.channels, frames, rows, columns };
  }

  /** Runs text and flow; the result is what `frames` decodes. @throws OUTPUT_NOT_FINITE */
  async denoise(request: FilmRequest, observer: PipelineObserver): Promise<DenoisedFilm> {
    const { decoder, defaults, patch, scheduler, schedulerConfig, transformer, width } = this.parts;
    const steps = request.steps ?? defaults.steps;
    const scale = request.guidanceScale ?? defaults.guidanceScale;
    const guidance = scale > 1;
    await observer.progress('text', 0, 1);
    const { states, mask } = await this.encodeText(
      guidance ? [request.negative ?? '', request.prompt] : [request.prompt],
    );

    const shape = this.shapeOf(request);
    const grid = { frames: shape.frames, rows: shape.rows / patch, columns: shape.columns / patch };
    const tokenCount = grid.frames * grid.rows * grid.columns;
    const channels = shape.channels * patch * patch;
    const rotary = ltxRotary({
      ...grid,
      scale: [
        decoder.framesPerLatent / defaults.framesPerSecond,
        decoder.pixelsPerCell * patch,
        decoder.pixelsPerCell * patch,
      ],
      width,
    });
    const seen = this.seenTokens(request.keyframe, shape);
    const batch = guidance ? 2 : 1;
    const noise = request.noise ?? torchNoise(request.seed, this.pack.manifest?.defaults.generator);
    let latents: Float32Array = packLatents(noise.randn(latentCount(shape)), shape, patch);
    // The flow's noise levels are evenly spaced; the scheduler shifts them towards noise, more for larger films.
    const sigmas = Array.from({ length: steps }, (_, step) => 1 - step / steps);
    const mu = sizeShift(schedulerConfig, shape.frames * shape.rows * shape.columns, MAX_SHIFT);
    const flow = scheduler.plan(steps, { mu, sigmas });
    for (let step = 0; step < steps; step++) {
      await observer.progress('denoise', step, steps);
      const shown = seen === undefined ? latents : beside(latents, channels, seen.data, seen.channels);
      const results = await transformer.run({
        hidden_states: floats(
          concat(new Array<Float32Array>(batch).fill(shown)),
          ...[batch, tokenCount, channels + (seen?.channels ?? 0)],
        ),
        encoder_hidden_states: states,
        timestep: floats(new Float32Array(batch).fill(flow.timesteps[step]), batch),
        encoder_attention_mask: mask,
        rotary_cos: floats(rotary.cos, ...rotary.dims),
        rotary_sin: floats(rotary.sin, ...rotary.dims),
      });
      const answer = outputOf(results, 'out_hidden_states').data;
      latents = flow.step(guidance ? guide(answer, scale) : answer, step, latents, noise);
    }
    expectFinite(latents, 'the denoised film');
    return { latents: unpackLatents(latents, shape, patch), shape };
  }

  /** The keyframe as the transformer sees it, packed like the latents and the same at all times. */
  private seenTokens(
    keyframe: RgbImage | undefined,
    shape: LatentShape,
  ): { data: Float32Array; channels: number } | undefined {
    const { decoder, patch } = this.parts;
    const condition = decoder.condition(keyframe, shape);
    if (condition === undefined) return undefined;
    const once = packLatents(condition.data, { ...shape, channels: condition.channels, frames: 1 }, patch);
    return {
      data: concat(new Array<Float32Array>(shape.frames).fill(once)),
      channels: condition.channels * patch * patch,
    };
  }

  /** Decodes a short film in one piece. @throws KIND_UNSUPPORTED for packs that move a keyframe instead */
  async decodeWhole({ latents, shape }: DenoisedFilm): Promise<Clip> {
    const { decoder } = this.parts;
    if (!(decoder instanceof TiledDecoder)) {
      throw new NodeError('KIND_UNSUPPORTED', 'this pack decodes frame by frame');
    }
    return decoder.decode(latents, shape);
  }

  async generate(request: FilmRequest, observer: PipelineObserver): Promise<FrameStream> {
    const { latents, shape } = await this.denoise(request, observer);
    return {
      framesPerSecond: this.parts.defaults.framesPerSecond,
      frameCount: request.length,
      width: request.width,
      height: request.height,
      frames: this.asked(this.parts.decoder.frames(latents, shape, request.keyframe), request, observer),
    };
  }

  /** Trims decoded frames to the asked length and size. */
  private async *asked(
    frames: AsyncIterable<RgbImage>,
    request: FilmRequest,
    observer: PipelineObserver,
  ): AsyncGenerator<RgbImage> {
    let count = 0;
    for await (const frame of frames) {
      await observer.progress('decode', count, request.length);
      count += 1;
      yield cropFrame(frame, request.width, request.height);
      if (count === request.length) return;
    }
  }

  async release(): Promise<void> {
    await this.parts.textEncoder.release();
    await this.parts.transformer.release();
    await this.parts.decoder.release();
  }
}

/** Tokens with further channels beside their own. */
function beside(
  tokens: Float32Array,
  channels: number,
  further: Float32Array,
  furtherChannels: number,
): Float32Array {
  const count = tokens.length / channels;
  const width = channels + furtherChannels;
  const out = new Float32Array(count * width);
  for (let token = 0; token < count; token++) {
    out.set(tokens.subarray(token * channels, (token + 1) * channels), token * width);
    out.set(
      further.subarray(token * furtherChannels, (token + 1) * furtherChannels),
      token * width + channels,
    );
  }
  return out;
}

/** Opens an LTX pack, or one that sets pictures in motion in its layout. */
export async function openLtx(pack: ModelPack, device: DeviceOptions): Promise<VideoPipeline> {
  return LTXPipeline.load(pack, device);
}
