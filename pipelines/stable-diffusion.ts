import { z } from 'zod';
import { NodeError } from '../core/errors.js';
import type { ModelPack } from '../models/pack/pack.js';
import { RunMeter } from '../models/run-meter.js';
import { GraphSession, type DeviceOptions } from '../models/session.js';
import { floats, ints, type FloatTensor } from '../models/tensor/tensor.js';
import { ClipText, textOutput } from './clip-text.js';
import { guide, stack, twice } from './guidance.js';
import { torchCpuNoise } from './noise/torch-cpu.js';
import type { DecodedPicture, ImagePipeline, PictureRequest, PipelineObserver } from './pipeline.js';
import { createScheduler } from './schedulers/registry.js';
import { Upscaler } from './upscaler.js';
import { VaeDecoder } from './vae.js';

const DEFAULT_STEPS = 50;
const DEFAULT_GUIDANCE = 7.5;

/**
 * Stable Diffusion 1.x and 2.x and what has their layout. Rombach et al. 2022, "High-Resolution Image
 * Synthesis with Latent Diffusion Models".
 */
export async function openStableDiffusion(pack: ModelPack, device: DeviceOptions): Promise<ImagePipeline> {
  const meter = new RunMeter();
  const schedulerConfig = await pack.json(
    'scheduler/scheduler_config.json',
    z.record(z.string(), z.unknown()),
  );
  createScheduler(schedulerConfig, pack.manifest?.defaults.scheduler);
  const text = await ClipText.load(pack, device, meter);
  const unet = await GraphSession.load(pack.file('unet/model.onnx'), device, meter);
  unet.expect(['sample', 'timestep', 'encoder_hidden_states'], ['out_sample']);
  const vae = await VaeDecoder.load(pack, device, meter);
  const upscaler = await Upscaler.load(pack, device, meter);
  const scalarTimestep = unet.inputs.get('timestep')?.dims.length === 0;
  const wholeTimestep = unet.inputs.get('timestep')?.type.startsWith('int') ?? false;
  /** The empty prompt, without a negative, is the same in every job. */
  let emptyText: FloatTensor | undefined;

  const encode = async (words: string): Promise<FloatTensor> => {
    if (words === '' && emptyText !== undefined) return emptyText;
    const states = textOutput(await text.encode(words), 'last_hidden_state');
    if (words === '') emptyText = states;
    return states;
  };

  const timestepTensor = (timestep: number) => {
    const dims = scalarTimestep ? [] : [1];
    return wholeTimestep ? ints([timestep], ...dims) : floats(Float32Array.of(timestep), ...dims);
  };

  async function generate(request: PictureRequest, observer: PipelineObserver): Promise<DecodedPicture> {
    // Validate.
    if (request.width % vae.downscale !== 0 || request.height % vae.downscale !== 0) {
      throw new NodeError('SIZE_UNSUPPORTED', `width and height must be multiples of ${vae.downscale}`);
    }
    const steps = request.steps ?? pack.manifest?.defaults.steps ?? DEFAULT_STEPS;
    const scale = request.guidanceScale ?? pack.manifest?.defaults.guidanceScale ?? DEFAULT_GUIDANCE;
    const guided = scale > 1;
    const h = request.height / vae.downscale;
    const w = request.width / vae.downscale;

    // Encode the text.
    await observer.progress('text', 0, 1);
    const wanted = await encode(request.prompt);
    const states = guided ? stack(await encode(request.negative ?? ''), wanted) : wanted;

    // Prepare the latents.
    const scheduler = createScheduler(
      schedulerConfig,
      request.scheduler ?? pack.manifest?.defaults.scheduler,
    ).plan(steps);
    const noise = torchCpuNoise(request.seed);
    let latents: Float32Array = noise.randn(vae.channels * h * w).map((value) => value * scheduler.initNoiseSigma);

    // Denoise.
    const evaluations = scheduler.timesteps.length;
    for (let i = 0; i < evaluations; i++) {
      await observer.progress('denoise', i, evaluations);
      const input = scheduler.scaleModelInput(latents, i);
      const { out_sample: output } = await unet.run({
        sample: floats(guided ? twice(input) : input, guided ? 2 : 1, vae.channels, h, w),
        timestep: timestepTensor(scheduler.timesteps[i]),
        encoder_hidden_states: states,
      });
      latents = scheduler.step(guided ? guide(output.data, scale) : output.data, i, latents, noise);
    }

    // Decode.
    await observer.progress('decode', 0, 1);
    return await vae.decode(latents, h, w);
  }

  return {
    kind: 'image',
    pack,
    meter,
    generate,
    upscaler,
    release: async () => {
      await Promise.all([text.release(), unet.release(), vae.release(), upscaler?.release()]);
    },
  };
}
