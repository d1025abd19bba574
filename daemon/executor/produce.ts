import { NodeError } from '../../core/errors.js';
import type { JobMessage } from '../../core/messages.js';
import type { PipelineObserver } from '../../pipelines/pipeline.js';
import { marksFor } from './job-marks.js';
import { produceAudio } from './produce-audio.js';
import { produceImage } from './produce-image.js';
import { produceVideo } from './produce-video.js';
import type { Produced } from './produced.js';
import type { ExecutorTools } from './tools.js';

/** Makes what a job asks for with the pack of its kind. @throws KIND_UNSUPPORTED and what producing throws */
export async function produce(
  tools: ExecutorTools,
  job: JobMessage,
  scratchDir: string,
  observer: PipelineObserver,
): Promise<Produced[]> {
  const { request } = job;
  const marks = marksFor(tools.nodeId, job.jobId, tools.watermarkKey);
  if (request.kind === 'image' && tools.image !== undefined) {
    return [{ part: 'result', released: await produceImage(tools, tools.image, marks, request, observer) }];
  }
  if (request.kind === 'video' && tools.video !== undefined) {
    return produceVideo(tools, tools.video, marks, request, scratchDir, observer);
  }
  if (request.kind === 'audio' && tools.audio !== undefined) {
    return produceAudio(tools, tools.audio, marks, request, scratchDir, observer);
  }
  throw new NodeError('KIND_UNSUPPORTED', `this node has no pack that makes ${request.kind} results`);
}
