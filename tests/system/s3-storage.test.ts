import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from '@20minutes/s3rver';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../api/database/open.js';
import { jobPrefix } from '../../core/storage/keys.js';
import { S3Store } from '../../core/storage/s3-store.js';
import { call, until } from '../support/api.js';
import { startTestSystem, type TestSystem } from '../support/system.js';

/** The whole system with its results in a bucket of a server that verifies signatures. */

const DAY_MS = 24 * 3600_000;
const bucket = 'results';
/** The server's built-in account. */
const account = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER', region: 'us-east-1' };

const directory = mkdtempSync(join(tmpdir(), 'zsky-bucket-'));
const server = new S3rver({
  address: '127.0.0.1',
  port: 0,
  silent: true,
  directory,
  configureBuckets: [{ name: bucket }],
});

let at: TestSystem;
let endpoint: string;
let store: S3Store;
beforeAll(async () => {
  endpoint = `http://127.0.0.1:${(await server.run()).port}`;
  store = new S3Store({ endpoint, bucket, ...account });
  at = await startTestSystem({
    env: {
      ZSKY_STORAGE_DRIVER: 's3',
      ZSKY_STORAGE_S3_ENDPOINT: endpoint,
      ZSKY_STORAGE_S3_BUCKET: bucket,
      ZSKY_STORAGE_S3_REGION: account.region,
      ZSKY_STORAGE_S3_ACCESS_KEY_ID: account.accessKeyId,
      ZSKY_STORAGE_S3_SECRET_ACCESS_KEY: account.secretAccessKey,
    },
  });
});
afterAll(async () => {
  await at?.stop();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Names of the job's files in the bucket. */
async function filesOf(jobId: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(jobPrefix(jobId))) keys.push(key);
  return keys;
}

/** Makes a small picture and gives its job id and link. */
async function picture(): Promise<{ jobId: string; link: string }> {
  const jobId = await at.submit({ prompt: 'a red house in a green field', width: 320, height: 256 });
  const ended = await at.ended(jobId);
  expect(ended).toMatchObject({ status: 'completed', expires_in: 86400 });
  return { jobId, link: String(ended['result_url']) };
}

test('a picture goes into the bucket and comes down by its presigned link, past the API', async () => {
  const { jobId, link } = await picture();
  expect(await filesOf(jobId)).toHaveLength(1);
  expect(existsSync(join(at.dataDir, 'results'))).toBe(false);
  const url = new URL(link);
  expect(url.origin).toBe(endpoint);
  expect(url.searchParams.get('X-Amz-Expires')).toBe('86400');
  const answer = await fetch(link);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('image/webp');
  const { format, width, height } = await sharp(Buffer.from(await answer.arrayBuffer())).metadata();
  expect({ format, width, height }).toEqual({ format: 'webp', width: 320, height: 256 });
});

test('a link that is altered or signed with another key is refused by the bucket', async () => {
  const { jobId, link } = await picture();
  expect((await fetch(link.replace('X-Amz-Expires=86400', 'X-Amz-Expires=604800'))).status).toBe(403);
  const [key] = await filesOf(jobId);
  const other = new S3Store({ endpoint, bucket, ...account, secretAccessKey: 'guess' });
  expect((await fetch(await other.signedUrl(key, 86_400, 'guess.webp'))).status).toBe(403);
  expect((await fetch(link)).status).toBe(200);
});

test('DELETE takes the bytes out of the bucket at once', async () => {
  const { jobId, link } = await picture();
  expect((await at.request('DELETE', `/v1/jobs/${jobId}`)).status).toBe(204);
  expect(await filesOf(jobId)).toEqual([]);
  expect((await fetch(link)).status).toBe(404);
  expect((await at.request('GET', `/v1/jobs/${jobId}`)).status).toBe(404);
});

test('after seven days the sweeper of a fresh API process takes bytes and metadata', async () => {
  const [old, young] = [await picture(), await picture()];
  const database = await openDatabase(join(at.dataDir, 'api.db'));
  try {
    await database.write(async (tx) => {
      await tx
        .updateTable('jobs')
        .set({ ended_at: Date.now() - 7 * DAY_MS - 1000 })
        .where('id', '=', old.jobId)
        .execute();
    });
    const url = await at.startAnotherApi();
    await until(async () => (await filesOf(old.jobId)).length === 0);
    expect((await fetch(old.link)).status).toBe(404);
    expect((await call(url, 'GET', `/v1/jobs/${old.jobId}`, { key: at.key })).status).toBe(404);
    const rows = () => database.read.selectFrom('jobs').select('id').where('id', '=', old.jobId).execute();
    await until(async () => (await rows()).length === 0);
    expect(await filesOf(young.jobId)).toHaveLength(1);
    expect((await fetch(young.link)).status).toBe(200);
  } finally {
    await database.close();
  }
});
