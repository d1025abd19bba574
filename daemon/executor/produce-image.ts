import type { ImageRequest } from '../../core/messages.js';
import type { Released } from '../../core/released.js';
import { generateExactly } from '../../pipelines/exact-size.js';
import type { ImagePipeline, PipelineObserver } from '../../pipelines/pipeline.js';
import { approveOutput, approvePrompt } from '../../safety/gate.js';
import type { MediaMarks } from './media-marks.js';
import { releasePicture } from './release-picture.js';
import type { ExecutorTools } from './tools.js';

/**
 * The story of a picture: prompt check, generate, output check; then watermark, encode, sign the manifest, read the
 * watermark back from the signed bytes, release.
 * @throws Blocked, Cancelled, and any NodeError of its steps
 */
export async function produceImage(
  tools: ExecutorTools,
  pipeline: ImagePipeline,
  marks: MediaMarks,
  request: ImageRequest,
  observer: PipelineObserver,
): Promise<Released> {
  await observer.progress('prompt-check', 0, 1);
  const prompt = await approvePrompt((input) => tools.prompts.check(input), request.prompt, request.negative);

  const picture = await generateExactly(pipeline, request, observer);

  await observer.progress('output-check', 0, 1);
  const approved = await approveOutput(prompt, picture, (image) => tools.outputs.checkPicture(image));

  return releasePicture(tools, approved, marks, pipeline.pack.id, (stage) => observer.progress(stage, 0, 1));
}
