import type { JobMessage } from '../../core/messages.js';
import { dayOf, monthOf } from '../metering/calendar.js';
import { decide, type LimitRefusal } from '../metering/decide.js';
import type { Limits } from '../../core/config/settings.js';
import type { ApiKind } from '../metering/limits.js';
import type { Database } from './database.js';
import { appendJobEntry, dayUsed, monthCounter, readOverageBudget } from './ledger.js';
import type { Account, Tx } from './schema.js';

/** A job that asks to be admitted. */
export interface NewJob {
  readonly id: string;
  readonly accountId: string;
  readonly kind: ApiKind;
  /**
   * What the outbox sends; its request is also kept with the job. Undefined for zero retention: then nothing
   * made from the prompt reaches the database.
   */
  readonly message: JobMessage | undefined;
  /** This process sends the message itself; others leave it alone until then. */
  readonly claimedUntil?: number | undefined;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Zero retention: the caller's process vouches for the job until then. */
  readonly leaseUntil?: number | undefined;
  readonly idempotency?: { readonly key: string; readonly fingerprint: string | null } | undefined;
  readonly webhookUrl?: string | undefined;
}

/** What came of it. */
export type Admission =
  | { readonly outcome: 'admitted' }
  | { readonly outcome: 'replayed'; readonly previous: IdempotentCall }
  | { readonly outcome: 'suspended'; readonly account: Account }
  | { readonly outcome: 'limited'; readonly refusal: LimitRefusal };

/** An earlier call with the same Idempotency-Key. */
export interface IdempotentCall {
  readonly jobId: string;
  readonly fingerprint: string | null;
}

/** The earlier call with this Idempotency-Key, if there was one. */
export async function findIdempotentCall(
  tx: Tx | Database['read'],
  accountId: string,
  key: string,
): Promise<IdempotentCall | undefined> {
  const found = await tx
    .selectFrom('idempotency')
    .select(['job_id', 'fingerprint'])
    .where('account_id', '=', accountId)
    .where('key', '=', key)
    .executeTakeFirst();
  return found === undefined ? undefined : { jobId: found.job_id, fingerprint: found.fingerprint };
}

/**
 * Admits a job or refuses it, in one transaction: allowance, limits, job, outbox and ledger all agree, or
 * nothing happened. The account's row is the lock that makes parallel calls take turns.
 */
export function admit(database: Database, limits: Limits, job: NewJob): Promise<Admission> {
  return database.write(async (tx): Promise<Admission> => {
    const account = await database
      .locked(tx.selectFrom('accounts').selectAll().where('id', '=', job.accountId))
      .executeTakeFirstOrThrow();
    const now = job.createdAt;
    if (account.suspended_until !== null && account.suspended_until > now) {
      return { outcome: 'suspended', account };
    }
    if (job.idempotency !== undefined) {
      const previous = await findIdempotentCall(tx, account.id, job.idempotency.key);
      if (previous !== undefined) return { outcome: 'replayed', previous };
    }
    const [month, day] = [monthOf(now), dayOf(now)];
    const standing = {
      usedThisMonth: (await monthCounter(tx, account.id, month, job.kind)).used,
      usedToday: await dayUsed(tx, account.id, day, job.kind),
      active: await countActive(tx, account.id),
      dailyCapLifted: account.daily_lift_until !== null && account.daily_lift_until > now,
    };
    const budget = () => readOverageBudget(tx, account.id, month);
    const decision = await decide(limits, job.kind, standing, budget, now);
    if (!decision.granted) return { outcome: 'limited', refusal: decision };
    await insertJob(tx, job);
    await appendJobEntry(tx, {
      account_id: account.id,
      at: now,
      type: 'reserve',
      job_id: job.id,
      kind: job.kind,
      month,
      day,
      units: 1,
      overage: decision.overage,
      cents: decision.cents,
    });
    return { outcome: 'admitted' };
  });
}

/** Jobs of an account that have not ended. */
export async function countActive(tx: Tx | Database['read'], accountId: string): Promise<number> {
  const { active } = await tx
    .selectFrom('jobs')
    .select((eb) => eb.fn.countAll<number>().as('active'))
    .where('account_id', '=', accountId)
    .where('ended_at', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(active);
}

async function insertJob(tx: Tx, job: NewJob): Promise<void> {
  const { message } = job;
  await tx
    .insertInto('jobs')
    .values({
      id: job.id,
      account_id: job.accountId,
      kind: job.kind,
      state: 'queued',
      created_at: job.createdAt,
      expires_at: job.expiresAt,
      request: message === undefined ? null : JSON.stringify(message.request),
      stored: message === undefined ? 0 : 1,
      lease_until: job.leaseUntil ?? null,
      deleted: 0,
    })
    .execute();
  await tx
    .insertInto('attempts')
    .values({ account_id: job.accountId, at: job.createdAt, job_id: job.id, rejected: 0 })
    .execute();
  if (message !== undefined) {
    await tx
      .insertInto('outbox')
      .values({
        job_id: job.id,
        message: JSON.stringify(message),
        created_at: job.createdAt,
        claimed_until: job.claimedUntil ?? 0,
      })
      .execute();
  }
  if (job.idempotency !== undefined) {
    const { key, fingerprint } = job.idempotency;
    await tx
      .insertInto('idempotency')
      .values({
        account_id: job.accountId,
        key,
        fingerprint,
        job_id: job.id,
        created_at: job.createdAt,
      })
      .execute();
  }
  if (job.webhookUrl !== undefined) {
    await tx
      .insertInto('webhooks')
      .values({
        job_id: job.id,
        account_id: job.accountId,
        url: job.webhookUrl,
        state: 'waiting',
        attempts: 0,
        next_at: 0,
        claimed_until: 0,
        last_error: null,
      })
      .execute();
  }
}
