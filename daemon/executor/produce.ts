import { NodeError } from '../../core/errors.js';
import type { JobMessage } from '../../core/messages.js';
import type { Released } from '../../core/released.js';
import type { PipelineObserver } from '../../pipelines/pipeline.js';
import { produceImage } from './produce-image.js';
import type { ExecutorTools } from './tools.js';

export interface Produced {
  readonly part: 'result' | 'poster';
  readonly released: Released;
}

/** Makes what a job asks for with the pack of its kind. @throws KIND_UNSUPPORTED and what producing throws */
export async function produce(
  tools: ExecutorTools,
  job: JobMessage,
  _scratchDir: string,
  observer: PipelineObserver,
): Promise<Produced[]> {
  const { request } = job;
  if (request.kind === 'image' && tools.image !== undefined) {
    return [
      { part: 'result', released: await produceImage(tools, tools.image, job.jobId, request, observer) },
    ];
  }
  throw new NodeError('KIND_UNSUPPORTED', `this node has no pack that makes ${request.kind} results`);
}
