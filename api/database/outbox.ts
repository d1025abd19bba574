import type { Database } from './database.js';

/** A message that waits to be sent to the broker. */
export interface OutboxItem {
  readonly jobId: string;
  readonly message: string;
}

/** Takes the oldest unsent messages for this process to send until the claim runs out. */
export function claimOutbox(
  database: Database,
  limit: number,
  now: number,
  claimMs: number,
): Promise<OutboxItem[]> {
  return database.write(async (tx) => {
    const waiting = await tx
      .selectFrom('outbox')
      .select('job_id')
      .where('claimed_until', '<', now)
      .orderBy('created_at')
      .limit(limit)
      .execute();
    if (waiting.length === 0) return [];
    const claimed = await tx
      .updateTable('outbox')
      .set({ claimed_until: now + claimMs })
      .where(
        'job_id',
        'in',
        waiting.map((row) => row.job_id),
      )
      .where('claimed_until', '<', now)
      .returning(['job_id', 'message', 'created_at'])
      .execute();
    return claimed
      .sort((a, b) => a.created_at - b.created_at)
      .map((row) => ({ jobId: row.job_id, message: row.message }));
  });
}

/** True when something waits that nobody is sending. */
export async function hasOutbox(database: Database, now: number): Promise<boolean> {
  const found = await database.read
    .selectFrom('outbox')
    .select('job_id')
    .where('claimed_until', '<', now)
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

/** Forgets messages that the broker has. What a power cut brings back is sent again, which is harmless. */
export function markSent(database: Database, jobIds: readonly string[]): Promise<void> {
  return database.write(
    async (tx) => {
      await tx.deleteFrom('outbox').where('job_id', 'in', jobIds).execute();
    },
    { durable: false },
  );
}

/** Gives messages back that could not be sent, for the next round or another process. */
export function unclaimOutbox(database: Database, jobIds: readonly string[]): Promise<void> {
  return database.write(async (tx) => {
    await tx.updateTable('outbox').set({ claimed_until: 0 }).where('job_id', 'in', jobIds).execute();
  });
}
