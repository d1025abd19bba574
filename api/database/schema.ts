import type { Generated, Insertable, Kysely, Selectable, Transaction } from 'kysely';
import type { JobKind } from '../../core/kinds.js';

/** All instants are milliseconds since 1970 (UTC); months are `2026-05`, days `2026-05-31`; booleans are 0 or 1. */
export interface Schema {
  accounts: AccountTable;
  api_keys: ApiKeyTable;
  jobs: JobTable;
  outbox: OutboxTable;
  ledger: LedgerTable;
  month_counters: MonthCounterTable;
  day_counters: DayCounterTable;
  attempts: AttemptTable;
  burst: BurstTable;
  idempotency: IdempotencyTable;
  webhooks: WebhookTable;
}

interface AccountTable {
  id: string;
  name: string;
  created_at: number;
  suspended_until: number | null;
  suspended_reason: string | null;
  /** Generation attempts before this instant no longer count towards a suspension. */
  attempts_from: number;
  daily_lift_until: number | null;
  /** Null: overage is off. */
  overage_cap_cents: number | null;
  webhook_secret: string;
}

interface ApiKeyTable {
  /** The key's public part, which finds its row. */
  id: string;
  account_id: string;
  /** SHA-256 of the whole key, hex. The key itself is nowhere. */
  hash: string;
  created_at: number;
  revoked_at: number | null;
}

/** `queued` until the end is known: whether it runs is the broker's knowledge, not the database's. */
export type JobState = 'queued' | 'completed' | 'blocked' | 'failed' | 'cancelled';

interface JobTable {
  /** Order of arrival. */
  seq: Generated<number>;
  id: string;
  account_id: string;
  kind: JobKind;
  state: JobState;
  created_at: number;
  /** When a job that never started is failed. */
  expires_at: number;
  ended_at: number | null;
  /** The GenerateRequest as JSON; null for zero retention and after a purge. */
  request: string | null;
  /** 0: zero retention, the bytes went to the caller and nowhere else. */
  stored: number;
  /** Zero retention: the API process that holds the call renews this; once past, the allowance goes back. */
  lease_until: number | null;
  /** 1: purged by its owner; the row stays only until the executor has stopped and the bytes are gone. */
  deleted: number;
  seed: number | null;
  /** StoredMedia as JSON. */
  result: string | null;
  poster: string | null;
  error_code: string | null;
  /** In words for the customer. */
  error: string | null;
}

interface OutboxTable {
  job_id: string;
  /** The JobMessage as JSON. */
  message: string;
  created_at: number;
  /** Another process is sending it until then. */
  claimed_until: number;
}

export type LedgerType = 'reserve' | 'keep' | 'release' | 'overage-cap';

interface LedgerTable {
  seq: Generated<number>;
  account_id: string;
  at: number;
  type: LedgerType;
  job_id: string | null;
  kind: JobKind | null;
  /** The month and day that the job was submitted in, also on the entry that settles it later. */
  month: string;
  day: string;
  /** +1 reserve, 0 keep, -1 release. */
  units: number;
  /** Change of the number of units beyond the allowance. */
  overage: number;
  /** Change of what the month's overage costs; for `overage-cap` the new cap, -1 when turned off. */
  cents: number;
}

interface MonthCounterTable {
  account_id: string;
  month: string;
  kind: JobKind;
  used: number;
  overage: number;
  charged_cents: number;
}

interface DayCounterTable {
  account_id: string;
  day: string;
  kind: JobKind;
  used: number;
}

interface AttemptTable {
  account_id: string;
  at: number;
  /** Null when the prompt was refused at the door: no job came to be. */
  job_id: string | null;
  rejected: number;
}

interface BurstTable {
  account_id: string;
  /** Instants of the requests of the last minute, oldest first, JSON. */
  stamps: string;
}

interface IdempotencyTable {
  account_id: string;
  key: string;
  /** SHA-256 of the call; null for zero retention, which keeps nothing made from a prompt. */
  fingerprint: string | null;
  job_id: string;
  created_at: number;
}

export type WebhookState = 'waiting' | 'due' | 'delivered' | 'given-up';

interface WebhookTable {
  job_id: string;
  account_id: string;
  url: string;
  state: WebhookState;
  attempts: number;
  next_at: number;
  claimed_until: number;
  last_error: string | null;
}

export type Account = Selectable<AccountTable>;
export type ApiKey = Selectable<ApiKeyTable>;
export type Job = Selectable<JobTable>;
export type LedgerEntry = Selectable<LedgerTable>;
export type NewLedgerEntry = Insertable<LedgerTable>;
export type MonthCounter = Selectable<MonthCounterTable>;
export type Webhook = Selectable<WebhookTable>;

export type Reader = Kysely<Schema>;
export type Tx = Transaction<Schema>;
