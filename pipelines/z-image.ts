import type { ModelPack } from '../models/pack/pack.js';
import { RunMeter } from '../models/run-meter.js';
import type { DeviceOptions } from '../models/session.js';
import { denoise, Denoiser, type DenoiserEdges, type Predict } from './denoiser.js';
import { withTwoRuns } from './guidance.js';
import { imagePipeline } from './image-pipeline.js';
import { firstLatents } from './latents.js';
import { nativeSizesOf } from './native-size.js';
import { evenSigmas, PicturePlan, sizeShift } from './picture-plan.js';
import type { DecodedPicture, ImagePipeline, PictureRequest, PipelineObserver } from './pipeline.js';
import { QwenText } from './qwen-text.js';
import { Upscaler } from './upscaler.js';
import { VaeDecoder } from './vae.js';

const SINGLE_STREAM: DenoiserEdges = {
  part: 'transformer',
  sample: 'hidden_states',
  output: 'out_hidden_states',
  conditions: ['encoder_hidden_states'],
  timestepPerSample: true,
};
const TOKENS = 512;
/** The end of the shift by size, for a scheduler's config that wants one and does not say. */
const MAX_SHIFT = 1.15;
/** The scheduler's clock runs from 1000, all noise, to 0. */
const TIME_SCALE = 1000;
const PATCH = 2;

/**
 * Z-Image: text and picture in one stream of tokens, told by a language model what to draw; Turbo is distilled to need
 * no guidance. Z-Image Team 2025, "Z-Image: An Efficient Image Generation Foundation Model with Single-Stream
 * Diffusion Transformer".
 */
export async function openZImage(pack: ModelPack, device: DeviceOptions): Promise<ImagePipeline> {
  const meter = new RunMeter();
  const plan = await PicturePlan.load(pack, { steps: 50, guidanceScale: 5 });
  const text = await QwenText.load(pack, device, meter);
  const transformer = await Denoiser.load(pack, device, meter, SINGLE_STREAM);
  const vae = await VaeDecoder.load(pack, device, meter);
  const upscaler = await Upscaler.load(pack, device, meter);
  const multiple = vae.downscale * PATCH;
  const tokens = pack.manifest?.defaults.maxSequenceLength ?? TOKENS;

  async function generate(request: PictureRequest, observer: PipelineObserver): Promise<DecodedPicture> {
    // Validate.
    const { steps, guidanceScale } = plan.choose(request, multiple);
    const h = request.height / vae.downscale;
    const w = request.width / vae.downscale;
    const dims = [1, vae.channels, h, w];

    /** The transformer with one text given; it predicts the way to noise, the scheduler goes the other. */
    async function told(words: string): Promise<Predict> {
      const predict = transformer.bind({ encoder_hidden_states: await text.encode(words, tokens) }, dims);
      return async (sample, timestep) => {
        const output = await predict(sample, (TIME_SCALE - timestep) / TIME_SCALE);
        for (let i = 0; i < output.length; i++) output[i] = -output[i];
        return output;
      };
    }

    // Encode the text. The scale counts from 0, no guidance; texts differ in length, so each has its own run.
    await observer.progress('text', 0, 1);
    const wanted = await told(request.prompt);
    const predict =
      guidanceScale > 0 ? withTwoRuns(await told(request.negative ?? ''), wanted, 1 + guidanceScale) : wanted;

    // Prepare the latents.
    const scheduler = plan.schedule(request, steps, {
      mu: sizeShift(plan.schedulerConfig, (h / PATCH) * (w / PATCH), MAX_SHIFT),
      sigmas: evenSigmas(steps),
    });
    const noise = plan.noise(request);
    const first = firstLatents(noise, vae.channels * h * w, 1);

    // Denoise.
    const latents = await denoise(first, predict, scheduler, noise, observer);

    // Decode.
    return await vae.decode(latents, h, w, observer);
  }

  return imagePipeline({
    pack,
    meter,
    nativeSizes: nativeSizesOf(pack, { sample_size: 128 }, vae.downscale),
    sizeMultiple: multiple,
    generate,
    upscaler,
    parts: [text, transformer, vae, upscaler],
  });
}
