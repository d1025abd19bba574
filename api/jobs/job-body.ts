import type { StoredMedia } from '../../core/messages.js';
import { contentTypeOf } from '../../core/storage/keys.js';
import { jobsAhead } from '../database/jobs.js';
import type { Job } from '../database/schema.js';
import type { JobBody } from '../http/schemas.js';
import type { ApiKind } from '../metering/limits.js';
import type { Services } from '../services.js';
import { LINK_SECONDS } from './retention.js';

/** The name a browser saves a result under. */
function filename(jobId: string, key: string): string {
  return `zsky-${jobId.slice(0, 12)}${key.slice(key.lastIndexOf('.'))}`;
}

async function link(services: Services, job: Job, media: StoredMedia): Promise<string> {
  return services.store.signedUrl(media.key, LINK_SECONDS, filename(job.id, media.key));
}

async function resultFields(services: Services, job: Job): Promise<Partial<JobBody>> {
  if (job.result === null) return {};
  const result = JSON.parse(job.result) as StoredMedia;
  const poster = job.poster === null ? undefined : (JSON.parse(job.poster) as StoredMedia);
  return {
    result_url: await link(services, job, result),
    expires_in: LINK_SECONDS,
    content_type: contentTypeOf(result.key),
    bytes: result.bytes,
    ...(result.width === undefined ? {} : { width: result.width }),
    ...(result.height === undefined ? {} : { height: result.height }),
    ...(poster === undefined ? {} : { poster_url: await link(services, job, poster) }),
  };
}

/** Where a job that has not ended is: running with its progress, or waiting with its place in the queue. */
async function waitingFields(services: Services, job: Job): Promise<Partial<JobBody>> {
  const progress = services.progress.latest(job.id);
  if (progress !== undefined) {
    const { stage, step, steps, fraction } = progress;
    return { status: 'running', progress: { stage, step, steps, fraction } };
  }
  if (job.stored === 0) return {};
  const ahead = await jobsAhead(services.database.read, job.kind, job.seq);
  const waiting = ahead.filter((id) => services.progress.latest(id) === undefined);
  return { queue_position: waiting.length + 1 };
}

/** A job as its owner sees it, with fresh links. */
export async function jobBody(services: Services, job: Job): Promise<JobBody> {
  return {
    job_id: job.id,
    status: job.state,
    kind: job.kind as ApiKind,
    created_at: new Date(job.created_at).toISOString(),
    ...(job.ended_at === null
      ? await waitingFields(services, job)
      : { ended_at: new Date(job.ended_at).toISOString() }),
    ...(job.state === 'completed' ? await resultFields(services, job) : {}),
    ...(job.seed === null ? {} : { seed: job.seed }),
    ...(job.error === null ? {} : { error: job.error }),
    ...(job.error_code === null ? {} : { error_code: job.error_code }),
  };
}
