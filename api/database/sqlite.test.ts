import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, describe, expect, it } from 'vitest';
import { createAccount } from './accounts.js';
import { testDatabase } from './contract.js';
import { openDatabase } from './open.js';

const folder = await mkdtemp(join(tmpdir(), 'zsky-sqlite-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

testDatabase('SQLite', () => openDatabase(join(folder, 'contract.db')));

describe('SQLite files', () => {
  it('are seen by a second process, whose commits change the version of the first', async () => {
    const path = join(folder, 'shared.db');
    const one = await openDatabase(path);
    const two = await openDatabase(path);
    const before = one.version();
    await createAccount(two, 'from two', 0);
    // Commits of other processes are noticed within milliseconds.
    while (one.version() === before) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(await one.read.selectFrom('accounts').select('name').execute()).toEqual([{ name: 'from two' }]);
    await one.close();
    await two.close();
  });

  it('wait for the disk at every commit but those that need not last, together or apart', async () => {
    const database = await openDatabase(join(folder, 'durable.db'));
    const [NORMAL, FULL] = [1, 2];
    const level = async (durable: boolean): Promise<number> =>
      await database.write(
        async (tx) => {
          const { rows } = await sql<{ synchronous: number }>`PRAGMA synchronous`.execute(tx);
          return rows[0].synchronous;
        },
        { durable },
      );
    expect(await level(false)).toBe(NORMAL);
    expect(await level(true)).toBe(FULL);
    expect(await level(false)).toBe(NORMAL);
    expect(await Promise.all([level(false), level(true)])).toEqual([FULL, FULL]);
    await database.close();
  });

  it('say in one line when they cannot be opened', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(openDatabase(join(file, 'api.db'))).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
    });
  });
});
