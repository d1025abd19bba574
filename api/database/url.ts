import { join } from 'node:path';
import type { Settings } from '../../core/config/settings.js';

/** Where the database is: the server that was named, else a file in the data folder. */
export function databaseUrl(settings: Settings): string {
  return settings.api.databaseUrl ?? join(settings.dataDir, 'api.db');
}
