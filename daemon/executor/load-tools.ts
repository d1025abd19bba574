import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { NodeError } from '../../core/errors.js';
import { PROJECT_ROOT } from '../../core/paths.js';
import { RunMeter } from '../../models/run-meter.js';
import { generateExactly } from '../../pipelines/exact-size.js';
import type { AnyPipeline, PipelineObserver } from '../../pipelines/pipeline.js';
import { openPipeline } from '../../pipelines/registry.js';
import { keywordDirector } from '../../pipelines/sound-director/keyword-director.js';
import { VitsPipeline } from '../../pipelines/speech/vits-pipeline.js';
import { VOICE_FOLDER } from '../../pipelines/speech/voice-folder.js';
import { openCredentialSigner } from '../../safety/credentials/credential-signer.js';
import { createOutputChecker } from '../../safety/output/output-checker.js';
import { createPromptChecker, type PromptChecker } from '../../safety/prompt/prompt-checker.js';
import { marksFor } from './job-marks.js';
import type { ExecutorSetup } from './protocol.js';
import type { ExecutorTools } from './tools.js';

export function loadPromptChecker({ safetyModels, policyFolder }: ExecutorSetup): Promise<PromptChecker> {
  return createPromptChecker({ modelsDir: safetyModels, policyFolder, meter: new RunMeter() });
}

/** Relative pack folders are looked for in the working directory, then in the project. */
function packFolder(path: string): string {
  const here = resolve(path);
  return existsSync(here) ? here : join(PROJECT_ROOT, path);
}

/**
 * Loads every pack and every check. A starter pack that is not installed is passed over; any other missing
 * pack, and any damaged one, stops the start.
 * @throws PACK_MISSING, PACK_INVALID, … and CHECK_UNAVAILABLE
 */
export async function loadTools(
  setup: ExecutorSetup,
  onLoading: (what: string) => void,
): Promise<ExecutorTools> {
  const pipelines: { image?: AnyPipeline; video?: AnyPipeline; audio?: AnyPipeline } = {};
  for (const path of setup.packs) {
    const folder = packFolder(path);
    if (path.startsWith('models/packs/starter-') && !existsSync(join(folder, 'model_index.json'))) continue;
    onLoading(`pack ${path}`);
    const pipeline = await openPipeline(folder, {
      device: setup.device,
      deviceId: setup.deviceId,
      threads: setup.threads,
      verifyDigests: setup.verifyDigests,
    });
    const twin = pipelines[pipeline.kind];
    if (twin !== undefined) {
      throw new NodeError(
        'PACK_INVALID',
        `packs ${twin.pack.id} and ${pipeline.pack.id} both make ${pipeline.kind} results; configure one`,
      );
    }
    pipelines[pipeline.kind] = pipeline;
  }
  const { image, video, audio } = pipelines;
  if (image === undefined && video === undefined && audio === undefined) {
    throw new NodeError('PACK_MISSING', `none of the packs is there: ${setup.packs.join(', ')}`, {
      hint: 'Set ZSKY_DAEMON_PACKS to one or more pack folders.',
    });
  }
  const voice =
    audio !== undefined && existsSync(VOICE_FOLDER)
      ? await VitsPipeline.load(VOICE_FOLDER, setup, audio.meter)
      : undefined;
  onLoading('safety models');
  const safetyMeter = new RunMeter();
  const safety = { modelsDir: setup.safetyModels, policyFolder: setup.policyFolder, meter: safetyMeter };
  const prompts = await createPromptChecker(safety);
  const outputs = await createOutputChecker(safety);
  return {
    image: image?.kind === 'image' ? image : undefined,
    video: video?.kind === 'video' ? video : undefined,
    audio: audio?.kind === 'audio' ? audio : undefined,
    voice,
    director: keywordDirector,
    prompts,
    outputs,
    safetyMeter,
    nodeId: setup.nodeId,
    watermarkKey: new TextEncoder().encode(setup.watermarkKey),
    ffmpeg: setup.ffmpeg,
    encoder: setup.encoder,
    credentials: await openCredentialSigner(setup.identity),
  };
}

const WARM_UP_JOB = '0'.repeat(32);
const MARK_ROUNDS = 8;
/** As few as every scheduler takes. */
const WARM_UP_STEPS = 4;
const QUIET: PipelineObserver = { progress: async () => undefined };

/**
 * Makes the pictures that the pack names, else one of its first size, and marks, so that the first customer does not pay for
 * lazy allocation.
 */
export async function warmUp(tools: ExecutorTools, onLoading: (what: string) => void): Promise<void> {
  if (tools.image !== undefined) {
    const { pack, nativeSizes, upscaler } = tools.image;
    onLoading(`warm-up of ${pack.id}`);
    const [width, height] = nativeSizes[0];
    const named = pack.manifest?.warmup ?? [];
    for (const request of named.length > 0 ? named : [{ prompt: 'a house' }]) {
      const { seed = 0, steps = WARM_UP_STEPS } = request;
      const size = { width: request.width ?? width, height: request.height ?? height };
      await generateExactly(tools.image, { ...request, ...size, seed, steps }, QUIET);
    }
    // One that only enlarges may not have been asked for.
    if (upscaler?.restores === false)
      await upscaler.run({ width, height, data: new Float32Array(3 * width * height) });
    warmUpMarks(tools);
  }
}

/**
 * Code that runs once a job would stay slow for many jobs: the first mark and its reading take three times as long as the
 * eighth (452 + 185 and 133 + 50 ms on one slow host).
 */
function warmUpMarks({ nodeId, watermarkKey }: ExecutorTools): void {
  const side = 1024;
  const data = new Uint8Array(side * side * 3);
  for (let i = 0; i < data.length; i++) data[i] = (i * 31 + (i >> 9) * 17) & 255;
  const { picture } = marksFor(nodeId, WARM_UP_JOB, watermarkKey);
  for (let round = 0; round < MARK_ROUNDS; round++)
    picture.find(picture.embed({ width: side, height: side, data }, 1));
}
