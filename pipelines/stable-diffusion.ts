import type { ModelPack } from '../models/pack/pack.js';
import { RunMeter } from '../models/run-meter.js';
import type { DeviceOptions } from '../models/session.js';
import { joinBatch } from '../models/tensor/join.js';
import { ClipText } from './clip-text.js';
import { denoise, Denoiser, UNET } from './denoiser.js';
import { guidanceEmbedding, withGuidance } from './guidance.js';
import { imagePipeline } from './image-pipeline.js';
import { firstLatents } from './latents.js';
import { nativeSizesOf } from './native-size.js';
import { PicturePlan } from './picture-plan.js';
import type { DecodedPicture, ImagePipeline, PictureRequest, PipelineObserver } from './pipeline.js';
import { Upscaler } from './upscaler.js';
import { VaeDecoder } from './vae.js';

/**
 * Stable Diffusion 1.x and 2.x, Turbo, and what has their layout. Rombach et al. 2022, "High-Resolution Image
 * Synthesis with Latent Diffusion Models".
 */
export async function openStableDiffusion(pack: ModelPack, device: DeviceOptions): Promise<ImagePipeline> {
  const meter = new RunMeter();
  const plan = await PicturePlan.load(pack, { steps: 50, guidanceScale: 7.5 });
  const text = await ClipText.load(pack, device, meter, { states: 'last' });
  const unet = await Denoiser.load(pack, device, meter, UNET);
  const vae = await VaeDecoder.load(pack, device, meter);
  const upscaler = await Upscaler.load(pack, device, meter);

  async function generate(request: PictureRequest, observer: PipelineObserver): Promise<DecodedPicture> {
    // Validate.
    const { steps, guidanceScale } = plan.choose(request, vae.downscale);
    const distilled = unet.guidanceWidth;
    const guided = guidanceScale > 1 && distilled === undefined;
    const h = request.height / vae.downscale;
    const w = request.width / vae.downscale;

    // Encode the text.
    await observer.progress('text', 0, 1);
    const { states: wanted } = await text.encode(request.prompt);
    const states = guided ? joinBatch((await text.encode(request.negative ?? '')).states, wanted) : wanted;

    // Prepare the latents.
    const scheduler = plan.schedule(request, steps);
    unet.checkClock(scheduler);
    const noise = plan.noise(request);
    const first = firstLatents(noise, vae.channels * h * w, scheduler.initNoiseSigma);

    // Denoise.
    const conditions = {
      encoder_hidden_states: states,
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
    parts: [text, unet, vae, upscaler],
  });
}
