import type { ModelPack } from '../models/pack/pack.js';
import { RunMeter } from '../models/run-meter.js';
import type { DeviceOptions } from '../models/session.js';
import { joinBatch } from '../models/tensor/join.js';
import { ints } from '../models/tensor/tensor.js';
import { denoise, Denoiser, type DenoiserEdges, type Predict } from './denoiser.js';
import { GemmaText } from './gemma-text.js';
import { withGuidance } from './guidance.js';
import { imagePipeline } from './image-pipeline.js';
import { firstLatents } from './latents.js';
import { nativeSizesOf } from './native-size.js';
import { PicturePlan } from './picture-plan.js';
import type { DecodedPicture, ImagePipeline, PictureRequest, PipelineObserver } from './pipeline.js';
import { SANA_INSTRUCTION } from './sana-instruction.js';
import { Upscaler } from './upscaler.js';
import { VaeDecoder } from './vae.js';

const LINEAR_DIT: DenoiserEdges = {
  part: 'transformer',
  sample: 'hidden_states',
  output: 'out_hidden_states',
  conditions: ['encoder_hidden_states', 'encoder_attention_mask'],
  timestepPerSample: true,
};
const TOKENS = 300;

/**
 * Sana: a transformer with linear attention on latents of a 32nd of the picture's sides, told by a language model
 * what to draw. Xie et al. 2024, "SANA: Efficient High-Resolution Image Synthesis with Linear Diffusion Transformers".
 */
export async function openSana(pack: ModelPack, device: DeviceOptions): Promise<ImagePipeline> {
  const meter = new RunMeter();
  const plan = await PicturePlan.load(pack, { steps: 20, guidanceScale: 4.5 });
  const text = await GemmaText.load(pack, device, meter, SANA_INSTRUCTION);
  const transformer = await Denoiser.load(pack, device, meter, LINEAR_DIT);
  const vae = await VaeDecoder.load(pack, device, meter);
  const upscaler = await Upscaler.load(pack, device, meter);
  const multiple = vae.downscale * transformer.config.patch_size;
  const tokens = pack.manifest?.defaults.maxSequenceLength ?? TOKENS;

  async function generate(request: PictureRequest, observer: PipelineObserver): Promise<DecodedPicture> {
    // Validate.
    const { steps, guidanceScale } = plan.choose(request, multiple);
    const guided = guidanceScale > 1;
    const h = request.height / vae.downscale;
    const w = request.width / vae.downscale;

    // Encode the text.
    await observer.progress('text', 0, 1);
    let { states, mask } = await text.encodeInstructed(asTrained(request.prompt), tokens);
    if (guided) {
      const unwanted = await text.encode(asTrained(request.negative ?? ''), tokens);
      states = joinBatch(unwanted.states, states);
      mask = ints([...unwanted.mask.data, ...mask.data], 2, tokens);
    }

    // Prepare the latents.
    const scheduler = plan.schedule(request, steps);
    const noise = plan.noise(request);
    const first = firstLatents(noise, vae.channels * h * w, 1);

    // Denoise.
    const dims = [guided ? 2 : 1, vae.channels, h, w];
    const conditions = { encoder_hidden_states: states, encoder_attention_mask: mask };
    const unguided = onTrainedClock(transformer, transformer.bind(conditions, dims));
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
    parts: [text, transformer, vae, upscaler],
  });
}

/** White space at the ends as Python's `str.strip` counts it. */
const ENDS = /^[\p{White_Space}\x1c-\x1f]+|[\p{White_Space}\x1c-\x1f]+$/gu;

/** The captions of its training had no capitals. */
function asTrained(prompt: string): string {
  return prompt.toLowerCase().replace(ENDS, '');
}

function onTrainedClock(transformer: Denoiser, predict: Predict): Predict {
  const { timestep_scale: scale } = transformer.config;
  return scale === 1 ? predict : (sample, timestep) => predict(sample, timestep * scale);
}
