import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { sweep } from '../../api/background/sweeper.js';
import { admit } from '../../api/database/admission.js';
import { setOverageCap } from '../../api/database/ledger.js';
import { endJob } from '../../api/database/settlement.js';
import { setDailyLift, setSuspension } from '../../api/database/accounts.js';
import { verifyLedger } from '../../api/database/verify-ledger.js';
import type { usageBody } from '../../api/http/schemas.js';
import { jobBody, problemBody, queuedJob } from '../../api/http/schemas.js';
import { startTestApi, until, type Answer, type CallOptions, type TestApi } from '../support/api.js';
import { startBroker, type PrivateBroker } from '../support/broker.js';
import { startStandInNode, type Script, type StandInNode } from '../support/stand-in-node.js';

/** The API document, row by row: each sentence with a number or a status is a test with that sentence as its name. */

let broker: PrivateBroker;
let api: TestApi;
let node: StandInNode;
let key: string;
let accountId: string;

const complete: Script = async () => 'complete';
/** Holds jobs until they are cancelled. */
const hold: Script = async (_job, { cancelled }) => {
  await cancelled;
  return 'complete';
};

beforeAll(async () => {
  broker = await startBroker();
  api = await startTestApi(broker.url);
  node = await startStandInNode({ brokerUrl: broker.url, store: api.api.services.store });
});
beforeEach(async () => {
  // Sentences about days and months must not meet a real midnight half way through.
  api.travelTo(Date.UTC(2026, 4, 10, 12));
  node.script = complete;
  ({ key, accountId } = await api.newAccount());
});
afterEach(async () => {
  expect((await verifyLedger(api.api.services.database)).differences).toEqual([]);
});
afterAll(async () => {
  await node?.stop();
  await api?.close();
  await broker?.stop();
});

const call = (method: string, path: string, options: CallOptions = {}): Promise<Answer> =>
  api.call(method, path, { key, ...options });
const image = (body: object = {}, options: CallOptions = {}): Promise<Answer> =>
  call('POST', '/v1/images/generate', { body: { prompt: 'a lighthouse', ...body }, ...options });
const video = (body: object = {}, options: CallOptions = {}): Promise<Answer> =>
  call('POST', '/v1/videos/generate', { body: { prompt: 'a lighthouse', ...body }, ...options });
const ended = (jobId: string): Promise<Answer['json']> =>
  until(async () => {
    const { json } = await call('GET', `/v1/jobs/${jobId}`);
    return ['completed', 'failed', 'blocked'].includes(json.status) && json;
  });
const usage = async (): Promise<z.infer<typeof usageBody>> => (await call('GET', '/v1/usage')).json;

/** Uses up allowance as many finished jobs would have, at the API's present time. */
async function useUp(
  kind: 'image' | 'video',
  count: number,
  state: 'completed' | 'blocked' = 'completed',
): Promise<void> {
  const { database, settings } = api.api.services;
  const wide = { ...settings.limits, concurrentJobs: 1e6, videosPerDay: 1e6, imagesPerDay: 1e6 };
  const at = api.now();
  await Promise.all(
    Array.from({ length: count }, async () => {
      const id = randomBytes(16).toString('hex');
      const job = { id, accountId, kind, message: undefined, createdAt: at, expiresAt: at + 1 };
      expect(await admit(database, wide, job)).toEqual({ outcome: 'admitted' });
      await endJob(database, wide, id, { state, at, charged: true });
    }),
  );
}

/** Lets the burst limit's minute pass. */
const nextMinute = (): void => api.travelTo(api.now() + 61_000);

function expectProblem(answer: Answer, status: number, code: string): void {
  expect(answer.status, answer.text).toBe(status);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  const problem = problemBody.parse(answer.json);
  expect(problem.code).toBe(code);
  expect(problem.status).toBe(status);
  expect(problem.request_id).toBe(answer.headers.get('x-request-id'));
  expect(problem.error.length).toBeGreaterThan(10);
}

function expectLimited(answer: Answer, code: string): number {
  expectProblem(answer, 429, code);
  const retryAfter = Number(answer.headers.get('retry-after'));
  expect(retryAfter).toBeGreaterThan(0);
  for (const name of ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset']) {
    expect(answer.headers.get(name)).toMatch(/^\d+$/);
  }
  return retryAfter;
}

describe('Authentication', () => {
  it('Every request must include an X-API-Key header containing a key issued to you.', async () => {
    for (const [method, path] of [
      ['POST', '/v1/images/generate'],
      ['POST', '/v1/videos/generate'],
      ['GET', '/v1/jobs/5f3'],
      ['DELETE', '/v1/jobs/5f3'],
      ['GET', '/v1/usage'],
      ['POST', '/v1/keys/rotate'],
    ]) {
      expectProblem(await api.call(method, path), 401, 'missing_key');
      expectProblem(await api.call(method, path, { key: 'zsky_live_nonsense' }), 401, 'invalid_key');
      const forged = `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`;
      expectProblem(await api.call(method, path, { key: forged }), 401, 'invalid_key');
    }
  });

  it('Lost keys cannot be recovered — rotation issues a new one and immediately invalidates the previous.', async () => {
    await image();
    const rotated = await call('POST', '/v1/keys/rotate');
    expect(rotated.status).toBe(200);
    expect(rotated.json.api_key).toMatch(/^zsky_live_/);
    expectProblem(await call('GET', '/v1/usage'), 401, 'invalid_key');
    const after = await call('GET', '/v1/usage', { key: rotated.json.api_key });
    expect(after.json.images_used).toBe(1);
  });
});

describe('Endpoints', () => {
  it('are the six of the table, in the served document and on the wire', async () => {
    const { paths } = (await api.call('GET', '/openapi.json')).json;
    for (const [method, path] of [
      ['post', '/v1/images/generate'],
      ['post', '/v1/videos/generate'],
      ['get', '/v1/jobs/{id}'],
      ['delete', '/v1/jobs/{id}'],
      ['get', '/v1/usage'],
      ['post', '/v1/keys/rotate'],
    ]) {
      expect(paths[path], path).toHaveProperty(method);
      const { status } = await call(method.toUpperCase(), path.replace('{id}', '0'.repeat(32)));
      expect([200, 400, 404], path).toContain(status);
    }
  });
});

describe('POST /v1/images/generate', () => {
  it('Response (HTTP 200): job_id, status queued, kind image, poll_url', async () => {
    const answer = await image({ width: 1024, height: 1024 });
    expect(answer.status).toBe(200);
    expect(queuedJob.parse(answer.json)).toEqual({
      job_id: answer.json.job_id,
      status: 'queued',
      kind: 'image',
      poll_url: `/v1/jobs/${answer.json.job_id}`,
    });
  });

  it('prompt (required, string, ≤2000 chars)', async () => {
    expect((await image({ prompt: 'x'.repeat(2000) })).status).toBe(200);
    for (const prompt of [undefined, '', '   ', 7, null, ['x'], 'x'.repeat(2001)]) {
      const answer = await image({ prompt });
      expectProblem(answer, 400, 'invalid_params');
      expect(answer.json.error).toMatch(/prompt/i);
    }
  });

  it('width (optional, int, 256–2048, default 1024), height (optional, int, 256–2048, default 1024)', async () => {
    const { job_id: id } = (await image()).json;
    await ended(id);
    expect(node.taken.find((job) => job.jobId === id)?.request).toMatchObject({ width: 1024, height: 1024 });
    expect((await image({ width: 256, height: 2048 })).status).toBe(200);
    for (const name of ['width', 'height']) {
      for (const value of [255, 2049, 512.5, '512', null]) {
        const answer = await image({ [name]: value });
        expectProblem(answer, 400, 'invalid_params');
        expect(answer.json.error.toLowerCase()).toContain(name);
      }
      nextMinute();
    }
  });

  it('seed (optional, int) — for reproducible outputs', async () => {
    const { job_id: id } = (await image({ seed: 42 })).json;
    expect((await ended(id)).seed).toBe(42);
    const chosen = (await ended((await image()).json.job_id)).seed;
    expect(Number.isSafeInteger(chosen)).toBe(true);
    for (const seed of [1.5, '1', -1, 2 ** 53]) expectProblem(await image({ seed }), 400, 'invalid_params');
  });

  it('negative (optional, string) — negative prompt', async () => {
    const { job_id: id } = (await image({ negative: 'fog' })).json;
    await ended(id);
    expect(node.taken.find((job) => job.jobId === id)?.request).toMatchObject({ negative: 'fog' });
    expectProblem(await image({ negative: 1 }), 400, 'invalid_params');
  });

  it('refuses unknown fields by name', async () => {
    const answer = await image({ heigth: 512 });
    expectProblem(answer, 400, 'invalid_params');
    expect(answer.json.error).toContain('"heigth"');
    expect((await video({ negative: 'fog' })).json.error).toContain('"negative"');
  });
});

describe('POST /v1/videos/generate', () => {
  it('Response (HTTP 200): job_id, status queued, kind video, poll_url', async () => {
    const answer = await video({ length: 121 });
    expect(answer.status).toBe(200);
    expect(queuedJob.parse(answer.json).kind).toBe('video');
  });

  it('width (optional, int, 256–2560, default 1280), height (optional, int, 256–2560, default 720)', async () => {
    const { job_id: id } = (await video()).json;
    await ended(id);
    expect(node.taken.find((job) => job.jobId === id)?.request).toMatchObject({ width: 1280, height: 720 });
    expect((await video({ width: 2560, height: 256 })).status).toBe(200);
    for (const value of [255, 2561]) {
      expectProblem(await video({ width: value }), 400, 'invalid_params');
      expectProblem(await video({ height: value }), 400, 'invalid_params');
    }
  });

  it('prompt (required, string, ≤2000 chars)', async () => {
    expect((await video({ prompt: 'x'.repeat(2000) })).status).toBe(200);
    for (const prompt of [undefined, '', 7, 'x'.repeat(2001)]) {
      const answer = await video({ prompt });
      expectProblem(answer, 400, 'invalid_params');
      expect(answer.json.error).toMatch(/prompt/i);
    }
  });

  it('seed (optional, int)', async () => {
    expect((await ended((await video({ seed: 42 })).json.job_id)).seed).toBe(42);
    for (const seed of [1.5, '1', -1]) expectProblem(await video({ seed }), 400, 'invalid_params');
  });

  it('Use the poll_url to check status.', async () => {
    const { poll_url: url, job_id: id } = (await video()).json;
    expect((await call('GET', url)).json.job_id).toBe(id);
  });

  it('Image-to-video (uploading a starting frame) is not yet supported in v1', async () => {
    for (const name of ['image', 'image_url', 'keyframe']) {
      const answer = await video({ [name]: 'AAAA' });
      expectProblem(answer, 400, 'invalid_params');
      expect(answer.json.error).toContain(`"${name}"`);
    }
  });

  it('length (optional, int, 25–241, default 121) — frames; ~5 seconds at default', async () => {
    const { job_id: id } = (await video()).json;
    await ended(id);
    expect(node.taken.find((job) => job.jobId === id)?.request).toMatchObject({ length: 121 });
    for (const length of [24, 242, 30.5, '121'])
      expectProblem(await video({ length }), 400, 'invalid_params');
    for (const length of [25, 241]) expect((await video({ length })).status).toBe(200);
  });
});

describe('GET /v1/jobs/<id>', () => {
  it('While queued/running: job_id, status, kind', async () => {
    node.script = async (job, tools) => {
      tools.progress(0.5);
      return hold(job, tools);
    };
    const { job_id: id } = (await video()).json;
    const running = await until(async () => {
      const { json } = await call('GET', `/v1/jobs/${id}`);
      expect(jobBody.parse(json).kind).toBe('video');
      return json.status === 'running' && json;
    });
    expect(running.progress).toEqual({ stage: 'denoise', step: 5, steps: 10, fraction: 0.5 });
    await call('DELETE', `/v1/jobs/${id}`);
  });

  it('When completed: result_url and expires_in 86400', async () => {
    const { job_id: id } = (await video()).json;
    const job = jobBody.parse(await ended(id));
    expect(job).toMatchObject({ job_id: id, status: 'completed', kind: 'video', expires_in: 86400 });
    const file = await call('GET', job.result_url!);
    expect(file.status).toBe(200);
    expect(file.headers.get('content-type')).toBe('video/mp4');
    expect(file.text).toContain('a film');
  });

  it('If blocked by safety: status blocked with an error', async () => {
    node.script = async () => 'block';
    const job = await ended((await video()).json.job_id);
    expect(job.status).toBe('blocked');
    expect(job.error).toContain('Sorry — our safety check stopped this video');
    expect(job.result_url).toBeUndefined();
  });

  it('result_url is a 24-hour signed download URL pointing directly at our storage.', async () => {
    const { result_url: url } = await ended((await image()).json.job_id);
    const issued = api.now();
    expect((await call('GET', url)).headers.get('content-type')).toBe('image/webp');
    const part = await call('GET', url, { headers: { range: 'bytes=0-3' } });
    expect([part.status, part.text]).toEqual([206, 'RIFF']);
    expect((await call('GET', url, { headers: { range: 'bytes=999-' } })).status).toBe(416);
    expect((await call('HEAD', url)).headers.get('content-length')).toBe('25');
    for (const forged of [
      url.replace('expires=', 'expires=9'),
      url.slice(0, -3),
      url.replace('1-result', '2-result'),
    ]) {
      expectProblem(await call('GET', forged), 403, 'link_invalid');
    }
    api.travelTo(issued + 86_390_000);
    expect((await call('GET', url)).status).toBe(200);
    api.travelTo(issued + 86_401_000);
    expectProblem(await call('GET', url), 403, 'link_expired');
  });

  it('tells only the owner: others get 404', async () => {
    const { job_id: id } = (await image()).json;
    const other = (await api.newAccount()).key;
    for (const method of ['GET', 'DELETE']) {
      expectProblem(await call(method, `/v1/jobs/${id}`, { key: other }), 404, 'job_not_found');
    }
    expectProblem(await call('GET', `/v1/jobs/${id}/events`, { key: other }), 404, 'job_not_found');
    expect((await call('GET', '/v1/jobs', { key: other })).json.jobs).toEqual([]);
    await ended(id);
  });
});

describe('DELETE /v1/jobs/<id>', () => {
  it("Returns HTTP 204 on success, 404 if the job doesn't exist or isn't yours.", async () => {
    const { job_id: id } = (await image()).json;
    const { result_url: url } = await ended(id);
    const purged = await call('DELETE', `/v1/jobs/${id}`);
    expect([purged.status, purged.text]).toEqual([204, '']);
    expectProblem(await call('GET', url), 404, 'file_not_found');
    expectProblem(await call('GET', `/v1/jobs/${id}`), 404, 'job_not_found');
    expectProblem(await call('DELETE', `/v1/jobs/${id}`), 404, 'job_not_found');
    expectProblem(await call('DELETE', '/v1/jobs/not-a-job'), 404, 'job_not_found');
    expect((await usage()).images_used).toBe(1);
  });

  it('cancels a running job, whose slot is free once its executor has stopped', async () => {
    node.script = hold;
    const jobs = [(await image()).json, (await image()).json, (await image()).json];
    await until(async () => jobs.every((job) => node.taken.some((taken) => taken.jobId === job.job_id)));
    expectLimited(await image(), 'concurrent_jobs_limit');
    for (const job of jobs) expect((await call('DELETE', `/v1/jobs/${job.job_id}`)).status).toBe(204);
    node.script = complete;
    await until(async () => (await image()).status === 200 || (nextMinute(), false));
    // They had started: GPU work was performed.
    expect((await usage()).images_used).toBe(4);
  });
});

describe('GET /v1/usage', () => {
  it('has exactly the documented fields', async () => {
    await image();
    await video();
    const answer = await call('GET', '/v1/usage');
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      videos_used: 1,
      videos_overage: 0,
      images_used: 1,
      images_overage: 0,
      overage_charged_cents: 0,
      base_videos_allowance: 300,
      base_images_allowance: 1000,
      month_start: '2026-05-01',
    });
  });
});

describe('POST /v1/keys/rotate', () => {
  it('The response includes a one-time-shown plaintext value.', async () => {
    const { api_key: next } = (await call('POST', '/v1/keys/rotate')).json;
    expect((await call('GET', '/v1/usage', { key: next })).status).toBe(200);
    // Nothing else shows it, and nothing has kept it.
    expect((await call('GET', '/v1/account', { key: next })).text).not.toContain(next);
    for (const name of await readdir(api.dataDir, { recursive: true })) {
      const bytes = await readFile(join(api.dataDir, name)).catch(() => Buffer.alloc(0));
      expect(bytes.includes(next), name).toBe(false);
    }
  });
});

describe('Rate Limits & Allowances', () => {
  it('Monthly base — videos | 300 per calendar month (UTC)', async () => {
    await setDailyLift(api.api.services.database, accountId, Date.UTC(2030, 0));
    await useUp('video', 299);
    expect((await video()).status).toBe(200);
    const retryAfter = expectLimited(await video(), 'monthly_allowance_reached');
    expect(retryAfter * 1000).toBeGreaterThan(Date.UTC(2026, 5) - api.now() - 2000);
    expect((await image()).status).toBe(200);
  });

  it('Monthly base — images | 1,000 per calendar month (UTC)', async () => {
    await setDailyLift(api.api.services.database, accountId, Date.UTC(2030, 0));
    await useUp('image', 999);
    expect((await image()).status).toBe(200);
    expectLimited(await image(), 'monthly_allowance_reached');
    expect((await usage()).images_used).toBe(1000);
  });

  it('Rollover | None — unused allowance does NOT carry over to next month', async () => {
    await useUp('video', 100);
    api.travelTo(Date.UTC(2026, 5, 1));
    expect(await usage()).toMatchObject({
      videos_used: 0,
      base_videos_allowance: 300,
      month_start: '2026-06-01',
    });
  });

  it('Reset | 1st of each calendar month at 00:00 UTC', async () => {
    await setDailyLift(api.api.services.database, accountId, Date.UTC(2030, 0));
    api.travelTo(Date.UTC(2026, 11, 31, 23, 59, 30));
    await useUp('video', 300);
    expectLimited(await video(), 'monthly_allowance_reached');
    api.travelTo(Date.UTC(2027, 0, 1));
    expect((await video()).status).toBe(200);
    expect(await usage()).toMatchObject({ videos_used: 1, month_start: '2027-01-01' });
  });

  it('Concurrent jobs | 3 per API key', async () => {
    node.script = hold;
    const held = [await image(), await image(), await video()];
    expect(held.map((each) => each.status)).toEqual([200, 200, 200]);
    expectLimited(await video(), 'concurrent_jobs_limit');
    for (const each of held) await call('DELETE', `/v1/jobs/${each.json.job_id}`);
  });

  it('Burst | 20 requests per minute per key', async () => {
    const answers = await Promise.all(Array.from({ length: 25 }, () => call('GET', '/v1/usage')));
    expect(answers.filter((each) => each.status === 200)).toHaveLength(20);
    const retryAfter = expectLimited(await call('GET', '/v1/usage'), 'burst_limit');
    expectLimited(await image(), 'burst_limit');
    api.travelTo(api.now() + retryAfter * 1000);
    expect((await call('GET', '/v1/usage')).status).toBe(200);
    const other = await api.newAccount();
    expect((await call('GET', '/v1/usage', { key: other.key })).status).toBe(200);
  });

  it('lets a client poll every two seconds, as the sample client does', async () => {
    const { job_id: id } = (await image()).json;
    for (let poll = 0; poll < 60; poll += 1) {
      expect((await call('GET', `/v1/jobs/${id}`)).status).toBe(200);
    }
  });

  it('Daily soft cap | 50 videos / 200 images per UTC day per key (lift on request)', async () => {
    await useUp('video', 50);
    await useUp('image', 200);
    const retryAfter = expectLimited(await video(), 'daily_cap_reached');
    expect(retryAfter).toBeLessThanOrEqual(12 * 3600);
    expectLimited(await image(), 'daily_cap_reached');
    await setDailyLift(api.api.services.database, accountId, Date.UTC(2026, 4, 11));
    expect((await video()).status).toBe(200);
    api.travelTo(Date.UTC(2026, 4, 11));
    expect((await image()).status).toBe(200);
  });

  it('if you opt in to overage and set a monthly cap (e.g. $50), any unused overage budget carries over to the following month', async () => {
    await setDailyLift(api.api.services.database, accountId, Date.UTC(2030, 0));
    const set = await call('PUT', '/v1/account/overage', { body: { monthly_cap_cents: 5000 } });
    expect(set.json.overage).toMatchObject({ monthly_cap_cents: 5000, remaining_cents: 5000 });
    await useUp('video', 340);
    expect(await usage()).toMatchObject({
      videos_used: 340,
      videos_overage: 40,
      overage_charged_cents: 2000,
    });
    const remaining = async () => (await call('GET', '/v1/account')).json.overage.remaining_cents;
    expect(await remaining()).toBe(3000);
    api.travelTo(Date.UTC(2026, 5, 15));
    expect(await remaining()).toBe(8000);
    await useUp('video', 460);
    expect(await remaining()).toBe(0);
    expectLimited(await video(), 'overage_budget_reached');
    api.travelTo(Date.UTC(2026, 6, 15));
    expect(await remaining()).toBe(5000);
  });

  it('Default state is hard-stop at the allowance.', async () => {
    await setDailyLift(api.api.services.database, accountId, Date.UTC(2030, 0));
    await useUp('image', 1000);
    expectLimited(await image(), 'monthly_allowance_reached');
    await call('PUT', '/v1/account/overage', { body: { monthly_cap_cents: 5 } });
    expect((await image()).status).toBe(200);
    await call('PUT', '/v1/account/overage', { body: { monthly_cap_cents: null } });
    expectLimited(await image(), 'monthly_allowance_reached');
  });

  it('Overage pricing when enabled: $0.50 per video, $0.05 per image.', async () => {
    await setDailyLift(api.api.services.database, accountId, Date.UTC(2030, 0));
    await setOverageCap(api.api.services.database, accountId, 10_000, api.now());
    await useUp('video', 300);
    await useUp('image', 1000);
    await ended((await video()).json.job_id);
    expect((await usage()).overage_charged_cents).toBe(50);
    await ended((await image()).json.job_id);
    expect(await usage()).toMatchObject({ videos_overage: 1, images_overage: 1, overage_charged_cents: 55 });
    node.script = async () => 'fail';
    await ended((await video()).json.job_id);
    expect(await usage()).toMatchObject({ videos_overage: 1, overage_charged_cents: 55 });
  });
});

describe('Storage & Retention', () => {
  it('Signed download URLs are valid for 24 hours after issuance; each GET issues a fresh one', async () => {
    const { job_id: id } = (await image()).json;
    const first = await ended(id);
    api.travelTo(api.now() + 2 * 86_400_000);
    const again = (await call('GET', `/v1/jobs/${id}`)).json;
    expect(again.result_url).not.toBe(first.result_url);
    expect((await call('GET', first.result_url)).status).toBe(403);
    expect((await call('GET', again.result_url)).status).toBe(200);
  });

  it('Generated assets remain available for re-fetch via GET /v1/jobs/<id> for 7 days, then auto-delete.', async () => {
    const { job_id: id } = (await image()).json;
    await ended(id);
    const { services } = api.api;
    const finished = api.now();
    api.travelTo(finished + 7 * 86_400_000 - 60_000);
    await sweep(services);
    const { result_url: url } = (await call('GET', `/v1/jobs/${id}`)).json;
    expect((await call('GET', url)).status).toBe(200);
    api.travelTo(finished + 7 * 86_400_000 + 1000);
    expectProblem(await call('GET', `/v1/jobs/${id}`), 404, 'job_not_found');
    await sweep(services);
    expectProblem(await call('GET', url), 404, 'file_not_found');
    const rows = await services.database.read.selectFrom('jobs').select('id').where('id', '=', id).execute();
    expect(rows).toEqual([]);
  });

  it('API outputs never appear in /explore or the public community feed.', async () => {
    for (const path of ['/explore', '/v1/explore', '/feed'])
      expect((await call('GET', path)).status).toBe(404);
    const listed = await api.call('GET', '/v1/jobs');
    expectProblem(listed, 401, 'missing_key');
  });

  it('X-ZSky-Store: 0 — the bytes are returned inline and never persisted.', async () => {
    for (const [make, type] of [
      [image, 'image/webp'],
      [video, 'video/mp4'],
    ] as const) {
      const answer = await make({ seed: 7 }, { headers: { 'x-zsky-store': '0' } });
      expect(answer.status, answer.text).toBe(200);
      expect(answer.headers.get('content-type')).toBe(type);
      expect(answer.headers.get('x-seed')).toBe('7');
      expect(answer.headers.get('x-job-id')).toMatch(/^[0-9a-f]{32}$/);
      const job = (await call('GET', `/v1/jobs/${answer.headers.get('x-job-id')}`)).json;
      expect(job).toMatchObject({ status: 'completed' });
      expect(job.result_url).toBeUndefined();
    }
    expect(await usage()).toMatchObject({ images_used: 1, videos_used: 1 });
    expectProblem(await image({}, { headers: { 'x-zsky-store': 'no' } }), 400, 'invalid_params');
  });
});

describe('Safety', () => {
  it('Blocked generations return status blocked with a human-readable reason — they still count against your monthly allowance', async () => {
    node.script = async () => 'block';
    const job = await ended((await image()).json.job_id);
    expect(job).toMatchObject({ status: 'blocked', error_code: 'blocked_output' });
    expect(job.error).toMatch(/safety check/);
    expect((await usage()).images_used).toBe(1);
  });

  it('gives the allowance back when a job fails', async () => {
    node.script = async () => 'fail';
    const job = await ended((await image()).json.job_id);
    expect(job).toMatchObject({ status: 'failed', error_code: 'EXECUTOR_DIED' });
    expect((await usage()).images_used).toBe(0);
  });

  it("Repeated rejected requests (more than 50% of the last 30 minutes' attempts, minimum 10 events) trigger an automatic 24-hour suspension on the API key.", async () => {
    for (let n = 0; n < 9; n += 1) expectProblem(await image({ prompt: 'forbidden' }), 451, 'prompt_blocked');
    expect((await call('GET', '/v1/usage')).status).toBe(200);
    expectProblem(await image({ prompt: 'forbidden' }), 451, 'prompt_blocked');
    const suspendedAt = api.now();
    const answer = await call('GET', '/v1/usage');
    expectProblem(answer, 403, 'key_suspended');
    expect(answer.json.error).toMatch(/More than half/);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(86_390);
    api.travelTo(suspendedAt + 86_399_000);
    expectProblem(await image(), 403, 'key_suspended');
    api.travelTo(suspendedAt + 86_401_000);
    expect((await image()).status).toBe(200);
  });

  it('does not suspend at exactly 50%, nor for attempts older than 30 minutes', async () => {
    await useUp('image', 10);
    for (let n = 0; n < 10; n += 1) await image({ prompt: 'forbidden' });
    expect((await call('GET', '/v1/usage')).status).toBe(200);
    api.travelTo(api.now() + 30 * 60_000);
    for (let n = 0; n < 9; n += 1) await image({ prompt: 'forbidden' });
    expect((await call('GET', '/v1/usage')).status).toBe(200);
  });

  it('counts blocked results towards the suspension', async () => {
    await useUp('image', 9, 'blocked');
    expect((await call('GET', '/v1/usage')).status).toBe(200);
    node.script = async () => 'block';
    const { job_id: id } = (await image()).json;
    await until(async () => (await call('GET', `/v1/jobs/${id}`)).status === 403);
  });
});

describe('Error Codes', () => {
  it('200 | OK', async () => {
    expect((await image()).status).toBe(200);
    expect((await call('GET', '/v1/usage')).status).toBe(200);
  });

  it('204 | No content (DELETE success)', async () => {
    const { job_id: id } = (await image()).json;
    await ended(id);
    const answer = await call('DELETE', `/v1/jobs/${id}`);
    expect([answer.status, answer.text]).toEqual([204, '']);
  });

  it('401 | Missing or invalid API key', async () => {
    expectProblem(await api.call('GET', '/v1/usage'), 401, 'missing_key');
    expectProblem(await call('GET', '/v1/usage', { key: '' }), 401, 'missing_key');
    expectProblem(await call('GET', '/v1/usage', { key: `zsky_live_${'A'.repeat(43)}` }), 401, 'invalid_key');
  });

  it('403 | API key suspended', async () => {
    const suspension = { until: api.now() + 3_600_000, reason: 'told by an operator' };
    await setSuspension(api.api.services.database, accountId, suspension, api.now());
    const answer = await image();
    expectProblem(answer, 403, 'key_suspended');
    expect(answer.json.error).toContain('told by an operator');
  });

  it('429 | Rate limit hit OR monthly allowance reached without overage', async () => {
    await setDailyLift(api.api.services.database, accountId, Date.UTC(2030, 0));
    await useUp('image', 1000);
    expectLimited(await image(), 'monthly_allowance_reached');
    const answers = await Promise.all(Array.from({ length: 20 }, () => call('GET', '/v1/usage')));
    expectLimited(
      answers.find(({ status }) => status !== 200)!,
      'burst_limit',
    );
  });

  it('400 | Malformed request body or invalid params', async () => {
    for (const body of ['{', '', 'null', '[]', '"x"', '{"prompt":']) {
      const answer = await call('POST', '/v1/images/generate', { body });
      expect(answer.status, body).toBe(400);
    }
    const plain = await call('POST', '/v1/images/generate', {
      body: 'x',
      headers: { 'content-type': 'text/plain' },
    });
    expectProblem(plain, 400, 'invalid_json');
    const large = await call('POST', '/v1/images/generate', {
      body: JSON.stringify({ prompt: 'x'.repeat(70_000) }),
    });
    expectProblem(large, 400, 'invalid_json');
  });

  it('404 | Job not found (or not owned by you)', async () => {
    expectProblem(await call('GET', `/v1/jobs/${'0'.repeat(32)}`), 404, 'job_not_found');
    expectProblem(await call('GET', '/v1/jobs/%00'), 404, 'job_not_found');
    expectProblem(await call('GET', '/v1/nothing'), 404, 'not_found');
  });

  it('451 | Generation blocked by safety filter', async () => {
    const answer = await image({ prompt: 'something forbidden' });
    expectProblem(answer, 451, 'prompt_blocked');
    expect(answer.json.error).toMatch(/safety check stopped this prompt/);
    expect(answer.text).not.toContain('something');
    expect((await usage()).images_used).toBe(0);
    node.script = async () => 'block';
    expectProblem(await image({}, { headers: { 'x-zsky-store': '0' } }), 451, 'result_blocked');
  });

  it('500 | Internal error — please retry', async () => {
    node.script = async () => 'fail';
    expectProblem(await image({}, { headers: { 'x-zsky-store': '0' } }), 500, 'generation_failed');
    await until(async () => (await usage()).images_used === 0);
  });
});
