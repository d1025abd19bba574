import { Migrator } from 'kysely';
import { NodeError } from '../../core/errors.js';
import type { Database } from './database.js';
import { migrationsFor } from './migrations.js';
import { openPostgres } from './postgres.js';
import { openSqlite } from './sqlite.js';

function isPostgres(url: string): boolean {
  return /^postgres(ql)?:\/\//.test(url);
}

/** The address without its password, for error lines. */
function withoutPassword(url: string): string {
  return url.replace(/:\/\/([^:@/]*):[^@/]*@/, '://$1:…@');
}

/** Several programs may start together on an empty database; all but one find the work done when they ask again. */
async function migrate(migrator: Migrator): Promise<void> {
  for (let tries = 5; ; tries -= 1) {
    const { error } = await migrator.migrateToLatest();
    if (error === undefined) return;
    if (tries <= 1) throw error as Error;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/**
 * Opens the database named by a `postgres://` URL or by the path of an SQLite file, and brings its tables
 * up to date.
 *
 * @throws DATABASE_UNAVAILABLE
 */
export async function openDatabase(url: string): Promise<Database> {
  const engine = isPostgres(url) ? 'postgres' : 'sqlite';
  let database: Database | undefined;
  try {
    database = engine === 'postgres' ? openPostgres(url) : openSqlite(url);
    const migrator = new Migrator({
      db: database.read,
      provider: { getMigrations: async () => migrationsFor(engine) },
    });
    await migrate(migrator);
    return database;
  } catch (error) {
    await database?.close().catch(() => undefined);
    const reason = error instanceof Error ? error.message : String(error);
    throw new NodeError(
      'DATABASE_UNAVAILABLE',
      `cannot open the database ${withoutPassword(url)}: ${reason}`,
      {
        cause: error,
        hint: 'Check the setting api.databaseUrl, and that the folder can be written or the server runs.',
      },
    );
  }
}
