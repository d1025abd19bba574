import { createRequire } from 'node:module';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Kysely, SqliteDialect, type SqliteDatabase } from 'kysely';
import { GroupCommit } from './group-commit.js';
import type { Database } from './database.js';
import type { Schema } from './schema.js';

/** What of libsql's better-sqlite3 interface is used; its own types lag behind. */
interface Handle {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}
interface Statement {
  readonly reader: boolean;
  all(parameters: readonly unknown[]): unknown[];
  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  iterate(parameters: readonly unknown[]): IterableIterator<unknown>;
}
const SqliteHandle = createRequire(import.meta.url)('libsql') as new (path: string) => Handle;

/** Statements kept prepared per connection; the code has a few dozen different ones. */
const MAX_PREPARED = 500;
const BUSY_TIMEOUT_MS = 10_000;

function connect(file: string): Handle {
  const handle = new SqliteHandle(file);
  // Waiting must be set first: switching to WAL itself needs a lock.
  handle.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  handle.exec('PRAGMA journal_mode = WAL');
  handle.exec('PRAGMA synchronous = FULL');
  handle.exec('PRAGMA foreign_keys = ON');
  return handle;
}

/** Preparing costs more than running most of our statements, so each text is prepared once. */
function withPreparedStatements(handle: Handle): SqliteDatabase {
  const prepared = new Map<string, Statement>();
  return {
    prepare(text) {
      let statement = prepared.get(text);
      if (statement === undefined) {
        if (prepared.size >= MAX_PREPARED) prepared.clear();
        statement = handle.prepare(text);
        prepared.set(text, statement);
      }
      return statement;
    },
    close: () => handle.close(),
  };
}

function kysely(handle: Handle): Kysely<Schema> {
  return new Kysely<Schema>({ dialect: new SqliteDialect({ database: withPreparedStatements(handle) }) });
}

/** How stale reads may be after another process (the command line) wrote; our own writes are known at once. */
const FOREIGN_CHECK_MS = 5;

/** Counts commits: ours as they happen, those of other processes by asking SQLite every few milliseconds. */
class ChangeWatch {
  private count = 0;
  private seen = 0;
  private askAgainAt = 0;
  private readonly dataVersion: Statement;

  constructor(reader: Handle) {
    this.dataVersion = reader.prepare('PRAGMA data_version');
  }

  ownCommit(): void {
    this.count += 1;
  }

  version(): number {
    const now = performance.now();
    if (now >= this.askAgainAt) {
      this.askAgainAt = now + FOREIGN_CHECK_MS;
      const [row] = this.dataVersion.all([]) as { data_version: number }[];
      if (row.data_version !== this.seen) this.count += 1;
      this.seen = row.data_version;
    }
    return this.count;
  }
}

/**
 * SQLite in a file: WAL, full synchronous, one connection that writes (with group commit) and one that reads.
 */
export function openSqlite(file: string): Database {
  mkdirSync(dirname(file), { recursive: true });
  const writerHandle = connect(file);
  const readerHandle = connect(file);
  const writer = kysely(writerHandle);
  const read = kysely(readerHandle);
  let synchronous = 'FULL';
  const commits = new GroupCommit(writer, (durable) => {
    // In WAL mode NORMAL still orders writes, so that a power cut takes back whole commits and the last ones only.
    const wanted = durable ? 'FULL' : 'NORMAL';
    if (wanted !== synchronous) writerHandle.exec(`PRAGMA synchronous = ${(synchronous = wanted)}`);
  });
  const changes = new ChangeWatch(readerHandle);
  return {
    read,
    write: async (work, { durable } = { durable: true }) => {
      try {
        return await commits.run(work, durable);
      } finally {
        changes.ownCommit();
      }
    },
    snapshot: (work) => read.transaction().execute(work),
    // BEGIN IMMEDIATE already keeps every other writer out.
    locked: (query) => query,
    version: () => changes.version(),
    async close() {
      await commits.idle();
      await writer.destroy();
      await read.destroy();
    },
  };
}
