import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MediaFacts, Released } from '../released.js';
import { resultKey } from './keys.js';
import type { ResultStore, StoredFile } from './store.js';

const WEBP = 'image/webp';

function facts(data: Uint8Array): MediaFacts {
  const sha256 = createHash('sha256').update(data).digest('hex');
  return { contentType: WEBP, bytes: data.byteLength, sha256, watermark: '00' };
}

/** What the gate would make of these bytes; only for tests of stores, which cannot run the gate. */
export function releasedForTest(data: Uint8Array, path?: string): Released {
  const source = path === undefined ? { type: 'memory', data } : { type: 'file', path };
  return { facts: facts(data), source } as unknown as Released;
}

async function collect(files: AsyncIterable<StoredFile>): Promise<StoredFile[]> {
  const found: StoredFile[] = [];
  for await (const file of files) found.push(file);
  return found;
}

function key(part = 'result'): string {
  return resultKey(randomBytes(16).toString('hex'), 1, part, WEBP);
}

/** Everything the API and the daemon rely on, checked against one driver of the result store. */
export function testResultStore(name: string, make: () => Promise<ResultStore>): void {
  describe(name, () => {
    let store: ResultStore;
    let scratch: string;
    const data = randomBytes(300_000);
    beforeAll(async () => {
      scratch = await mkdtemp(join(tmpdir(), 'zsky-store-'));
      store = await make();
    });
    afterAll(() => rm(scratch, { recursive: true, force: true }));

    it('gives back what was put, from memory and from a file', async () => {
      const path = join(scratch, 'film');
      await writeFile(path, data);
      for (const released of [releasedForTest(data), releasedForTest(data, path)]) {
        const at = key();
        await store.put(at, released);
        const opened = await store.open(at);
        expect(opened).toMatchObject({ contentType: WEBP, totalBytes: data.length });
        expect((await buffer(opened!.stream)).equals(data)).toBe(true);
        expect(await store.stat(at)).toMatchObject({ key: at, bytes: data.length });
      }
    });

    it('opens any part of a file', async () => {
      const at = key();
      await store.put(at, releasedForTest(data));
      for (const range of [
        { start: 0, end: 1 },
        { start: 100_000, end: 200_001 },
        { start: 299_999, end: 299_999 },
      ]) {
        const opened = await store.open(at, range);
        expect(opened?.totalBytes).toBe(data.length);
        expect((await buffer(opened!.stream)).equals(data.subarray(range.start, range.end + 1))).toBe(true);
      }
    });

    it('replaces a file that is put again', async () => {
      const at = key();
      await store.put(at, releasedForTest(data));
      await store.put(at, releasedForTest(Buffer.from('second')));
      expect((await buffer((await store.open(at))!.stream)).toString()).toBe('second');
    });

    it('stores nothing when the bytes are not those released', async () => {
      const at = key();
      const released = releasedForTest(data);
      const other = { ...released, source: { type: 'memory', data: randomBytes(300_000) } };
      await expect(store.put(at, other as unknown as Released)).rejects.toMatchObject({
        code: 'RELEASE_MISMATCH',
      });
      expect(await store.stat(at)).toBeUndefined();
      expect(await store.open(at)).toBeUndefined();
    });

    it('removes, and removing what is not there is no error', async () => {
      const at = key();
      await store.put(at, releasedForTest(data));
      await store.remove(at);
      await store.remove(at);
      expect(await store.open(at)).toBeUndefined();
    });

    it('lists by prefix and lists everything', async () => {
      const id = randomBytes(16).toString('hex');
      const keys = ['result', 'poster'].map((part) => resultKey(id, 2, part, WEBP));
      const other = key();
      for (const at of [...keys, other]) await store.put(at, releasedForTest(data));
      const listed = await collect(store.list(`${id}/`));
      expect(listed.map((file) => file.key).sort()).toEqual([...keys].sort());
      expect(listed[0].bytes).toBe(data.length);
      expect(Math.abs(listed[0].modifiedAt.getTime() - Date.now())).toBeLessThan(600_000);
      const all = (await collect(store.list())).map((file) => file.key);
      expect(all).toEqual(expect.arrayContaining([...keys, other]));
      expect(await collect(store.list('0000/'))).toEqual([]);
    });

    it('signs a URL that names the file and its expiry', async () => {
      const at = key();
      await store.put(at, releasedForTest(data));
      const url = new URL(await store.signedUrl(at, 86_400, 'lighthouse.webp'));
      expect(url.pathname.endsWith(at)).toBe(true);
      expect(url.search).toMatch(/expires=/i);
      expect(url.search).toMatch(/signature=/i);
      expect(url.search).toContain('lighthouse.webp');
    });

    it('refuses keys that could leave its folder', async () => {
      for (const bad of ['../secret.webp', '/etc/passwd', 'a/../../b.webp', 'A.webp', '', 'a\n.webp']) {
        await expect(store.put(bad, releasedForTest(data))).rejects.toMatchObject({ code: 'INTERNAL' });
        await expect(store.open(bad)).rejects.toMatchObject({ code: 'INTERNAL' });
      }
    });

    it('tidies without touching finished files', async () => {
      const at = key();
      await store.put(at, releasedForTest(data));
      await store.tidy(new Date(Date.now() + 60_000));
      expect(await store.stat(at)).toBeDefined();
    });
  });
}
