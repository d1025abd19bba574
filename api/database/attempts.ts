import { mustSuspend, SUSPENSION_MS, SUSPENSION_WINDOW_MS } from '../metering/suspension.js';
import type { Database } from './database.js';
import type { Account, Tx } from './schema.js';

const REASON =
  'More than half of the generation requests of the last 30 minutes were rejected by our safety checks.';

/** Suspends the account when its recent attempts call for it. */
export async function suspendIfDue(
  tx: Tx,
  account: Pick<Account, 'id' | 'attempts_from' | 'suspended_until'>,
  now: number,
): Promise<void> {
  if (account.suspended_until !== null && account.suspended_until > now) return;
  const since = Math.max(now - SUSPENSION_WINDOW_MS, account.attempts_from);
  const counted = await tx
    .selectFrom('attempts')
    .select((eb) => [
      eb.fn.countAll<number>().as('attempts'),
      eb.fn.coalesce(eb.fn.sum<number>('rejected'), eb.lit(0)).as('rejected'),
    ])
    .where('account_id', '=', account.id)
    .where('at', '>', since)
    .executeTakeFirstOrThrow();
  if (!mustSuspend(Number(counted.attempts), Number(counted.rejected))) return;
  await tx
    .updateTable('accounts')
    .set({ suspended_until: now + SUSPENSION_MS, suspended_reason: REASON })
    .where('id', '=', account.id)
    .execute();
}

/** Remembers a prompt that was refused at the door; it may be the one that suspends the account. */
export function recordRefusal(database: Database, accountId: string, now: number): Promise<void> {
  return database.write(async (tx) => {
    const account = await database
      .locked(
        tx
          .selectFrom('accounts')
          .select(['id', 'attempts_from', 'suspended_until'])
          .where('id', '=', accountId),
      )
      .executeTakeFirstOrThrow();
    await tx
      .insertInto('attempts')
      .values({ account_id: accountId, at: now, job_id: null, rejected: 1 })
      .execute();
    await suspendIfDue(tx, account, now);
  });
}
