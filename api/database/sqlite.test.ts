import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

  it('say in one line when they cannot be opened', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(openDatabase(join(file, 'api.db'))).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
    });
  });
});
