import type { SelectQueryBuilder } from 'kysely';
import type { Reader, Schema, Tx } from './schema.js';

/** The API's database, the same to every repository whether SQLite or PostgreSQL is behind it. */
export interface Database {
  readonly read: Reader;

  /**
   * Runs work in one transaction; it is on disk when the promise resolves, or none of it happened. Without
   * `durable` a power cut, and only that, may take the last ones back: for what matters for a minute.
   */
  write<T>(work: (tx: Tx) => Promise<T>, options?: { readonly durable: boolean }): Promise<T>;

  /** Reads several things as they were at one instant. */
  snapshot<T>(work: (reader: Tx) => Promise<T>): Promise<T>;

  /** The same query, holding its rows until the transaction ends, where the engine needs to be told. */
  locked<O>(query: SelectQueryBuilder<Schema, 'accounts', O>): SelectQueryBuilder<Schema, 'accounts', O>;

  /**
   * A number that changes with every commit of any process, so that what was read under it can be reused
   * while it stays. Undefined where asking costs as much as reading: then nothing may be reused.
   */
  version(): number | undefined;

  close(): Promise<void>;
}
