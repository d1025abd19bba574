import { z } from 'zod';
import type { ModelPack } from '../models/pack/pack.js';
import { RunMeter } from '../models/run-meter.js';
import type { DeviceOptions } from '../models/session.js';
import { joinBatch, joinFeatures, zerosLike } from '../models/tensor/join.js';
import { floats } from '../models/tensor/tensor.js';
import { ClipText, type EncodedText } from './clip-text.js';
import { denoise, Denoiser, UNET, type DenoiserEdges } from './denoiser.js';
import { guidanceEmbedding, withGuidance } from './guidance.js';
import { imagePipeline } from './image-pipeline.js';
import { firstLatents } from './latents.js';
import { nativeSizesOf } from './native-size.js';
import { PicturePlan } from './picture-plan.js';
import type { DecodedPicture, ImagePipeline, PictureRequest, PipelineObserver } from './pipeline.js';
import { Upscaler } from './upscaler.js';
import { VaeDecoder } from './vae.js';

const XL_UNET: DenoiserEdges = { ...UNET, conditions: [...UNET.conditions, 'text_embeds', 'time_ids'] };
const indexOptions = z.object({ force_zeros_for_empty_prompt: z.boolean().default(true) });

/**
 * Stable Diffusion XL and SDXL-Turbo: two text encoders, pooled text and the picture's size as conditions.
 * Podell et al. 2023, "SDXL", sections 2.1 and 2.2.
 */
export async function openStableDiffusionXl(pack: ModelPack, device: DeviceOptions): Promise<ImagePipeline> {
  const meter = new RunMeter();
  const plan = await PicturePlan.load(pack, { steps: 50, guidanceScale: 5 });
  const { force_zeros_for_empty_prompt: zeroEmpty } = indexOptions.parse(pack.index);
  const text = await ClipText.load(pack, device, meter, { states: 'penultimate' });
  const bigText = await ClipText.load(pack, device, meter, {
    suffix: '_2',
    states: 'penultimate',
    pooled: 'text_embeds',
  });
  const unet = await Denoiser.load(pack, device, meter, XL_UNET);
  const vae = await VaeDecoder.load(pack, device, meter);
  const upscaler = await Upscaler.load(pack, device, meter);

  async function encode(words: string): Promise<Required<EncodedText>> {
    const small = await text.encode(words);
    const big = await bigText.encode(words);
    return { states: joinFeatures([small.states, big.states]), pooled: big.pooled };
  }

  async function generate(request: PictureRequest, observer: PipelineObserver): Promise<DecodedPicture> {
    // Validate.
    const { steps, guidanceScale } = plan.choose(request, vae.downscale);
    const distilled = unet.guidanceWidth;
    const guided = guidanceScale > 1 && distilled === undefined;
    const h = request.height / vae.downscale;
    const w = request.width / vae.downscale;

    // Encode the text. No negative prompt at all is zeros for most of these models, not an encoded empty text.
    await observer.progress('text', 0, 1);
    let { states, pooled } = await encode(request.prompt);
    if (guided) {
      const unwanted =
        request.negative === undefined && zeroEmpty
          ? { states: zerosLike(states), pooled: zerosLike(pooled!) }
          : await encode(request.negative ?? '');
      states = joinBatch(unwanted.states, states);
      pooled = joinBatch(unwanted.pooled!, pooled!);
    }

    // Prepare the latents and the size conditions: original size, crop corner, target size.
    const scheduler = plan.schedule(request, steps);
    unet.checkClock(scheduler);
    const noise = plan.noise(request);
    const first = firstLatents(noise, vae.channels * h * w, scheduler.initNoiseSigma);
    const { width, height } = request;
    const ids = floats(Float32Array.of(height, width, 0, 0, height, width), 1, 6);

    // Denoise.
    const conditions = {
      encoder_hidden_states: states,
      text_embeds: pooled!,
      time_ids: guided ? joinBatch(ids, ids) : ids,
      ...(distilled ? { timestep_cond: guidanceEmbedding(guidanceScale - 1, distilled) } : {}),
    };
    const unguided = unet.bind(conditions, [guided ? 2 : 1, vae.channels, h, w]);
    const predict = guided ? withGuidance(unguided, guidanceScale, first.length) : unguided;
    const latents = await denoise(first, predict, scheduler, noise, observer);

    // Decode.
    return await vae.decode(latents, h, w, observer);
  }

  return imagePipeline({
    pack,
    meter,
    nativeSizes: nativeSizesOf(pack, unet.config, vae.downscale),
    sizeMultiple: vae.downscale,
    generate,
    upscaler,
    parts: [text, bigText, unet, vae, upscaler],
  });
}
