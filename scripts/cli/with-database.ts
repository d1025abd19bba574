import type { Database } from '../../api/database/database.js';
import { openDatabase } from '../../api/database/open.js';
import { databaseUrl } from '../../api/database/url.js';
import { loadSettings } from '../../core/config/load.js';

/** Runs work on the database that the settings name, while the API may be running on it too. */
export async function withDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(databaseUrl(loadSettings(process.env)));
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
