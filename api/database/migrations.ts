import { sql, type ColumnDataType, type CreateTableBuilder, type Kysely, type Migration } from 'kysely';

/** Which engine the tables are made for; they differ only in automatic numbers and trigger syntax. */
export type Engine = 'sqlite' | 'postgres';

type Anything = Kysely<unknown>;

function numbered<T extends string>(
  table: CreateTableBuilder<T>,
  engine: Engine,
): CreateTableBuilder<T, 'seq'> {
  return engine === 'sqlite'
    ? table.addColumn('seq', 'integer', (column) => column.primaryKey().autoIncrement())
    : table.addColumn('seq', 'bigserial', (column) => column.primaryKey());
}

/** A ledger that can be edited proves nothing: the engine itself refuses. */
async function makeAppendOnly(db: Anything, engine: Engine): Promise<void> {
  const message = 'the ledger is append-only';
  if (engine === 'postgres') {
    await sql`CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS
      ${sql.lit(`BEGIN RAISE EXCEPTION '${message}'; END`)}`.execute(db);
    await sql`CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change()`.execute(db);
    return;
  }
  for (const verb of ['UPDATE', 'DELETE']) {
    await sql`CREATE TRIGGER ${sql.raw(`ledger_no_${verb.toLowerCase()}`)} BEFORE ${sql.raw(verb)} ON ledger
      BEGIN SELECT RAISE(ABORT, ${sql.lit(message)}); END`.execute(db);
  }
}

async function createAccounts(db: Anything, instant: ColumnDataType): Promise<void> {
  await db.schema
    .createTable('accounts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('created_at', instant, (column) => column.notNull())
    .addColumn('suspended_until', instant)
    .addColumn('suspended_reason', 'text')
    .addColumn('attempts_from', instant, (column) => column.notNull().defaultTo(0))
    .addColumn('daily_lift_until', instant)
    .addColumn('overage_cap_cents', 'integer')
    .addColumn('webhook_secret', 'text', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('api_keys')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('created_at', instant, (column) => column.notNull())
    .addColumn('revoked_at', instant)
    .execute();
  await db.schema.createIndex('api_keys_account').on('api_keys').column('account_id').execute();
  await db.schema
    .createTable('burst')
    .addColumn('account_id', 'text', (column) => column.primaryKey().references('accounts.id'))
    .addColumn('stamps', 'text', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('attempts')
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('at', instant, (column) => column.notNull())
    .addColumn('job_id', 'text')
    .addColumn('rejected', 'integer', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('attempts_window').on('attempts').columns(['account_id', 'at']).execute();
  await db.schema.createIndex('attempts_job').on('attempts').column('job_id').execute();
}

async function createJobs(db: Anything, engine: Engine, instant: ColumnDataType): Promise<void> {
  await numbered(db.schema.createTable('jobs'), engine)
    .addColumn('id', 'text', (column) => column.notNull().unique())
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('created_at', instant, (column) => column.notNull())
    .addColumn('expires_at', instant, (column) => column.notNull())
    .addColumn('ended_at', instant)
    .addColumn('request', 'text')
    .addColumn('stored', 'integer', (column) => column.notNull())
    .addColumn('lease_until', instant)
    .addColumn('deleted', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('seed', instant)
    .addColumn('result', 'text')
    .addColumn('poster', 'text')
    .addColumn('error_code', 'text')
    .addColumn('error', 'text')
    .execute();
  await db.schema.createIndex('jobs_by_account').on('jobs').columns(['account_id', 'seq']).execute();
  await sql`CREATE INDEX jobs_active ON jobs (account_id) WHERE ended_at IS NULL`.execute(db);
  await sql`CREATE INDEX jobs_waiting ON jobs (kind, seq) WHERE ended_at IS NULL`.execute(db);
  await db.schema.createIndex('jobs_by_end').on('jobs').column('ended_at').execute();
  await db.schema
    .createTable('outbox')
    .addColumn('job_id', 'text', (column) => column.primaryKey())
    .addColumn('message', 'text', (column) => column.notNull())
    .addColumn('created_at', instant, (column) => column.notNull())
    .addColumn('claimed_until', instant, (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('idempotency')
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('fingerprint', 'text')
    .addColumn('job_id', 'text', (column) => column.notNull())
    .addColumn('created_at', instant, (column) => column.notNull())
    .addPrimaryKeyConstraint('idempotency_pk', ['account_id', 'key'])
    .execute();
  await db.schema
    .createTable('webhooks')
    .addColumn('job_id', 'text', (column) => column.primaryKey())
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('url', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('next_at', instant, (column) => column.notNull())
    .addColumn('claimed_until', instant, (column) => column.notNull())
    .addColumn('last_error', 'text')
    .execute();
  await db.schema.createIndex('webhooks_due').on('webhooks').columns(['state', 'next_at']).execute();
}

async function createMetering(db: Anything, engine: Engine, instant: ColumnDataType): Promise<void> {
  await numbered(db.schema.createTable('ledger'), engine)
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('at', instant, (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('job_id', 'text')
    .addColumn('kind', 'text')
    .addColumn('month', 'text', (column) => column.notNull())
    .addColumn('day', 'text', (column) => column.notNull())
    .addColumn('units', 'integer', (column) => column.notNull())
    .addColumn('overage', 'integer', (column) => column.notNull())
    .addColumn('cents', 'integer', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('ledger_account').on('ledger').columns(['account_id', 'seq']).execute();
  // A job is reserved once and settled once, whatever the programs believe.
  await sql`CREATE UNIQUE INDEX ledger_one_reserve ON ledger (job_id) WHERE type = 'reserve'`.execute(db);
  await sql`CREATE UNIQUE INDEX ledger_one_settle ON ledger (job_id) WHERE type IN ('keep', 'release')`.execute(
    db,
  );
  await makeAppendOnly(db, engine);
  await db.schema
    .createTable('month_counters')
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('month', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('used', 'integer', (column) => column.notNull())
    .addColumn('overage', 'integer', (column) => column.notNull())
    .addColumn('charged_cents', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('month_counters_pk', ['account_id', 'month', 'kind'])
    .execute();
  await db.schema
    .createTable('day_counters')
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('day', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('used', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('day_counters_pk', ['account_id', 'day', 'kind'])
    .execute();
}

/** Every change of the tables since the first, by name in order. A name that was released never changes. */
export function migrationsFor(engine: Engine): Record<string, Migration> {
  const instant: ColumnDataType = engine === 'sqlite' ? 'integer' : 'bigint';
  return {
    '001-accounts-jobs-ledger': {
      async up(db: Anything) {
        await createAccounts(db, instant);
        await createJobs(db, engine, instant);
        await createMetering(db, engine, instant);
      },
    },
  };
}
