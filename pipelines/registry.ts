import { NodeError } from '../core/errors.js';
import { openPack, type ModelPack } from '../models/pack/pack.js';
import type { DeviceOptions } from '../models/session.js';
import { openFlux } from './flux.js';
import { openLatentConsistency } from './latent-consistency.js';
import { openLtx } from './ltx/ltx-pipeline.js';
import type { AnyPipeline } from './pipeline.js';
import { openSana } from './sana.js';
import { openStableAudio } from './stable-audio/stable-audio-pipeline.js';
import { openStableDiffusion3 } from './stable-diffusion-3.js';
import { openStableDiffusionXl } from './stable-diffusion-xl.js';
import { openStableDiffusion } from './stable-diffusion.js';
import { openZImage } from './z-image.js';

type Open = (pack: ModelPack, device: DeviceOptions) => Promise<AnyPipeline>;

/** Pipelines by the class that model_index.json names. */
const PIPELINES: Readonly<Record<string, Open>> = Object.freeze({
  FluxPipeline: openFlux,
  LTXPipeline: openLtx,
  LatentConsistencyModelPipeline: openLatentConsistency,
  SanaPipeline: openSana,
  StableAudioPipeline: openStableAudio,
  StableDiffusion3Pipeline: openStableDiffusion3,
  StableDiffusionPipeline: openStableDiffusion,
  StableDiffusionXLPipeline: openStableDiffusionXl,
  ZImagePipeline: openZImage,
});

/** Pipeline classes this node runs. */
const PIPELINE_CLASSES: readonly string[] = Object.keys(PIPELINES);

/**
 * Optimum has called its exports ORTStableDiffusionPipeline, diffusers its own OnnxStableDiffusionPipeline. What starts
 * from a picture has the same graphs: Optimum 1.10 to 1.21 exported every SDXL as StableDiffusionXLImg2ImgPipeline.
 */
function canonical(className: string): string {
  return className.replace(/^(ORT|Onnx)/, '').replace(/Img2ImgPipeline$/, 'Pipeline');
}

/**
 * Opens a pack with the pipeline that its model_index.json names.
 * @throws PIPELINE_UNKNOWN, PACK_MISSING, PACK_INVALID, PACK_DIGEST_MISMATCH and what loading graphs throws
 */
export async function openPipeline(
  folder: string,
  options: DeviceOptions & { verifyDigests: boolean },
): Promise<AnyPipeline> {
  const pack = await openPack(folder, options);
  const open = PIPELINES[canonical(pack.index._class_name)];
  if (open === undefined) {
    throw new NodeError(
      'PIPELINE_UNKNOWN',
      `pack ${pack.dir}: the pipeline ${pack.index._class_name} is not known; known are ${PIPELINE_CLASSES.join(', ')}`,
    );
  }
  return await open(pack, options);
}
