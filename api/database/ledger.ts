import { sql } from 'kysely';
import type { JobKind } from '../../core/kinds.js';
import { dayOf, monthOf } from '../metering/calendar.js';
import type { Limits } from '../../core/config/settings.js';
import { limitsFor, type ApiKind } from '../metering/limits.js';
import { overageBudget, type CapChange, type OverageBudget } from '../metering/overage-budget.js';
import type { Database } from './database.js';
import type { Job, MonthCounter, NewLedgerEntry, Reader, Tx } from './schema.js';

/** A ledger entry about a job, as every entry but `overage-cap` is. */
export type JobEntry = NewLedgerEntry & { kind: JobKind; units: number; overage: number };

/** Appends an entry about a job and moves the counters with it: the only way a counter changes. */
export async function appendJobEntry(tx: Tx, entry: JobEntry): Promise<void> {
  await tx.insertInto('ledger').values(entry).execute();
  if (entry.units === 0 && entry.overage === 0 && entry.cents === 0) return;
  const { account_id, month, day, kind } = entry;
  await tx
    .insertInto('month_counters')
    .values({
      account_id,
      month,
      kind,
      used: entry.units,
      overage: entry.overage,
      charged_cents: entry.cents,
    })
    .onConflict((conflict) =>
      conflict.columns(['account_id', 'month', 'kind']).doUpdateSet({
        used: sql`month_counters.used + excluded.used`,
        overage: sql`month_counters.overage + excluded.overage`,
        charged_cents: sql`month_counters.charged_cents + excluded.charged_cents`,
      }),
    )
    .execute();
  await tx
    .insertInto('day_counters')
    .values({ account_id, day, kind, used: entry.units })
    .onConflict((conflict) =>
      conflict
        .columns(['account_id', 'day', 'kind'])
        .doUpdateSet({ used: sql`day_counters.used + excluded.used` }),
    )
    .execute();
}

/** The counters of one month, zero where nothing was used. */
export async function monthCounter(
  reader: Reader,
  accountId: string,
  month: string,
  kind: JobKind,
): Promise<Pick<MonthCounter, 'used' | 'overage' | 'charged_cents'>> {
  const found = await reader
    .selectFrom('month_counters')
    .select(['used', 'overage', 'charged_cents'])
    .where('account_id', '=', accountId)
    .where('month', '=', month)
    .where('kind', '=', kind)
    .executeTakeFirst();
  return found ?? { used: 0, overage: 0, charged_cents: 0 };
}

/** How many of a kind an account used on a day. */
export async function dayUsed(
  reader: Reader,
  accountId: string,
  day: string,
  kind: JobKind,
): Promise<number> {
  const found = await reader
    .selectFrom('day_counters')
    .select('used')
    .where('account_id', '=', accountId)
    .where('day', '=', day)
    .where('kind', '=', kind)
    .executeTakeFirst();
  return found?.used ?? 0;
}

/** The overage budget of a month, from the ledger's cap changes and the months' charges. */
export async function readOverageBudget(
  reader: Reader,
  accountId: string,
  month: string,
): Promise<OverageBudget> {
  const caps = await reader
    .selectFrom('ledger')
    .select(['month', 'cents'])
    .where('account_id', '=', accountId)
    .where('type', '=', 'overage-cap')
    .orderBy('seq')
    .execute();
  const charges = await reader
    .selectFrom('month_counters')
    .select(['month', (eb) => eb.fn.sum<string | number>('charged_cents').as('cents')])
    .where('account_id', '=', accountId)
    .groupBy('month')
    .execute();
  const changes = caps.map(({ month: at, cents }): CapChange => ({
    month: at,
    capCents: cents < 0 ? null : cents,
  }));
  const charged = new Map(charges.map((row) => [row.month, Number(row.cents)]));
  return overageBudget(changes, charged, month);
}

/** Sets the monthly overage cap of an account, or turns overage off with null; in force at once. */
export async function setOverageCap(
  database: Database,
  accountId: string,
  capCents: number | null,
  now: number,
): Promise<void> {
  await database.write(async (tx) => {
    await database.locked(tx.selectFrom('accounts').select('id').where('id', '=', accountId)).execute();
    await tx
      .updateTable('accounts')
      .set({ overage_cap_cents: capCents })
      .where('id', '=', accountId)
      .execute();
    await tx
      .insertInto('ledger')
      .values({
        account_id: accountId,
        at: now,
        type: 'overage-cap',
        job_id: null,
        kind: null,
        month: monthOf(now),
        day: dayOf(now),
        units: 0,
        overage: 0,
        cents: capCents ?? -1,
      })
      .execute();
  });
}

/** Settles a job's reservation: kept, or given back to the month and day it was taken from. */
export async function settleReservation(
  tx: Tx,
  limits: Limits,
  job: Job,
  type: 'keep' | 'release',
  now: number,
): Promise<void> {
  const month = monthOf(job.created_at);
  const entry = {
    account_id: job.account_id,
    at: now,
    type,
    job_id: job.id,
    kind: job.kind,
    month,
    day: dayOf(job.created_at),
  };
  if (type === 'keep') {
    await appendJobEntry(tx, { ...entry, units: 0, overage: 0, cents: 0 });
    return;
  }
  // Whichever job fails, the month ends up charged for what lies beyond the allowance and no more.
  const counter = await monthCounter(tx, job.account_id, month, job.kind);
  const overage = counter.overage > 0 ? -1 : 0;
  const price = limitsFor(limits, job.kind as ApiKind).cents;
  const cents = overage === 0 ? 0 : -Math.min(price, counter.charged_cents);
  await appendJobEntry(tx, { ...entry, units: -1, overage, cents });
}
