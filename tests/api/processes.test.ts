import { mkdtemp, rm } from 'node:fs/promises';
import { openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'nats';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAccount } from '../../api/database/accounts.js';
import { openDatabase } from '../../api/database/open.js';
import { verifyLedger } from '../../api/database/verify-ledger.js';
import { LocalStore } from '../../core/storage/local-store.js';
import { STREAM } from '../../core/subjects.js';
import { startNodeProgram, type Program } from '../../scripts/system/program.js';
import { freePort } from '../../scripts/system/free-port.js';
import { call, until, type Answer } from '../support/api.js';
import { startBroker, type PrivateBroker } from '../support/broker.js';
import { startPostgres, type PostgresServer } from '../support/postgres.js';
import { startStandInNode } from '../support/stand-in-node.js';

/** The API as programs of its own, killed and raced as production does. */

let broker: PrivateBroker;
let dataDir: string;
beforeEach(async () => {
  broker = await startBroker();
  dataDir = await mkdtemp(join(tmpdir(), 'zsky-processes-'));
});
afterEach(async () => {
  await broker.stop();
  await rm(dataDir, { recursive: true, force: true });
});

const WIDE = {
  ZSKY_API_LIMITS_CONCURRENT_JOBS: '100000',
  ZSKY_API_LIMITS_REQUESTS_PER_MINUTE: '100000',
  ZSKY_API_LIMITS_IMAGES_PER_DAY: '100000',
  ZSKY_API_LIMITS_IMAGES_PER_MONTH: '100000',
};

async function startProcess(env: Record<string, string>): Promise<{ program: Program; url: string }> {
  let heard: (url: string) => void;
  const listening = new Promise<string>((resolve) => (heard = resolve));
  const log = openSync(join(dataDir, 'api.log'), 'a');
  const { program } = startNodeProgram('api', {
    env: {
      PATH: process.env.PATH,
      ZSKY_BROKER_URL: broker.url,
      ZSKY_DATA_DIR: dataDir,
      ZSKY_API_PORT: '0',
      ...WIDE,
      ...env,
    },
    log,
    onLine: (line) => {
      const url = /^ZSky API at (\S+)/.exec(line)?.[1];
      if (url !== undefined) heard(url);
    },
  });
  const url = await Promise.race([
    listening,
    program.ended.then((how) => Promise.reject(new Error(`the API ended: ${how}`))),
  ]);
  return { program, url };
}

const submit = (url: string, key: string): Promise<Answer> =>
  call(url, 'POST', '/v1/images/generate', { key, body: { prompt: 'a lighthouse' } });

describe('two API processes over one PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  it('accept exactly 50 of 200 parallel submits when 50 are left, and hold limits together', async () => {
    const databaseUrl = await server.createDatabase();
    const env = { ZSKY_API_DATABASE_URL: databaseUrl, ZSKY_API_LIMITS_IMAGES_PER_MONTH: '50' };
    const processes = await Promise.all([startProcess(env), startProcess(env)]);
    const database = await openDatabase(databaseUrl);
    const { key } = await createAccount(database, 'racer', Date.now());
    const [one, two] = processes.map(({ url }) => url);
    for (const url of [one, two]) await until(async () => (await call(url, 'GET', '/healthz')).json.broker);

    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) => submit(n % 2 === 0 ? one : two, key)),
    );
    const accepted = answers.filter((answer) => answer.json.job_id !== undefined);
    const refused = answers.filter((answer) => answer.json.code === 'monthly_allowance_reached');
    expect([accepted.length, refused.length]).toEqual([50, 150]);

    // What one process did, the other knows at once.
    const { job_id: id } = accepted[0].json;
    expect((await call(two, 'GET', `/v1/jobs/${id}`, { key })).status).toBe(200);
    expect((await call(one, 'DELETE', `/v1/jobs/${id}`, { key })).status).toBe(204);
    expect((await call(two, 'GET', `/v1/jobs/${id}`, { key })).status).toBe(404);
    const rotated = (await call(one, 'POST', '/v1/keys/rotate', { key })).json.api_key;
    expect((await call(two, 'GET', '/v1/usage', { key })).status).toBe(401);
    expect((await call(two, 'GET', '/v1/usage', { key: rotated })).status).toBe(200);

    expect((await verifyLedger(database)).differences).toEqual([]);
    for (const { program } of processes) {
      program.kill('SIGTERM');
      expect(await program.ended).toBe(0);
    }
    await database.close();
  });
});

describe('kill -9 of the API in a loop under load', () => {
  it('neither loses nor doubles a job: ledger, jobs and broker agree afterwards', async () => {
    const port = String(await freePort());
    const store = new LocalStore({ folder: join(dataDir, 'results'), publicUrl: '', secret: '' });
    const node = await startStandInNode({ brokerUrl: broker.url, store });
    const database = await openDatabase(join(dataDir, 'api.db'));
    const { key, accountId } = await createAccount(database, 'survivor', Date.now());
    const accepted = new Set<string>();
    for (let round = 0; round < 6; round += 1) {
      const { program, url } = await startProcess({ ZSKY_API_PORT: port });
      await until(async () => (await call(url, 'GET', '/healthz')).json.broker);
      const before = accepted.size;
      let loading = true;
      const clients = Array.from({ length: 8 }, async () => {
        while (loading) {
          // A connection that breaks says nothing about the job; only answers count as promises.
          const answer = await submit(url, key).catch(() => undefined);
          if (answer?.status === 200) accepted.add(answer.json.job_id);
          if (answer === undefined) return;
        }
      });
      await until(async () => accepted.size > before + 20 + 7 * round);
      program.kill('SIGKILL');
      await program.ended;
      loading = false;
      await Promise.all(clients);
    }

    const { program, url } = await startProcess({ ZSKY_API_PORT: port });
    const jobs = () =>
      database.read.selectFrom('jobs').select(['id', 'state']).where('account_id', '=', accountId).execute();
    await until(async () => (await jobs()).every((job) => job.state !== 'queued'));
    const ended = await jobs();
    expect(ended.every((job) => job.state === 'completed')).toBe(true);
    const known = new Set(ended.map((job) => job.id));
    expect([...accepted].filter((id) => !known.has(id))).toEqual([]);

    // The node made each job once, whatever was sent twice.
    const taken = node.taken.map((job) => job.jobId);
    expect(taken.length).toBe(new Set(taken).size);
    expect(new Set(taken)).toEqual(known);
    const connection = await connect({ servers: broker.url });
    const streams = (await connection.jetstreamManager()).streams;
    await until(async () => (await streams.info(STREAM.jobs)).state.messages === 0);
    expect((await streams.info(STREAM.ended)).state.messages).toBe(known.size);
    await connection.close();

    const proof = await verifyLedger(database);
    expect(proof.differences).toEqual([]);
    expect((await call(url, 'GET', '/v1/usage', { key })).json.images_used).toBe(known.size);
    program.kill('SIGTERM');
    expect(await program.ended).toBe(0);
    await node.stop();
    await database.close();
  });
});
