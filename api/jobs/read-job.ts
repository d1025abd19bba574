import { jobId } from '../../core/kinds.js';
import { findJob } from '../database/jobs.js';
import type { Job } from '../database/schema.js';
import { ApiError } from '../http/api-errors.js';
import { VersionedCache } from '../http/versioned-cache.js';
import type { Services } from '../services.js';
import { jobBody } from './job-body.js';
import { RETENTION_MS } from './retention.js';

/** The answer that never tells whether the job exists for somebody else. */
export function jobNotFound(): ApiError {
  return new ApiError('job_not_found', 'There is no such job, or it is not yours.');
}

/** Reads jobs for their owners; polling is most of the traffic, so what has not changed is not read again. */
export class JobReader {
  private readonly rows: VersionedCache<Job>;
  /** Answers about finished jobs, alike within one second because links expire on whole seconds. */
  private readonly answers: VersionedCache<{ readonly second: number; readonly text: string }>;

  constructor(private readonly services: Services) {
    this.rows = new VersionedCache(services.database);
    this.answers = new VersionedCache(services.database);
  }

  /** The owner's job. @throws ApiError job_not_found */
  async row(accountId: string, id: string): Promise<Job> {
    const cacheKey = `${accountId} ${id}`;
    let job = this.rows.get(cacheKey);
    if (job === undefined) {
      if (!jobId.safeParse(id).success) throw jobNotFound();
      const version = this.rows.version();
      job = await findJob(this.services.database.read, accountId, id);
      if (job === undefined) throw jobNotFound();
      this.rows.set(cacheKey, job, version);
    }
    // The sweeper may be a few minutes late; the promise is not.
    if (job.ended_at !== null && job.ended_at + RETENTION_MS <= this.services.now()) throw jobNotFound();
    return job;
  }

  /** The body of `GET /v1/jobs/<id>` as text, if it can be given without looking anything up. */
  cachedAnswer(accountId: string, id: string): string | undefined {
    const found = this.answers.get(`${accountId} ${id}`);
    return found?.second === this.second() ? found.text : undefined;
  }

  /** The body of `GET /v1/jobs/<id>` as text. @throws ApiError job_not_found */
  async answer(accountId: string, id: string): Promise<string> {
    this.answers.get('');
    const version = this.answers.version();
    const second = this.second();
    const job = await this.row(accountId, id);
    const text = JSON.stringify(await jobBody(this.services, job));
    if (job.ended_at !== null) this.answers.set(`${accountId} ${id}`, { second, text }, version);
    return text;
  }

  private second(): number {
    return Math.floor(this.services.now() / 1000);
  }
}
