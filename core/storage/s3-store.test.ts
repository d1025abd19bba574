import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from '@20minutes/s3rver';
import { afterAll, describe, expect, it } from 'vitest';
import { releasedForTest, testResultStore } from './contract.js';
import { S3Store } from './s3-store.js';

/** The server's built-in test account. */
const ACCESS_KEY = 'S3RVER';
const SECRET = 'S3RVER';

const directory = await mkdtemp(join(tmpdir(), 'zsky-s3-'));
const server = new S3rver({
  address: '127.0.0.1',
  port: 0,
  silent: true,
  directory,
  configureBuckets: [{ name: 'results' }],
});
const { port } = await server.run();
const endpoint = `http://127.0.0.1:${port}`;

afterAll(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

function makeStore(change: Partial<ConstructorParameters<typeof S3Store>[0]> = {}): S3Store {
  return new S3Store({
    endpoint,
    bucket: 'results',
    region: 'us-east-1',
    accessKeyId: ACCESS_KEY,
    secretAccessKey: SECRET,
    ...change,
  });
}

testResultStore('S3Store against a server that verifies signatures', async () => makeStore());

describe('signed downloads of an S3 store', () => {
  const key = 'job/1-result.webp';

  it('are served by the bucket itself, with type, name and ranges', async () => {
    const store = makeStore();
    await store.put(key, releasedForTest(Buffer.from('picture')));
    const url = await store.signedUrl(key, 86_400, 'a.webp');
    expect(new URL(url).searchParams.get('X-Amz-Expires')).toBe('86400');
    const whole = await fetch(url);
    expect(whole.status).toBe(200);
    expect(await whole.text()).toBe('picture');
    expect(whole.headers.get('content-type')).toBe('image/webp');
    expect(whole.headers.get('content-disposition')).toContain('a.webp');
    const part = await fetch(url, { headers: { range: 'bytes=0-3' } });
    expect(part.status).toBe(206);
    expect(await part.text()).toBe('pict');
  });

  it('are refused when forged, altered or expired', async () => {
    const store = makeStore();
    await store.put(key, releasedForTest(Buffer.from('picture')));
    const url = await store.signedUrl(key, 86_400, 'a.webp');
    const forged = await makeStore({ secretAccessKey: 'guess' }).signedUrl(key, 86_400, 'a.webp');
    const longer = url.replace('X-Amz-Expires=86400', 'X-Amz-Expires=604800');
    const old = new URL(url);
    old.searchParams.set('X-Amz-Date', '20200101T000000Z');
    for (const refused of [forged, longer, old.href]) {
      expect((await fetch(refused)).status).toBe(403);
    }
  });
});

describe('S3Store in trouble', () => {
  it('says so when keys are wrong, the bucket is missing or the server is away', async () => {
    const released = releasedForTest(Buffer.from('x'));
    for (const store of [makeStore({ secretAccessKey: 'guess' }), makeStore({ bucket: 'missing' })]) {
      await expect(store.put('a/b.webp', released)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    }
    const away = makeStore({ endpoint: 'http://127.0.0.1:9' });
    await expect(away.stat('a/b.webp')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  });
});
