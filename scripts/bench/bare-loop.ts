import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';

/** Shapes of one guided Stable Diffusion job. */
export interface BareJob {
  readonly steps: number;
  /** Latents. */
  readonly h: number;
  readonly w: number;
}

type Feeds = Record<string, ort.Tensor>;

function filled(meta: ort.InferenceSession.ValueMetadata, dims: readonly number[]): ort.Tensor {
  if (!meta.isTensor) throw new Error(`${meta.name} is not a tensor`);
  const length = dims.reduce((product, side) => product * side, 1);
  if (meta.type === 'int64') return new ort.Tensor('int64', new BigInt64Array(length).fill(1n), dims);
  if (meta.type === 'int32') return new ort.Tensor('int32', new Int32Array(length).fill(1), dims);
  if (meta.type !== 'float32') throw new Error(`${meta.name}: the bare loop is written for float32 packs`);
  return new ort.Tensor(
    'float32',
    Float32Array.from({ length }, (_, i) => Math.sin(i)),
    dims,
  );
}

/**
 * The graph runs of one guided job and nothing else: two texts, the UNet at every step, the decoder once; the
 * inputs are made beforehand and have the shapes and types that the pipeline gives. The yardstick of overhead.
 */
export async function openBareLoop(
  pack: string,
  threads: number,
): Promise<{
  readonly channels: number;
  prepare(job: BareJob): void;
  run(job: BareJob): Promise<void>;
  release(): Promise<void>;
}> {
  const load = (part: string) =>
    ort.InferenceSession.create(join(pack, part, 'model.onnx'), {
      executionProviders: ['cpu'],
      ...(threads ? { intraOpNumThreads: threads } : {}),
    });
  const [text, unet, decoder] = [await load('text_encoder'), await load('unet'), await load('vae_decoder')];
  const port = (session: ort.InferenceSession, name: string) =>
    session.inputMetadata.find((meta) => meta.name === name)!;
  const timestep = port(unet, 'timestep');
  const timestepDims = timestep.isTensor && timestep.shape.length === 1 ? [1] : [];

  let textFeeds: Feeds;
  let unetFeeds: Feeds;
  let decoderFeeds: Feeds;

  const config = JSON.parse(await readFile(join(pack, 'text_encoder/config.json'), 'utf8')) as {
    max_position_embeddings: number;
  };
  const tokens = config.max_position_embeddings;
  const first = await text.run({ input_ids: filled(port(text, 'input_ids'), [1, tokens]) });
  const states = first.last_hidden_state.dims;

  const sample = port(unet, 'sample');
  const channels = sample.isTensor ? Number(sample.shape[1]) : 4;

  function prepare({ h, w }: BareJob): void {
    textFeeds = { input_ids: filled(port(text, 'input_ids'), [1, tokens]) };
    unetFeeds = {
      sample: filled(sample, [2, channels, h, w]),
      timestep: filled(timestep, timestepDims),
      encoder_hidden_states: filled(port(unet, 'encoder_hidden_states'), [2, states[1], states[2]]),
    };
    decoderFeeds = { latent_sample: filled(port(decoder, 'latent_sample'), [1, channels, h, w]) };
  }

  return {
    channels,
    prepare,
    async run({ steps }) {
      await text.run(textFeeds, ['last_hidden_state']);
      await text.run(textFeeds, ['last_hidden_state']);
      for (let i = 0; i < steps; i++) await unet.run(unetFeeds);
      await decoder.run(decoderFeeds);
    },
    async release() {
      await Promise.all([text.release(), unet.release(), decoder.release()]);
    },
  };
}
