import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, until } from '../support/api.js';
import { startTestSystem, type TestSystem } from '../support/system.js';

let at: TestSystem;
beforeAll(async () => {
  at = await startTestSystem();
});
afterAll(() => at.stop());

/** Files under the data folder (database, broker's streams, results, logs) that have the word in them. */
async function filesWith(word: string): Promise<string[]> {
  const names = await readdir(at.dataDir, { recursive: true });
  const found: string[] = [];
  for (const name of names) {
    // Files come and go while the system runs; what is gone holds nothing.
    const bytes = await readFile(join(at.dataDir, name)).catch(() => Buffer.alloc(0));
    if (bytes.includes(word)) found.push(name);
  }
  if (at.log().includes(word)) found.push('the log');
  return found;
}

function canary(): string {
  return `canary${randomBytes(6).toString('hex')}`;
}

function generate(prompt: string, signal?: AbortSignal): Promise<Response> {
  return fetch(`${at.system.url}/v1/images/generate`, {
    method: 'POST',
    headers: { 'x-api-key': at.key, 'content-type': 'application/json', 'x-zsky-store': '0' },
    body: JSON.stringify({ prompt, width: 1024, height: 1024 }),
    ...(signal === undefined ? {} : { signal }),
  });
}

const activeJobs = async () => (await at.request('GET', '/v1/account')).json.active_jobs.used as number;
const imagesUsed = async () => (await at.request('GET', '/v1/account')).json.usage.images_used as number;
const running = (): Promise<string> =>
  until(async () => {
    const { json } = await at.request('GET', '/v1/jobs');
    return json.jobs.find((job: { status: string }) => job.status === 'running')?.job_id;
  });

test('a stored job is found by this search, so that not finding means something', async () => {
  const word = canary();
  await at.submit({ prompt: `a lighthouse ${word}`, width: 256, height: 256 }).then((id) => at.ended(id));
  expect((await filesWith(word)).length).toBeGreaterThan(0);
});

test('a zero-retention prompt is found nowhere, during and after, and no bytes are kept', async () => {
  const word = canary();
  const before = await imagesUsed();
  let over = false;
  const answer = generate(`a lighthouse ${word}`).finally(() => (over = true));
  while (!over) expect(await filesWith(word)).toEqual([]);
  const response = await answer;
  expect(response.status).toBe(200);
  const { format } = await sharp(Buffer.from(await response.arrayBuffer())).metadata();
  expect(format).toBe('webp');
  expect(await filesWith(word)).toEqual([]);
  const jobId = response.headers.get('x-job-id') ?? '';
  const results = await readdir(join(at.dataDir, 'results'), { recursive: true });
  expect(results.filter((name) => name.includes(jobId))).toEqual([]);
  expect(await imagesUsed()).toBe(before + 1);
});

test('nor when its executor is killed, nor when its caller hangs up, nor when it is refused', async () => {
  const killed = canary();
  const survivor = generate(`a windmill ${killed}`);
  await running();
  const [executor] = at.childrenOf(at.pidOf('daemon'));
  process.kill(executor, 'SIGKILL');
  expect((await survivor).status).toBe(200);
  expect(await filesWith(killed)).toEqual([]);

  const abandoned = canary();
  const hangUp = new AbortController();
  const waiting = generate(`a castle ${abandoned}`, hangUp.signal);
  waiting.catch(() => undefined);
  await running();
  hangUp.abort();
  await until(async () => (await activeJobs()) === 0);
  expect(await filesWith(abandoned)).toEqual([]);

  const refused = canary();
  expect((await generate(`a nude woman ${refused}`)).status).toBe(451);
  expect(await filesWith(refused)).toEqual([]);
});

test('nor when the API process is killed while it waits; what it had reserved goes back', async () => {
  const word = canary();
  const before = await imagesUsed();
  const lost = generate(`a red boat ${word}`);
  lost.catch(() => undefined);
  await running();
  process.kill(at.pidOf('api'), 'SIGKILL');
  await expect(lost).rejects.toThrow();
  expect(await filesWith(word)).toEqual([]);

  const url = await at.startAnotherApi();
  const account = async () => (await call(url, 'GET', '/v1/account', { key: at.key })).json;
  await until(async () => (await account()).usage.images_used === before);
  expect((await account()).active_jobs.used).toBe(0);
  expect(await filesWith(word)).toEqual([]);
});
