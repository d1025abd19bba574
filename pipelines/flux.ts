import type { ModelPack } from '../models/pack/pack.js';
import { RunMeter } from '../models/run-meter.js';
import type { DeviceOptions } from '../models/session.js';
import { floats, type FloatTensor } from '../models/tensor/tensor.js';
import { ClipText } from './clip-text.js';
import { denoise, Denoiser, type DenoiserEdges, type Predict } from './denoiser.js';
import { withTwoRuns } from './guidance.js';
import { imagePipeline } from './image-pipeline.js';
import { firstLatents, packPatches, patchPositions, unpackPatches } from './latents.js';
import { nativeSizesOf } from './native-size.js';
import { evenSigmas, PicturePlan, sizeShift } from './picture-plan.js';
import type { DecodedPicture, ImagePipeline, PictureRequest, PipelineObserver } from './pipeline.js';
import { T5Text } from './t5-text.js';
import { Upscaler } from './upscaler.js';
import { VaeDecoder } from './vae.js';

const FLUX: DenoiserEdges = {
  part: 'transformer',
  sample: 'hidden_states',
  output: 'out_hidden_states',
  conditions: ['encoder_hidden_states', 'pooled_projections', 'txt_ids', 'img_ids', 'guidance'],
  timestepPerSample: true,
};
const T5_TOKENS = 512;
const MAX_SHIFT = 1.15;
/** The transformer counts time from 0 to 1. */
const TIME_SCALE = 1000;

/**
 * FLUX.1: T5 for the words, CLIP for their gist, latents as tokens of 2x2 patches. "dev" takes the guidance
 * scale as an input, "schnell" has no guidance. Black Forest Labs 2024; Esser et al. 2024, section 5.3.2 for
 * the shift by size.
 */
export async function openFlux(pack: ModelPack, device: DeviceOptions): Promise<ImagePipeline> {
  const meter = new RunMeter();
  const plan = await PicturePlan.load(pack, { steps: 28, guidanceScale: 3.5 });
  const gist = await ClipText.load(pack, device, meter, { states: 'last', pooled: 'pooler_output' });
  const text = await T5Text.load(pack, device, meter, '_2');
  const transformer = await Denoiser.load(pack, device, meter, FLUX);
  const vae = await VaeDecoder.load(pack, device, meter);
  const upscaler = await Upscaler.load(pack, device, meter);
  const tokens = pack.manifest?.defaults.maxSequenceLength ?? T5_TOKENS;
  const multiple = vae.downscale * 2;
  /** Exports of before diffusers 0.31 give ids a batch axis. */
  const ids = (name: string, values: FloatTensor): FloatTensor =>
    transformer.graph.inputs.get(name)?.dims.length === 3 ? floats(values.data, 1, ...values.dims) : values;

  async function generate(request: PictureRequest, observer: PipelineObserver): Promise<DecodedPicture> {
    // Validate.
    const { steps, guidanceScale } = plan.choose(request, multiple);
    const trueScale = request.trueGuidanceScale ?? 1;
    const h = request.height / vae.downscale;
    const w = request.width / vae.downscale;
    const patches = (h / 2) * (w / 2);
    const dims = [1, patches, vae.channels * 4];
    const positions = patchPositions(h / 2, w / 2);

    /** The transformer with one text given. */
    async function told(words: string): Promise<Predict> {
      const states = await text.encode(words, tokens);
      const { pooled } = await gist.encode(words);
      const predict = transformer.bind(
        {
          encoder_hidden_states: states,
          pooled_projections: pooled!,
          txt_ids: ids('txt_ids', floats(new Float32Array(tokens * 3), tokens, 3)),
          img_ids: ids('img_ids', positions),
          guidance: floats(Float32Array.of(guidanceScale), 1),
        },
        dims,
      );
      return (sample, timestep) => predict(sample, Math.fround(timestep / TIME_SCALE));
    }

    // Encode the text.
    await observer.progress('text', 0, 1);
    const wanted = await told(request.prompt);
    const guided = trueScale > 1 && request.negative !== undefined;
    const predict = guided ? withTwoRuns(await told(request.negative), wanted, trueScale) : wanted;

    // Prepare the latents. Noise levels fall evenly before they are shifted for the picture's size.
    const scheduler = plan.schedule(request, steps, {
      mu: sizeShift(plan.schedulerConfig, patches, MAX_SHIFT),
      sigmas: plan.schedulerConfig['use_flow_sigmas'] === true ? undefined : evenSigmas(steps),
    });
    const noise = plan.noise(request);
    const first = packPatches(firstLatents(noise, vae.channels * h * w, 1), vae.channels, h, w);

    // Denoise.
    const latents = await denoise(first, predict, scheduler, noise, observer);

    // Decode.
    return await vae.decode(unpackPatches(latents, vae.channels, h, w), h, w, observer);
  }

  return imagePipeline({
    pack,
    meter,
    nativeSizes: nativeSizesOf(pack, { sample_size: 128 }, vae.downscale),
    sizeMultiple: multiple,
    generate,
    upscaler,
    parts: [gist, text, transformer, vae, upscaler],
  });
}
