import { asNodeError } from '../../core/errors.js';
import { jobPrefix } from '../../core/storage/keys.js';
import type { ResultStore } from '../../core/storage/store.js';
import { forgetJob } from '../database/jobs.js';
import { endJob } from '../database/settlement.js';
import type { Services } from '../services.js';

/** Deletes every file of a job. @throws STORAGE_UNAVAILABLE */
export async function removeFiles(store: ResultStore, jobId: string): Promise<void> {
  for await (const file of store.list(jobPrefix(jobId))) await store.remove(file.key);
}

/** Ends a job that certainly never started: its reservation goes back. */
export async function endUnstarted(services: Services, jobId: string): Promise<void> {
  const { database, settings, now } = services;
  await endJob(database, settings.limits, jobId, { state: 'cancelled', at: now(), charged: false });
}

/** Fails a job that nobody will finish: its reservation goes back. */
export async function giveUp(
  { database, settings, now }: Pick<Services, 'database' | 'settings' | 'now'>,
  jobId: string,
  errorCode: 'INTERNAL' | 'JOB_EXPIRED',
): Promise<void> {
  await endJob(database, settings.limits, jobId, {
    state: 'failed',
    at: now(),
    charged: false,
    errorCode,
    error: 'The job could not be finished and was not charged. Please try again.',
  });
}

/**
 * Asks the nodes to stop a job. One that no node has started ends here; one that runs ends when its executor
 * has stopped and said so.
 */
export async function stopJob(services: Services, jobId: string): Promise<void> {
  try {
    const outcome = await services.broker.cancel(jobId);
    if (outcome === 'never-started') await endUnstarted(services, jobId);
  } catch (error) {
    // The keeper asks again until the job has ended.
    services.log.warn({ jobId, code: asNodeError(error).code }, 'a cancel could not be sent yet');
  }
}

/** Removes what is left of a purged or expired job, bytes first, so that a crash leaves the row to find them by. */
export async function eraseJob(services: Services, jobId: string): Promise<void> {
  await removeFiles(services.store, jobId);
  await forgetJob(services.database, jobId);
}
