import { join } from 'node:path';
import { z } from 'zod';
import type { PcmAudio } from '../../core/media.js';
import type { ModelPack } from '../../models/pack/pack.js';
import { RunMeter } from '../../models/run-meter.js';
import { GraphSession, type DeviceOptions } from '../../models/session.js';
import { floats, type FloatTensor, type Tensor } from '../../models/tensor/tensor.js';
import { T5Tokenizer } from '../../models/tokenizers/t5.js';
import type { Tokenizer } from '../../models/tokenizers/tokenizer.js';
import { concat, expectFinite, outputOf, tokenBatch } from '../film/batch.js';
import { guide } from '../guidance.js';
import type { NoiseSource } from '../noise/noise-source.js';
import { torchNoise } from '../noise/torch-noise.js';
import type { AudioPipeline, PipelineObserver, SoundRequest } from '../pipeline.js';
import { createScheduler } from '../schedulers/registry.js';
import type { SchedulerFactory } from '../schedulers/scheduler.js';
import { joinStretches, stretchesOf } from './long-sound.js';
import { audioRotary } from './rotary.js';

const transformerConfig = z
  .object({
    sample_size: z.number().int(),
    in_channels: z.number().int(),
    attention_head_dim: z.number().int(),
  })
  .loose();
const projectionConfig = z.object({ min_value: z.number(), max_value: z.number() }).loose();
const autoencoderConfig = z
  .object({
    sampling_rate: z.number().int().default(44_100),
    downsampling_ratios: z.array(z.number().int()).default([2, 4, 4, 8, 8]),
  })
  .loose();

interface Parts {
  readonly textEncoder: GraphSession;
  readonly projection: GraphSession;
  readonly transformer: GraphSession;
  readonly decoder: GraphSession;
  readonly tokenizer: Tokenizer;
  readonly scheduler: SchedulerFactory;
  readonly places: number;
  readonly channels: number;
  readonly rotaryWidth: number;
  readonly maxSeconds: number;
  readonly sampleRateHz: number;
  readonly samplesPerPlace: number;
  readonly defaults: { readonly steps: number; readonly guidanceScale: number };
}

/** What the transformer is told: text and times `[B, N + 2, D]`, times alone `[B, 1, 2 D]`. */
interface Conditioning {
  readonly cross: FloatTensor;
  readonly global: FloatTensor;
}

const repeat = (data: Float32Array, times: number): Float32Array =>
  concat(new Array<Float32Array>(times).fill(data));

/**
 * Stable Audio (Evans et al., 2024): T5 text and the wanted duration condition a transformer over the latents of a
 * fixed stretch of sound; what lies beyond the duration is cut off after decoding. Sounds longer than the stretch
 * are made of several, cross-faded.
 */
export class StableAudioPipeline implements AudioPipeline {
  readonly kind = 'audio';

  private constructor(
    readonly pack: ModelPack,
    readonly meter: RunMeter,
    private readonly parts: Parts,
  ) {}

  /** @throws PACK_INVALID, TOKENIZER_INVALID, GRAPH_LOAD_FAILED, GRAPH_INPUT_UNEXPECTED, DEVICE_UNAVAILABLE */
  static async load(pack: ModelPack, device: DeviceOptions): Promise<StableAudioPipeline> {
    const meter = new RunMeter();
    const open = (part: string): Promise<GraphSession> =>
      GraphSession.load(pack.file(join(part, 'model.onnx')), device, meter);
    const transformer = await pack.json('transformer/config.json', transformerConfig);
    const projection = await pack.json('projection_model/config.json', projectionConfig);
    const autoencoder = await pack.json('vae_decoder/config.json', autoencoderConfig);
    const defaults = pack.manifest?.defaults ?? {};
    return new StableAudioPipeline(pack, meter, {
      textEncoder: await open('text_encoder'),
      projection: await open('projection_model'),
      transformer: await open('transformer'),
      decoder: await open('vae_decoder'),
      tokenizer: await T5Tokenizer.load(join(pack.dir, 'tokenizer')),
      scheduler: createScheduler(
        await pack.json('scheduler/scheduler_config.json', z.record(z.string(), z.unknown())),
        pack.manifest?.defaults.scheduler,
      ),
      places: transformer.sample_size,
      channels: transformer.in_channels,
      rotaryWidth: transformer.attention_head_dim / 2,
      maxSeconds: projection.max_value,
      sampleRateHz: autoencoder.sampling_rate,
      samplesPerPlace: autoencoder.downsampling_ratios.reduce((product, ratio) => product * ratio, 1),
      defaults: { steps: defaults.steps ?? 100, guidanceScale: defaults.guidanceScale ?? 7 },
    });
  }

  /** Longest sound of a single stretch. */
  private get stretchSeconds(): number {
    const { maxSeconds, places, sampleRateHz, samplesPerPlace } = this.parts;
    return Math.min(maxSeconds, (places * samplesPerPlace) / sampleRateHz);
  }

  private async condition(request: SoundRequest, seconds: number, guidance: boolean): Promise<Conditioning> {
    const { projection, textEncoder, tokenizer } = this.parts;
    const negative = guidance ? request.negative : undefined;
    const texts = negative === undefined ? [request.prompt] : [negative, request.prompt];
    const { ids, mask } = tokenBatch(tokenizer, texts);
    const encoded = outputOf(
      await textEncoder.run({ input_ids: ids, attention_mask: mask }),
      'last_hidden_state',
    );
    // The padding of a negative prompt is blanked before the projection too; that of the prompt only after it.
    const states = negative === undefined ? encoded : masked(encoded, mask, 1);
    const projected = await projection.run({
      text_hidden_states: states,
      start_seconds: floats(new Float32Array(texts.length), texts.length),
      end_seconds: floats(new Float32Array(texts.length).fill(seconds), texts.length),
    });
    const text = masked(outputOf(projected, 'projected_hidden_states'), mask, texts.length);
    const start = outputOf(projected, 'seconds_start_hidden_states').data;
    const end = outputOf(projected, 'seconds_end_hidden_states').data;
    const [, tokens, width] = text.dims;
    const rows = texts.map((_, row) => {
      const times = [start, end].map((each) => each.subarray(row * width, (row + 1) * width));
      const words = text.data.subarray(row * tokens * width, (row + 1) * tokens * width);
      return { cross: concat([words, ...times]), global: concat(times) };
    });
    // Without a negative prompt the unguided half knows nothing but the duration.
    if (guidance && negative === undefined) {
      rows.unshift({ cross: new Float32Array(rows[0].cross.length), global: rows[0].global });
    }
    return {
      cross: floats(concat(rows.map(({ cross }) => cross)), rows.length, tokens + 2, width),
      global: floats(concat(rows.map(({ global }) => global)), rows.length, 1, 2 * width),
    };
  }

  /** One stretch of sound, as many samples as asked. */
  private async stretch(
    request: SoundRequest,
    seconds: number,
    noise: NoiseSource,
    report: (step: number) => Promise<void>,
  ): Promise<PcmAudio> {
    const { channels, decoder, defaults, places, rotaryWidth, sampleRateHz, transformer } = this.parts;
    const steps = request.steps ?? defaults.steps;
    const scale = request.guidanceScale ?? defaults.guidanceScale;
    const guidance = scale > 1;
    const batch = guidance ? 2 : 1;
    const { cross, global } = await this.condition(request, seconds, guidance);
    const rotary = audioRotary(places + 1, rotaryWidth);
    const scheduler = this.parts.scheduler.plan(steps);
    const count = channels * places;
    let latents: Float32Array = noise.randn(count).map((value) => value * scheduler.initNoiseSigma);
    for (let step = 0; step < steps; step++) {
      await report(step);
      const results = await transformer.run({
        sample: floats(repeat(scheduler.scaleModelInput(latents, step), batch), batch, channels, places),
        timestep: floats(Float32Array.of(scheduler.timesteps[step]), 1),
        encoder_hidden_states: cross,
        global_hidden_states: global,
        rotary_cos: floats(rotary.cos, ...rotary.dims),
        rotary_sin: floats(rotary.sin, ...rotary.dims),
      });
      const answer = outputOf(results, 'out_sample').data;
      latents = scheduler.step(guidance ? guide(answer, scale) : answer, step, latents, noise);
    }
    expectFinite(latents, 'the denoised sound');
    const wave = outputOf(
      await decoder.run({ latent_sample: floats(latents, 1, channels, places) }),
      'sample',
    );
    expectFinite(wave.data, 'the sound');
    const [, sides, length] = wave.dims;
    const wanted = Math.min(length, Math.floor(seconds * sampleRateHz));
    return {
      sampleRateHz,
      channels: Array.from({ length: sides }, (_, side) =>
        wave.data.slice(side * length, side * length + wanted),
      ),
    };
  }

  async generate(request: SoundRequest, observer: PipelineObserver): Promise<PcmAudio> {
    const stretches = stretchesOf(request.durationMs / 1000, this.stretchSeconds);
    const steps = request.steps ?? this.parts.defaults.steps;
    const noise = request.noise ?? torchNoise(request.seed, this.pack.manifest?.defaults.generator);
    const made: PcmAudio[] = [];
    for (const [index, seconds] of stretches.entries()) {
      made.push(
        await this.stretch(request, seconds, noise, (step) =>
          observer.progress('denoise', index * steps + step, stretches.length * steps),
        ),
      );
    }
    return joinStretches(made, Math.floor((request.durationMs / 1000) * this.parts.sampleRateHz));
  }

  async release(): Promise<void> {
    const { decoder, projection, textEncoder, transformer } = this.parts;
    for (const graph of [textEncoder, projection, transformer, decoder]) await graph.release();
  }
}

/** States `[B, N, D]` of the first `rows` texts with the padding blanked. */
function masked(states: FloatTensor, mask: Tensor, rows: number): FloatTensor {
  const [, tokens, width] = states.dims;
  const data = states.data.slice();
  for (let token = 0; token < rows * tokens; token++) {
    if (mask.data[token] === 0) data.fill(0, token * width, (token + 1) * width);
  }
  return floats(data, ...states.dims);
}

/** Opens a Stable Audio pack. */
export async function openStableAudio(pack: ModelPack, device: DeviceOptions): Promise<AudioPipeline> {
  return StableAudioPipeline.load(pack, device);
}
