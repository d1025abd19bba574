import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyLedger } from '../../api/database/verify-ledger.js';
import { fuzz } from '../../scripts/fuzz/run.js';
import { startTestApi, until, type TestApi } from '../support/api.js';
import { startBroker, type PrivateBroker } from '../support/broker.js';
import { startStandInNode, type StandInNode } from '../support/stand-in-node.js';

/** Set FUZZ_REQUESTS=10000 for the long run. */
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 400);

let broker: PrivateBroker;
let api: TestApi;
let node: StandInNode;
beforeAll(async () => {
  broker = await startBroker();
  const many = 1_000_000;
  const limits = { imagesPerMonth: many, videosPerMonth: many, imagesPerDay: many, videosPerDay: many };
  api = await startTestApi(broker.url, {
    api: { limits: { ...limits, concurrentJobs: many, requestsPerMinute: 10_000 } },
  });
  node = await startStandInNode({ brokerUrl: broker.url, store: api.api.services.store });
});
afterAll(async () => {
  await node?.stop();
  await api?.close();
  await broker?.stop();
});

it(
  `answers ${REQUESTS} requests made from its OpenAPI document without 5xx, hang or leak`,
  { timeout: 3_600_000 },
  async () => {
    const victim = await api.newAccount('victim');
    const attacker = await api.newAccount('attacker');
    const body = { prompt: 'a lighthouse nobody else may see', seed: 71_828_182_845 };
    const { json } = await api.call('POST', '/v1/images/generate', { key: victim.key, body });
    const done = await until(async () => {
      const state = await api.call('GET', json.poll_url, { key: victim.key });
      return state.json.status === 'completed' && state.json;
    });
    const report = await fuzz({
      url: api.api.url,
      key: attacker.key,
      foreignJobId: json.job_id,
      secrets: ['nobody else may see', '71828182845', done.result_url.split('signature=')[1], victim.key],
      requests: REQUESTS,
      seed: Number(process.env.FUZZ_SEED ?? 1),
      parallel: 4,
    });
    console.log(`${report.sent} requests by status: ${JSON.stringify(report.byStatus)}`);
    expect(report.findings).toEqual([]);
    expect(report.sent).toBe(REQUESTS);
    // The requests must have got somewhere, not only been refused.
    expect(report.byStatus[200]).toBeGreaterThan(REQUESTS / 20);
    expect((await api.call('GET', json.poll_url, { key: victim.key })).json.status).toBe('completed');
    expect((await verifyLedger(api.api.services.database)).differences).toEqual([]);
  },
);
