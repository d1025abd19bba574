import type { StoredMedia } from '../../core/messages.js';
import type { Limits } from '../../core/config/settings.js';
import { suspendIfDue } from './attempts.js';
import type { Database } from './database.js';
import { settleReservation } from './ledger.js';
import type { Job, JobState } from './schema.js';

/** How a job ended, as the database remembers it. */
export interface JobEnd {
  readonly state: Exclude<JobState, 'queued'>;
  readonly at: number;
  /** False gives the reservation back. */
  readonly charged: boolean;
  readonly seed?: number | undefined;
  readonly result?: StoredMedia | undefined;
  readonly poster?: StoredMedia | undefined;
  readonly errorCode?: string | undefined;
  /** In words for the customer. */
  readonly error?: string | undefined;
}

/** Ends a job once: the first end wins, and every later one changes nothing and returns undefined. */
export function endJob(
  database: Database,
  limits: Limits,
  jobId: string,
  end: JobEnd,
): Promise<Job | undefined> {
  return database.write(async (tx) => {
    const found = await tx.selectFrom('jobs').select('account_id').where('id', '=', jobId).executeTakeFirst();
    if (found === undefined) return undefined;
    // Account before job, as everywhere, so that two transactions never wait for each other.
    const account = await database
      .locked(tx.selectFrom('accounts').selectAll().where('id', '=', found.account_id))
      .executeTakeFirstOrThrow();
    const job = await tx
      .updateTable('jobs')
      .set({
        state: end.state,
        ended_at: end.at,
        lease_until: null,
        seed: end.seed ?? null,
        result: end.result === undefined ? null : JSON.stringify(end.result),
        poster: end.poster === undefined ? null : JSON.stringify(end.poster),
        error_code: end.errorCode ?? null,
        error: end.error ?? null,
      })
      .where('id', '=', jobId)
      .where('ended_at', 'is', null)
      .returningAll()
      .executeTakeFirst();
    if (job === undefined) return undefined;
    await settleReservation(tx, limits, job, end.charged ? 'keep' : 'release', end.at);
    await tx.deleteFrom('outbox').where('job_id', '=', jobId).execute();
    await tx
      .updateTable('webhooks')
      .set({ state: 'due', next_at: end.at })
      .where('job_id', '=', jobId)
      .where('state', '=', 'waiting')
      .execute();
    if (end.state === 'blocked') {
      await tx.updateTable('attempts').set({ rejected: 1 }).where('job_id', '=', jobId).execute();
      await suspendIfDue(tx, account, end.at);
    }
    return job;
  });
}
