import { NodeError } from '../core/errors.js';
import type { ModelPack } from '../models/pack/pack.js';
import { RunMeter } from '../models/run-meter.js';
import type { DeviceOptions } from '../models/session.js';
import { joinBatch, joinFeatures, joinSequence } from '../models/tensor/join.js';
import { floats, type FloatTensor } from '../models/tensor/tensor.js';
import { ClipText } from './clip-text.js';
import { denoise, Denoiser, type DenoiserEdges } from './denoiser.js';
import { withGuidance } from './guidance.js';
import { imagePipeline } from './image-pipeline.js';
import { firstLatents } from './latents.js';
import { nativeSizesOf } from './native-size.js';
import { PicturePlan, sizeShift } from './picture-plan.js';
import type { DecodedPicture, ImagePipeline, PictureRequest, PipelineObserver } from './pipeline.js';
import { T5Text } from './t5-text.js';
import { Upscaler } from './upscaler.js';
import { VaeDecoder } from './vae.js';

const MMDIT: DenoiserEdges = {
  part: 'transformer',
  sample: 'hidden_states',
  output: 'out_hidden_states',
  conditions: ['encoder_hidden_states', 'pooled_projections'],
  timestepPerSample: true,
};
const T5_TOKENS = 256;
/** The shift's end where the scheduler's config has none; the reference differs here from FLUX by a hundredth. */
const MAX_SHIFT = 1.16;

/**
 * Stable Diffusion 3: two CLIP encoders beside T5, which may be left out, and a transformer trained by flow
 * matching. Esser et al. 2024, "Scaling Rectified Flow Transformers for High-Resolution Image Synthesis".
 */
export async function openStableDiffusion3(pack: ModelPack, device: DeviceOptions): Promise<ImagePipeline> {
  const meter = new RunMeter();
  const plan = await PicturePlan.load(pack, { steps: 28, guidanceScale: 7 });
  const clip = { states: 'penultimate', pooled: 'text_embeds' } as const;
  const text = await ClipText.load(pack, device, meter, clip);
  const bigText = await ClipText.load(pack, device, meter, { ...clip, suffix: '_2' });
  const t5 = pack.has('text_encoder_3') ? await T5Text.load(pack, device, meter, '_3') : undefined;
  const transformer = await Denoiser.load(pack, device, meter, MMDIT);
  const vae = await VaeDecoder.load(pack, device, meter);
  const upscaler = await Upscaler.load(pack, device, meter);
  const multiple = vae.downscale * transformer.config.patch_size;
  const tokens = pack.manifest?.defaults.maxSequenceLength ?? T5_TOKENS;
  const width = textWidth(transformer);

  async function encode(words: string): Promise<{ states: FloatTensor; pooled: FloatTensor }> {
    const small = await text.encode(words);
    const big = await bigText.encode(words, text.maxLength);
    const long = t5
      ? await t5.encode(words, tokens)
      : floats(new Float32Array(tokens * width), 1, tokens, width);
    const short = joinFeatures([small.states, big.states], long.dims[2]);
    return { states: joinSequence(short, long), pooled: joinFeatures([small.pooled!, big.pooled!]) };
  }

  async function generate(request: PictureRequest, observer: PipelineObserver): Promise<DecodedPicture> {
    // Validate.
    const { steps, guidanceScale } = plan.choose(request, multiple);
    const guided = guidanceScale > 1;
    const h = request.height / vae.downscale;
    const w = request.width / vae.downscale;

    // Encode the text.
    await observer.progress('text', 0, 1);
    let { states, pooled } = await encode(request.prompt);
    if (guided) {
      const unwanted = await encode(request.negative ?? '');
      states = joinBatch(unwanted.states, states);
      pooled = joinBatch(unwanted.pooled, pooled);
    }

    // Prepare the latents.
    const patches = (h * w) / transformer.config.patch_size ** 2;
    const dynamic = plan.schedulerConfig['use_dynamic_shifting'] === true;
    const mu = dynamic ? sizeShift(plan.schedulerConfig, patches, MAX_SHIFT) : undefined;
    const scheduler = plan.schedule(request, steps, { mu });
    const noise = plan.noise(request);
    const first = firstLatents(noise, vae.channels * h * w, 1);

    // Denoise.
    const dims = [guided ? 2 : 1, vae.channels, h, w];
    const unguided = transformer.bind({ encoder_hidden_states: states, pooled_projections: pooled }, dims);
    const predict = guided ? withGuidance(unguided, guidanceScale, first.length) : unguided;
    const latents = await denoise(first, predict, scheduler, noise, observer);

    // Decode.
    return await vae.decode(latents, h, w, observer);
  }

  return imagePipeline({
    pack,
    meter,
    nativeSizes: nativeSizesOf(pack, transformer.config, vae.downscale),
    sizeMultiple: multiple,
    generate,
    upscaler,
    parts: [text, bigText, t5, transformer, vae, upscaler],
  });
}

/** Width of the text states: without T5 it is known only from the transformer. */
function textWidth({ graph, config }: Denoiser): number {
  const declared = graph.inputs.get('encoder_hidden_states')?.dims[2];
  const width = typeof declared === 'number' ? declared : config.joint_attention_dim;
  if (width === undefined) {
    throw new NodeError(
      'PACK_INVALID',
      `${graph.path}: neither the graph nor config.json tells the width of "encoder_hidden_states"`,
    );
  }
  return width;
}
