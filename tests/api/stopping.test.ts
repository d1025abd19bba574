import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openDatabase } from '../../api/database/open.js';
import { startTestApi, until } from '../support/api.js';
import { startBroker } from '../support/broker.js';
import { startStandInNode } from '../support/stand-in-node.js';

it('stops although customers follow jobs and wait for zero-retention results, charging nobody for its restart', async () => {
  const broker = await startBroker();
  const api = await startTestApi(broker.url);
  const node = await startStandInNode({ brokerUrl: broker.url, store: api.api.services.store });
  node.script = () => new Promise(() => undefined);
  const { key, accountId } = await api.newAccount();
  const body = { prompt: 'a lighthouse' };
  const { json } = await api.call('POST', '/v1/images/generate', { key, body });
  const events = await fetch(`${api.api.url}/v1/jobs/${json.job_id}/events`, {
    headers: { 'x-api-key': key },
  });
  const inline = api.call('POST', '/v1/images/generate', { key, body, headers: { 'x-zsky-store': '0' } });
  await until(async () => node.taken.length === 2);
  const { services } = api.api;
  const stopped = api.api.close();
  const answer = await inline;
  expect(answer.json).toMatchObject({ status: 500, code: 'generation_failed' });
  expect(await events.text()).toContain('event: status');
  await stopped;
  expect(services.broker.here).toBe(false);
  const database = await openDatabase(join(api.dataDir, 'api.db'));
  const ledger = await database.read
    .selectFrom('ledger')
    .select(['type', 'units'])
    .where('account_id', '=', accountId)
    .execute();
  // The stored job waits for the next start; the zero-retention one was given back.
  expect(ledger.map((entry) => entry.type)).toEqual(['reserve', 'reserve', 'release']);
  await database.close();
  await rm(api.dataDir, { recursive: true, force: true });
  await node.stop();
  await broker.stop();
});
