import type { JobKind } from '../../core/kinds.js';
import type { Database } from './database.js';
import type { Job, Reader } from './schema.js';

/** A job of this account that was not purged. */
export function findJob(reader: Reader, accountId: string, jobId: string): Promise<Job | undefined> {
  return reader
    .selectFrom('jobs')
    .selectAll()
    .where('id', '=', jobId)
    .where('account_id', '=', accountId)
    .where('deleted', '=', 0)
    .executeTakeFirst();
}

/** Where a job stands, whoever owns it and whether or not it was purged. */
export function findJobState(
  reader: Reader,
  jobId: string,
): Promise<Pick<Job, 'state' | 'stored'> | undefined> {
  return reader.selectFrom('jobs').select(['state', 'stored']).where('id', '=', jobId).executeTakeFirst();
}

/** Jobs that were purged and have not ended yet. */
export function purgedActiveJobs(reader: Reader): Promise<Pick<Job, 'id'>[]> {
  return reader
    .selectFrom('jobs')
    .select('id')
    .where('deleted', '=', 1)
    .where('ended_at', 'is', null)
    .execute();
}

/** An account's jobs, newest first; `before` continues a list after the job with that number. */
export function listJobs(
  reader: Reader,
  accountId: string,
  limit: number,
  before: number | undefined,
): Promise<Job[]> {
  let query = reader
    .selectFrom('jobs')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('deleted', '=', 0)
    .orderBy('seq', 'desc')
    .limit(limit);
  if (before !== undefined) query = query.where('seq', '<', before);
  return query.execute();
}

/** Jobs of a kind that arrived earlier and have not ended, running ones included. */
export async function jobsAhead(reader: Reader, kind: JobKind, seq: number): Promise<string[]> {
  const rows = await reader
    .selectFrom('jobs')
    .select('id')
    .where('kind', '=', kind)
    .where('ended_at', 'is', null)
    .where('stored', '=', 1)
    .where('seq', '<', seq)
    .execute();
  return rows.map((row) => row.id);
}

/** What a purge found: nothing; a job that had ended; one the broker never heard of; or one to be stopped. */
export type PurgeFinding = 'missing' | 'ended' | 'unsent' | 'active';

/** Hides a job from its owner for good and forgets what was asked; bytes and row go as soon as they can. */
export function purgeJob(
  database: Database,
  accountId: string,
  jobId: string,
  now: number,
): Promise<PurgeFinding> {
  return database.write(async (tx): Promise<PurgeFinding> => {
    const job = await tx
      .updateTable('jobs')
      .set({ deleted: 1, request: null })
      .where('id', '=', jobId)
      .where('account_id', '=', accountId)
      .where('deleted', '=', 0)
      .returning('ended_at')
      .executeTakeFirst();
    if (job === undefined) return 'missing';
    await tx.deleteFrom('webhooks').where('job_id', '=', jobId).execute();
    await tx.updateTable('idempotency').set({ fingerprint: null }).where('job_id', '=', jobId).execute();
    if (job.ended_at !== null) return 'ended';
    const unsent = await tx
      .deleteFrom('outbox')
      .where('job_id', '=', jobId)
      .where('claimed_until', '<', now)
      .executeTakeFirst();
    return unsent.numDeletedRows > 0n ? 'unsent' : 'active';
  });
}

/** Deletes the row of a job that ended, with all that hangs on it; the ledger keeps its entries. */
export function forgetJob(database: Database, jobId: string): Promise<void> {
  return database.write(async (tx) => {
    await tx.deleteFrom('jobs').where('id', '=', jobId).where('ended_at', 'is not', null).execute();
    await tx.deleteFrom('webhooks').where('job_id', '=', jobId).execute();
  });
}

/** Ended jobs whose bytes and rows are due to go: purged ones, and those that ended before an instant. */
export function jobsToForget(reader: Reader, endedBefore: number, limit: number): Promise<Pick<Job, 'id'>[]> {
  return reader
    .selectFrom('jobs')
    .select('id')
    .where('ended_at', 'is not', null)
    .where((eb) => eb.or([eb('ended_at', '<=', endedBefore), eb('deleted', '=', 1)]))
    .limit(limit)
    .execute();
}

/** Which of these jobs have a row. */
export async function knownJobs(reader: Reader, jobIds: readonly string[]): Promise<Set<string>> {
  if (jobIds.length === 0) return new Set();
  const rows = await reader.selectFrom('jobs').select('id').where('id', 'in', jobIds).execute();
  return new Set(rows.map((row) => row.id));
}

/** Jobs nobody can end any more: zero-retention ones whose caller's process is gone, and waits without end. */
export function abandonedJobs(reader: Reader, now: number, expiredBefore: number): Promise<Job[]> {
  return reader
    .selectFrom('jobs')
    .selectAll()
    .where('ended_at', 'is', null)
    .where((eb) => eb.or([eb('lease_until', '<=', now), eb('expires_at', '<=', expiredBefore)]))
    .execute();
}

/** Renews the lease of zero-retention jobs whose callers are still waiting. */
export function renewLeases(database: Database, jobIds: readonly string[], until: number): Promise<void> {
  return database.write(async (tx) => {
    await tx
      .updateTable('jobs')
      .set({ lease_until: until })
      .where('id', 'in', jobIds)
      .where('ended_at', 'is', null)
      .execute();
  });
}

/** Deletes what only recent requests need: idempotency keys and attempts from before these instants. */
export function forgetOldRequests(
  database: Database,
  keysBefore: number,
  attemptsBefore: number,
): Promise<void> {
  return database.write(async (tx) => {
    await tx.deleteFrom('idempotency').where('created_at', '<', keysBefore).execute();
    await tx.deleteFrom('attempts').where('at', '<', attemptsBefore).execute();
  });
}
