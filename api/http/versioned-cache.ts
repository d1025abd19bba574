import type { Database } from '../database/database.js';

const MAX_ENTRIES = 20_000;

/**
 * Values read from the database, good until any process commits anything: then all are forgotten. On engines
 * without a version nothing is kept.
 */
export class VersionedCache<V> {
  private readonly values = new Map<string, V>();
  private seen: number | undefined;

  constructor(private readonly database: Database) {}

  /** To be asked before a value is read, and given to `set` with it. */
  version(): number | undefined {
    return this.database.version();
  }

  get(key: string): V | undefined {
    const version = this.version();
    if (version !== this.seen) {
      this.values.clear();
      this.seen = version;
    }
    return this.values.get(key);
  }

  /** Keeps a value that was read while the database had this version, if it still has. */
  set(key: string, value: V, version: number | undefined): void {
    if (version === undefined || version !== this.seen) return;
    if (this.values.size >= MAX_ENTRIES) this.values.clear();
    this.values.set(key, value);
  }
}
