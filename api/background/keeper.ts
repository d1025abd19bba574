import { abandonedJobs, purgedActiveJobs } from '../database/jobs.js';
import { giveUp, stopJob } from '../jobs/cancel.js';
import type { Services } from '../services.js';
import { startLoop, type Loop } from './loop.js';

const EVERY_MS = 5000;
/** A node fails an expired job itself; this is for jobs that no node ever took. */
const EXPIRY_GRACE_MS = 10 * 60_000;

/** Ends what nobody else ends: zero-retention jobs of dead callers, jobs no node took, cancels that got lost. */
export async function keepOrder(services: Services): Promise<void> {
  const { database, broker, now, log } = services;
  if (!broker.here) return;
  for (const { id } of await purgedActiveJobs(database.read)) await stopJob(services, id);
  const at = now();
  for (const job of await abandonedJobs(database.read, at, at - EXPIRY_GRACE_MS)) {
    const outcome = await broker.cancel(job.id);
    const left = job.lease_until !== null;
    // One that runs ends by itself, and one that ended has its event under way; but nobody waits for bytes.
    if (outcome !== 'never-started' && !left) continue;
    log.warn({ jobId: job.id, outcome }, 'an abandoned job is failed and given back');
    await giveUp(services, job.id, left ? 'INTERNAL' : 'JOB_EXPIRED');
  }
}

/** Runs `keepOrder` every few seconds. */
export function startKeeper(services: Services): Loop {
  return startLoop('keeper', EVERY_MS, services.log, () => keepOrder(services));
}
