import type { Database } from './database.js';
import type { Job, Webhook, WebhookState } from './schema.js';

/** A webhook that is due, with what its message tells. */
export interface DueWebhook {
  readonly webhook: Webhook;
  readonly job: Job;
  readonly secret: string;
}

/** Takes due webhooks for this process to deliver until the claim runs out. */
export async function claimWebhooks(
  database: Database,
  limit: number,
  now: number,
  claimMs: number,
): Promise<DueWebhook[]> {
  const ready = await database.read
    .selectFrom('webhooks')
    .select('job_id')
    .where('state', '=', 'due')
    .where('next_at', '<=', now)
    .where('claimed_until', '<', now)
    .orderBy('next_at')
    .limit(limit)
    .execute();
  if (ready.length === 0) return [];
  return database.write(async (tx) => {
    const ids = ready.map((row) => row.job_id);
    const claimed = await tx
      .updateTable('webhooks')
      .set({ claimed_until: now + claimMs })
      .where('job_id', 'in', ids)
      .where('state', '=', 'due')
      .where('claimed_until', '<', now)
      .returningAll()
      .execute();
    const due: DueWebhook[] = [];
    for (const webhook of claimed) {
      const job = await tx.selectFrom('jobs').selectAll().where('id', '=', webhook.job_id).executeTakeFirst();
      const { webhook_secret: secret } = await tx
        .selectFrom('accounts')
        .select('webhook_secret')
        .where('id', '=', webhook.account_id)
        .executeTakeFirstOrThrow();
      if (job !== undefined) due.push({ webhook, job, secret });
    }
    return due;
  });
}

/** Writes down how a delivery went. */
export function recordDelivery(
  database: Database,
  jobId: string,
  result: { readonly state: WebhookState; readonly nextAt: number; readonly error: string | null },
): Promise<void> {
  return database.write(async (tx) => {
    await tx
      .updateTable('webhooks')
      .set((eb) => ({
        state: result.state,
        next_at: result.nextAt,
        claimed_until: 0,
        attempts: eb('attempts', '+', 1),
        last_error: result.error,
      }))
      .where('job_id', '=', jobId)
      .execute();
  });
}

/** The webhook of a job, if it asked for one. */
export function findWebhook(database: Database, jobId: string): Promise<Webhook | undefined> {
  return database.read.selectFrom('webhooks').selectAll().where('job_id', '=', jobId).executeTakeFirst();
}
