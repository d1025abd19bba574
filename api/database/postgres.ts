import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Database } from './database.js';
import type { Schema } from './schema.js';

const INT8_OID = 20;
const MAX_CONNECTIONS = 10;
/** For one to be made or to become free: calls of one account take turns, so that a burst waits for its last. */
const CONNECTION_WAIT_MS = 30_000;
/** Deadlock found, serialisation failure: the transaction did nothing and may be run again. */
const RETRYABLE = new Set(['40P01', '40001']);
const MAX_RUNS = 5;

function isRetryable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && RETRYABLE.has(String(error.code));
}

/** PostgreSQL, for several API processes over one database. */
export function openPostgres(url: string): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECTION_WAIT_MS,
    types: {
      // Our 64-bit columns are instants and counts, all within what a JavaScript number holds exactly.
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === INT8_OID
          ? Number
          : (pg.types.getTypeParser(oid, format) as unknown)) as typeof pg.types.getTypeParser,
    },
  });
  // A connection lost while idle is replaced at the next query, which reports its own error.
  pool.on('error', () => undefined);
  const read = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  return {
    read,
    // Always durable: the server shares its waits for the disk, and saying otherwise costs a round trip.
    async write(work) {
      for (let run = 1; ; run += 1) {
        try {
          return await read.transaction().execute(work);
        } catch (error) {
          if (!isRetryable(error) || run >= MAX_RUNS) throw error;
        }
      }
    },
    snapshot: (work) => read.transaction().setIsolationLevel('repeatable read').execute(work),
    locked: (query) => query.forUpdate(),
    version: () => undefined,
    close: () => read.destroy(),
  };
}
