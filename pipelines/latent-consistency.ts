import { NodeError } from '../core/errors.js';
import type { ModelPack } from '../models/pack/pack.js';
import { RunMeter } from '../models/run-meter.js';
import type { DeviceOptions } from '../models/session.js';
import { ClipText } from './clip-text.js';
import { denoise, Denoiser, UNET } from './denoiser.js';
import { guidanceEmbedding } from './guidance.js';
import { imagePipeline } from './image-pipeline.js';
import { firstLatents } from './latents.js';
import { nativeSizesOf } from './native-size.js';
import { PicturePlan } from './picture-plan.js';
import type { DecodedPicture, ImagePipeline, PictureRequest, PipelineObserver } from './pipeline.js';
import { Upscaler } from './upscaler.js';
import { VaeDecoder } from './vae.js';

/**
 * Latent consistency models: few steps, the guidance scale as an input of the model, so a negative prompt has
 * nothing to act on and is not read. Luo et al. 2023, "Latent Consistency Models".
 */
export async function openLatentConsistency(pack: ModelPack, device: DeviceOptions): Promise<ImagePipeline> {
  const meter = new RunMeter();
  const plan = await PicturePlan.load(pack, { steps: 4, guidanceScale: 8.5 });
  const text = await ClipText.load(pack, device, meter, { states: 'last' });
  const unet = await Denoiser.load(pack, device, meter, UNET);
  const vae = await VaeDecoder.load(pack, device, meter);
  const upscaler = await Upscaler.load(pack, device, meter);
  const width = unet.guidanceWidth;
  if (width === undefined) {
    throw new NodeError('GRAPH_INPUT_UNEXPECTED', `${unet.graph.path} has no input "timestep_cond"`);
  }

  async function generate(request: PictureRequest, observer: PipelineObserver): Promise<DecodedPicture> {
    // Validate.
    const { steps, guidanceScale } = plan.choose(request, vae.downscale);
    const h = request.height / vae.downscale;
    const w = request.width / vae.downscale;

    // Encode the text and the guidance.
    await observer.progress('text', 0, 1);
    const { states } = await text.encode(request.prompt);
    const guidance = guidanceEmbedding(guidanceScale - 1, width!);

    // Prepare the latents.
    const scheduler = plan.schedule(request, steps);
    unet.checkClock(scheduler);
    const noise = plan.noise(request);
    const first = firstLatents(noise, vae.channels * h * w, scheduler.initNoiseSigma);

    // Denoise.
    const predict = unet.bind({ encoder_hidden_states: states, timestep_cond: guidance }, [
      1,
      vae.channels,
      h,
      w,
    ]);
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
