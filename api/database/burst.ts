import { decideBurst, type BurstDecision } from '../metering/burst.js';
import type { Database } from './database.js';

/** Counts one request against the account's burst limit, across all API processes. */
export function countRequest(
  database: Database,
  accountId: string,
  limit: number,
  now: number,
): Promise<BurstDecision> {
  // Not worth a wait for the disk at every request: nothing of it is left after a minute.
  const options = { durable: false };
  return database.write(async (tx) => {
    await database.locked(tx.selectFrom('accounts').select('id').where('id', '=', accountId)).execute();
    const { stamps } = await tx
      .selectFrom('burst')
      .select('stamps')
      .where('account_id', '=', accountId)
      .executeTakeFirstOrThrow();
    const decision = decideBurst(JSON.parse(stamps) as number[], limit, now);
    if (decision.allowed) {
      await tx
        .updateTable('burst')
        .set({ stamps: JSON.stringify(decision.stamps) })
        .where('account_id', '=', accountId)
        .execute();
    }
    return decision;
  }, options);
}
