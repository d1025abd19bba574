import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { admit } from '../../api/database/admission.js';
import { verifyLedger } from '../../api/database/verify-ledger.js';
import { call, startTestApi, until, type TestApi } from '../support/api.js';
import { startBroker, type PrivateBroker } from '../support/broker.js';
import { startStandInNode, type StandInNode } from '../support/stand-in-node.js';

let broker: PrivateBroker;
let api: TestApi | undefined;
let node: StandInNode | undefined;

beforeEach(async () => {
  broker = await startBroker();
});
afterEach(async () => {
  await node?.stop();
  await api?.close();
  await broker.stop();
  node = api = undefined;
});

const post = (key: string, headers: Record<string, string> = {}, kind = 'images') =>
  api!.call('POST', `/v1/${kind}/generate`, { key, body: { prompt: 'a lighthouse' }, headers });
const used = async (key: string) => (await api!.call('GET', '/v1/usage', { key })).json.images_used;

/** A fresh connection takes every node for live until it could have heard of them. */
const nodesKnown = () => until(async () => !(await api!.call('GET', '/healthz')).json.workers.image);

describe('503 | Workers unavailable; queued — please retry shortly', () => {
  it('queues the job, answers with its id, and the job completes once a worker is there', async () => {
    api = await startTestApi(broker.url);
    const { key } = await api.newAccount();
    await nodesKnown();
    const answer = await post(key);
    expect(answer.status).toBe(503);
    expect(answer.json).toMatchObject({ code: 'workers_unavailable', job_status: 'queued', kind: 'image' });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    const { json } = await api.call('GET', answer.json.poll_url, { key });
    expect(json).toMatchObject({ status: 'queued', queue_position: 1 });
    expect(await used(key)).toBe(1);
    node = await startStandInNode({ brokerUrl: broker.url, store: api.api.services.store });
    await until(
      async () => (await api!.call('GET', answer.json.poll_url, { key })).json.status === 'completed',
    );
  });

  it('tells kinds apart, and queues nothing for zero retention', async () => {
    api = await startTestApi(broker.url);
    node = await startStandInNode({ brokerUrl: broker.url, store: api.api.services.store, kinds: ['image'] });
    const { key } = await api.newAccount();
    await until(async () => !(await api!.call('GET', '/healthz')).json.workers.video);
    expect((await post(key)).status).toBe(200);
    expect((await post(key, {}, 'videos')).status).toBe(503);
    const inline = await post(key, { 'x-zsky-store': '0' }, 'videos');
    expect(inline.json).toMatchObject({ status: 503, code: 'workers_unavailable' });
    expect(inline.json.job_id).toBeUndefined();
    const { json } = await api.call('GET', '/v1/usage', { key });
    expect(json.videos_used).toBe(1);
  });

  it('ends a queued job at once when its owner deletes it and no worker ever took it', async () => {
    api = await startTestApi(broker.url);
    const { key } = await api.newAccount();
    await nodesKnown();
    const { json } = await post(key);
    // Whether it is still in the outbox or already with the broker, it never started.
    expect((await api.call('DELETE', json.poll_url, { key })).status).toBe(204);
    await until(async () => (await used(key)) === 0);
    expect((await api.call('GET', '/v1/account', { key })).json.active_jobs.used).toBe(0);
    node = await startStandInNode({ brokerUrl: broker.url, store: api.api.services.store });
    const other = (await post(key)).json;
    await until(async () => (await api!.call('GET', other.poll_url, { key })).json.status === 'completed');
    expect(await used(key)).toBe(1);
  });
});

describe('a message in the outbox that cannot be read', () => {
  it('fails its own job, gives the allowance back and holds up no other', async () => {
    api = await startTestApi(broker.url);
    const { services } = api.api;
    const { key, accountId } = await api.newAccount();
    const at = api.now();
    const [broken, other, whole] = ['a', 'b', 'c'].map((letter) => letter.repeat(32));
    for (const id of [broken, other, whole]) {
      await admit(services.database, services.settings.limits, {
        id,
        accountId,
        kind: 'image',
        message: {
          version: 1,
          jobId: id,
          submittedAt: new Date(at).toISOString(),
          expiresAt: new Date(at + 600_000).toISOString(),
          request: { kind: 'image', prompt: 'a lighthouse', width: 256, height: 256, seed: 1 },
          delivery: { mode: 'store' },
        },
        claimedUntil: at + 3_600_000,
        createdAt: at,
        expiresAt: at + 600_000,
      });
    }
    expect(await used(key)).toBe(3);
    node = await startStandInNode({ brokerUrl: broker.url, store: services.store });
    await services.database.write(async (tx) => {
      await tx.updateTable('outbox').set({ message: '{"version": ' }).where('job_id', '=', broken).execute();
      await tx.updateTable('outbox').set({ message: '{"version": 9}' }).where('job_id', '=', other).execute();
      await tx.updateTable('outbox').set({ claimed_until: 0 }).execute();
    });
    const ended = (id: string) =>
      until(async () => {
        const { json } = await api!.call('GET', `/v1/jobs/${id}`, { key });
        return json.status !== 'queued' && json.status !== 'running' && json;
      });
    expect(await ended(whole)).toMatchObject({ status: 'completed' });
    for (const id of [broken, other])
      expect(await ended(id)).toMatchObject({ status: 'failed', error_code: 'INTERNAL' });
    expect(node.taken.map((job) => job.jobId)).toEqual([whole]);
    expect(await used(key)).toBe(1);
    expect(await services.database.read.selectFrom('outbox').selectAll().execute()).toEqual([]);
    expect((await verifyLedger(services.database)).differences).toEqual([]);
  });
});

describe('with the broker away', () => {
  it('nothing is accepted or charged, reading goes on, and the service heals by itself', async () => {
    api = await startTestApi(broker.url);
    node = await startStandInNode({ brokerUrl: broker.url, store: api.api.services.store });
    const { key } = await api.newAccount();
    const { json } = await post(key);
    await until(async () => (await api!.call('GET', json.poll_url, { key })).json.status === 'completed');
    await broker.kill();
    await until(async () => (await api!.call('GET', '/healthz')).json.broker === false);
    for (const headers of [{}, { 'x-zsky-store': '0' }]) {
      const answer = await post(key, headers);
      expect(answer.json).toMatchObject({ status: 503, code: 'broker_unavailable' });
      expect(answer.json.job_id).toBeUndefined();
    }
    expect((await api.call('GET', json.poll_url, { key })).status).toBe(200);
    expect(await used(key)).toBe(1);
    await broker.restart();
    const healed = await until(async () => {
      const answer = await post(key);
      return answer.status === 200 && answer.json;
    });
    await until(async () => (await api!.call('GET', healed.poll_url, { key })).json.status === 'completed');
    expect(await used(key)).toBe(2);
  });

  it('the API also starts, and finds the broker later', async () => {
    await broker.kill();
    const starting = startTestApi(broker.url);
    const health = starting.then((started) => started);
    await new Promise(setImmediate);
    await broker.restart();
    api = await health;
    expect((await call(api.api.url, 'GET', '/healthz')).json.broker).toBe(true);
  });
});
