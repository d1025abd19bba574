import { sql } from 'kysely';
import type { Database } from './database.js';

/** True while the database answers. */
export async function answers(database: Database): Promise<boolean> {
  try {
    await sql`SELECT 1`.execute(database.read);
    return true;
  } catch {
    return false;
  }
}
