import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { releasedForTest, testResultStore } from './contract.js';
import { LocalStore } from './local-store.js';
import { checkDownload } from './signed-url.js';

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function makeStore(now?: () => number): Promise<{ store: LocalStore; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'zsky-local-'));
  folders.push(folder);
  const base = { folder, publicUrl: 'http://node.test', secret: 'secret' };
  return { store: new LocalStore(now === undefined ? base : { ...base, now }), folder };
}

testResultStore('LocalStore', async () => (await makeStore()).store);

describe('signed downloads of a local store', () => {
  const query = (url: URL) => ({
    expires: url.searchParams.get('expires') ?? '',
    filename: url.searchParams.get('filename') ?? '',
    signature: url.searchParams.get('signature') ?? '',
  });

  it('hold for their time, for one key and one name only', async () => {
    const issuedAt = Date.UTC(2026, 4, 1);
    const { store } = await makeStore(() => issuedAt);
    const url = new URL(await store.signedUrl('a/1-result.webp', 86_400, 'a b.webp'));
    const at = issuedAt / 1000;
    expect(checkDownload('secret', 'a/1-result.webp', query(url), at)).toBeUndefined();
    expect(checkDownload('secret', 'a/1-result.webp', query(url), at + 86_399)).toBeUndefined();
    expect(checkDownload('secret', 'a/1-result.webp', query(url), at + 86_400)).toBe('expired');
    expect(checkDownload('secret', 'b/1-result.webp', query(url), at)).toBe('forged');
    expect(checkDownload('other', 'a/1-result.webp', query(url), at)).toBe('forged');
    for (const change of [{ expires: String(at + 999_999) }, { filename: 'x' }, { signature: '' }]) {
      expect(checkDownload('secret', 'a/1-result.webp', { ...query(url), ...change }, at)).toBe('forged');
    }
  });
});

describe('LocalStore on disk', () => {
  it('leaves no folder behind once a job has no files', async () => {
    const { store, folder } = await makeStore();
    await store.put('job/1-result.webp', releasedForTest(Buffer.from('x')));
    await store.remove('job/1-result.webp');
    expect(await readdir(folder)).toEqual(['.incoming']);
  });

  it('tidies half-written files by age', async () => {
    const { store, folder } = await makeStore();
    await mkdir(join(folder, '.incoming'));
    await writeFile(join(folder, '.incoming', 'left'), 'x');
    await store.tidy(new Date(Date.now() - 3600_000));
    expect(await readdir(join(folder, '.incoming'))).toEqual(['left']);
    await store.tidy(new Date(Date.now() + 3600_000));
    expect(await readdir(join(folder, '.incoming'))).toEqual([]);
  });

  it('says that storage is unavailable when its folder cannot be written', async () => {
    const { folder } = await makeStore();
    const blocked = join(folder, 'file');
    await writeFile(blocked, '');
    const store = new LocalStore({ folder: blocked, publicUrl: '', secret: '' });
    await expect(store.put('a/b.webp', releasedForTest(Buffer.from('x')))).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
    });
  });
});
