import { forgetOldRequests, jobsToForget, knownJobs } from '../database/jobs.js';
import { eraseJob } from '../jobs/cancel.js';
import { IDEMPOTENCY_MS, RETENTION_MS } from '../jobs/retention.js';
import type { Services } from '../services.js';
import { SUSPENSION_WINDOW_MS } from '../metering/suspension.js';
import { startLoop, type Loop } from './loop.js';

const EVERY_MS = 5 * 60_000;
const BATCH = 50;
/** A node stores bytes before it tells so; files younger than this may belong to a job about to end. */
const ORPHAN_AGE_MS = 3600_000;
const HALF_WRITTEN_AGE_MS = 24 * 3600_000;

async function forgetJobs(services: Services, now: number): Promise<void> {
  for (;;) {
    const due = await jobsToForget(services.database.read, now - RETENTION_MS, BATCH);
    // Together, so that their commits share the wait for the disk.
    await Promise.all(due.map(({ id }) => eraseJob(services, id)));
    if (due.length < BATCH) return;
  }
}

async function removeOrphans({ store, database }: Services, now: number): Promise<void> {
  let page: { jobId: string; key: string }[] = [];
  const flush = async (): Promise<void> => {
    const known = await knownJobs(database.read, [...new Set(page.map((file) => file.jobId))]);
    for (const { jobId, key } of page) if (!known.has(jobId)) await store.remove(key);
    page = [];
  };
  for await (const { key, modifiedAt } of store.list()) {
    if (modifiedAt.getTime() > now - ORPHAN_AGE_MS) continue;
    page.push({ jobId: key.split('/')[0], key });
    if (page.length >= BATCH) await flush();
  }
  await flush();
}

/**
 * Deletes what the API promises not to keep: results and jobs after 7 days, purged ones whose deletion was
 * interrupted, files without a job. Everything is found by looking, so a restart loses nothing.
 */
export async function sweep(services: Services): Promise<void> {
  const now = services.now();
  await forgetJobs(services, now);
  await forgetOldRequests(services.database, now - IDEMPOTENCY_MS, now - 2 * SUSPENSION_WINDOW_MS);
  await removeOrphans(services, now);
  await services.store.tidy(new Date(now - HALF_WRITTEN_AGE_MS));
}

/** Runs `sweep` at start and every five minutes. */
export function startSweeper(services: Services): Loop {
  return startLoop('sweeper', EVERY_MS, services.log, () => sweep(services));
}
