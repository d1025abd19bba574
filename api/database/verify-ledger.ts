import type { Database } from './database.js';
import type { LedgerEntry, Reader } from './schema.js';

/** What the proof found. */
export interface LedgerProof {
  readonly accounts: number;
  readonly entries: number;
  readonly jobs: number;
  /** One line per disagreement; empty when every counter follows from the ledger. */
  readonly differences: readonly string[];
}

interface Totals {
  used: number;
  overage: number;
  cents: number;
}

function add(totals: Map<string, Totals>, key: string, entry: LedgerEntry): void {
  const found = totals.get(key) ?? { used: 0, overage: 0, cents: 0 };
  found.used += entry.units;
  found.overage += entry.overage;
  found.cents += entry.cents;
  totals.set(key, found);
}

/** Everything the ledger says, folded entry by entry. */
class Rebuilt {
  readonly months = new Map<string, Totals>();
  readonly days = new Map<string, Totals>();
  readonly caps = new Map<string, number>();
  readonly reserved = new Map<string, LedgerEntry>();
  readonly settled = new Map<string, LedgerEntry>();
  entries = 0;

  fold(entry: LedgerEntry): void {
    this.entries += 1;
    if (entry.type === 'overage-cap') {
      this.caps.set(entry.account_id, entry.cents);
      return;
    }
    add(this.months, `${entry.account_id} ${entry.month} ${entry.kind}`, entry);
    add(this.days, `${entry.account_id} ${entry.day} ${entry.kind}`, entry);
    (entry.type === 'reserve' ? this.reserved : this.settled).set(entry.job_id ?? '', entry);
  }
}

async function rebuild(reader: Reader): Promise<Rebuilt> {
  const rebuilt = new Rebuilt();
  const PAGE = 1000;
  for (let after = 0; ;) {
    const page = await reader
      .selectFrom('ledger')
      .selectAll()
      .where('seq', '>', after)
      .orderBy('seq')
      .limit(PAGE)
      .execute();
    for (const entry of page) rebuilt.fold(entry);
    if (page.length < PAGE) return rebuilt;
    after = page[page.length - 1].seq;
  }
}

function compare(
  what: string,
  stored: ReadonlyMap<string, Totals>,
  rebuilt: ReadonlyMap<string, Totals>,
): string[] {
  const differences: string[] = [];
  const none = { used: 0, overage: 0, cents: 0 };
  for (const key of new Set([...stored.keys(), ...rebuilt.keys()])) {
    const [is, should] = [stored.get(key) ?? none, rebuilt.get(key) ?? none];
    for (const field of ['used', 'overage', 'cents'] as const) {
      if (is[field] !== should[field]) {
        differences.push(`${what} ${key}: ${field} is ${is[field]}, the ledger says ${should[field]}`);
      }
    }
  }
  return differences;
}

async function compareCounters(reader: Reader, rebuilt: Rebuilt): Promise<string[]> {
  const months = await reader.selectFrom('month_counters').selectAll().execute();
  const storedMonths = new Map(
    months.map((row) => [
      `${row.account_id} ${row.month} ${row.kind}`,
      { used: row.used, overage: row.overage, cents: row.charged_cents },
    ]),
  );
  const days = await reader.selectFrom('day_counters').selectAll().execute();
  const storedDays = new Map(
    days.map((row) => [`${row.account_id} ${row.day} ${row.kind}`, { used: row.used, overage: 0, cents: 0 }]),
  );
  // A day has one counter; overage and charges are the month's.
  const rebuiltDays = new Map(
    [...rebuilt.days].map(([key, totals]) => [key, { used: totals.used, overage: 0, cents: 0 }]),
  );
  return [...compare('month', storedMonths, rebuilt.months), ...compare('day', storedDays, rebuiltDays)];
}

async function compareJobs(reader: Reader, rebuilt: Rebuilt): Promise<{ jobs: number; lines: string[] }> {
  const lines: string[] = [];
  const jobs = await reader.selectFrom('jobs').select(['id', 'state', 'ended_at']).execute();
  const active = new Set(jobs.filter((job) => job.ended_at === null).map((job) => job.id));
  for (const job of jobs) {
    const settled = rebuilt.settled.get(job.id)?.type;
    if (!rebuilt.reserved.has(job.id)) lines.push(`job ${job.id}: never reserved`);
    if (job.ended_at !== null && settled === undefined) {
      lines.push(`job ${job.id}: ended ${job.state} and not settled`);
    }
    if (job.ended_at === null && settled !== undefined) {
      lines.push(`job ${job.id}: settled and not ended`);
    }
    const wanted = { completed: 'keep', blocked: 'keep', failed: 'release' }[job.state as string];
    if (settled !== undefined && wanted !== undefined && settled !== wanted) {
      lines.push(`job ${job.id}: ended ${job.state}, the ledger has ${settled}`);
    }
  }
  for (const jobId of rebuilt.reserved.keys()) {
    if (!rebuilt.settled.has(jobId) && !active.has(jobId)) {
      lines.push(`job ${jobId}: reserved, not settled, and not known`);
    }
  }
  for (const jobId of rebuilt.settled.keys()) {
    if (!rebuilt.reserved.has(jobId)) lines.push(`job ${jobId}: settled without a reservation`);
  }
  for (const { job_id: jobId } of await reader.selectFrom('outbox').select('job_id').execute()) {
    if (!active.has(jobId)) lines.push(`outbox ${jobId}: waits to be sent for no active job`);
  }
  return { jobs: jobs.length, lines };
}

/** Rebuilds every counter from the ledger and compares: an empty list of differences is the proof. */
export function verifyLedger(database: Database): Promise<LedgerProof> {
  // From one instant, so that a job submitted meanwhile is seen by both sides or by neither.
  return database.snapshot(async (tx) => {
    const accounts = await tx.selectFrom('accounts').select(['id', 'overage_cap_cents']).execute();
    const rebuilt = await rebuild(tx);
    const caps = accounts.flatMap(({ id, overage_cap_cents: is }) => {
      const should = rebuilt.caps.get(id) ?? -1;
      return (is ?? -1) === should ? [] : [`account ${id}: overage cap is ${is}, the ledger says ${should}`];
    });
    const { jobs, lines } = await compareJobs(tx, rebuilt);
    return {
      accounts: accounts.length,
      entries: rebuilt.entries,
      jobs,
      differences: [...(await compareCounters(tx, rebuilt)), ...caps, ...lines],
    };
  });
}
