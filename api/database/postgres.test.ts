import { afterAll, describe, expect, it } from 'vitest';
import { startPostgres } from '../../tests/support/postgres.js';
import { testDatabase } from './contract.js';
import { openDatabase } from './open.js';

const server = await startPostgres();
afterAll(() => server.stop());

testDatabase('PostgreSQL', async () => openDatabase(await server.createDatabase()));

describe('PostgreSQL', () => {
  it('says in one line, without the password, that it cannot be reached', async () => {
    const error = await openDatabase('postgres://zsky:hunter2@127.0.0.1:9/none').catch(
      (each: unknown) => each,
    );
    expect(error).toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    expect(String(error)).not.toContain('hunter2');
  });
});
