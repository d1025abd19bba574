import { randomBytes } from 'node:crypto';
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createAccount } from '../../api/database/accounts.js';
import { admit } from '../../api/database/admission.js';
import type { Database } from '../../api/database/database.js';
import { openDatabase } from '../../api/database/open.js';
import { endJob } from '../../api/database/settlement.js';
import { connectBroker } from '../../core/broker/connection.js';
import { answerPromptChecks, sendHeartbeat } from '../../core/broker/signals.js';
import { ensureStreams } from '../../core/broker/streams.js';
import { parseSettings } from '../../core/config/load.js';
import { createLogger } from '../../core/logging.js';
import { resultKey } from '../../core/storage/keys.js';
import { HEARTBEAT_EVERY_MS } from '../../core/subjects.js';
import { PROJECT_ROOT } from '../../core/paths.js';
import { prepareBroker } from '../setup/broker.js';
import { startBroker } from '../system/broker.js';
import { freePort } from '../system/free-port.js';
import { startNodeProgram, unlessEnded } from '../system/program.js';
import { requestsPerSecond } from './http-load.js';

const USAGE = `usage: node dist/scripts/bench/api.js [--seconds N] [--rounds N] [--rate N] [--submit-seconds N]

Measures the API by itself on SQLite, with a real broker and no models:
  GET /v1/jobs/<id> of a finished job beside a bare fastify JSON route, in turns, in requests per second;
  POST /v1/images/generate at a fixed rate (100 a second), in milliseconds.`;

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1];
const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];

/** A finished job with a stored result, as reading one needs. */
async function finishedJob(database: Database): Promise<{ key: string; jobId: string }> {
  const { limits } = parseSettings({}).api;
  const now = Date.now();
  const { key, accountId } = await createAccount(database, 'reader', now);
  const jobId = randomBytes(16).toString('hex');
  const request = { kind: 'image' as const, prompt: 'a lighthouse', width: 1024, height: 1024, seed: 1 };
  const at = new Date(now).toISOString();
  const message = {
    version: 1 as const,
    jobId,
    submittedAt: at,
    expiresAt: at,
    request,
    delivery: { mode: 'store' as const },
  };
  await admit(database, limits, {
    id: jobId,
    accountId,
    kind: 'image',
    message,
    createdAt: now,
    expiresAt: now + 1e9,
  });
  const result = {
    key: resultKey(jobId, 1, 'result', 'image/webp'),
    contentType: 'image/webp',
    bytes: 100_000,
    sha256: '0'.repeat(64),
    width: 1024,
    height: 1024,
    watermark: 'ab',
  };
  await endJob(database, limits, jobId, { state: 'completed', at: now, charged: true, seed: 1, result });
  return { key, jobId };
}

async function bareServer(): Promise<{ url: string; stop(): void }> {
  const child = fork(join(PROJECT_ROOT, 'dist/scripts/bench/bare-server.js'), [], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const lines = createInterface({ input: child.stdout! });
  const url = await new Promise<string>((resolve) => lines.once('line', resolve));
  return { url, stop: () => child.kill('SIGTERM') };
}

/** Submits at a fixed rate whatever the answers take, from many accounts so that no limit is met. */
async function submitAtRate(
  url: string,
  keys: readonly string[],
  rate: number,
  seconds: number,
): Promise<number[]> {
  const latencies: number[] = [];
  const open: Promise<void>[] = [];
  const started = performance.now();
  for (let n = 0; n < rate * seconds; n += 1) {
    const due = started + (n * 1000) / rate;
    const wait = due - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    open.push(
      (async () => {
        const response = await fetch(`${url}/v1/images/generate`, {
          method: 'POST',
          headers: { 'x-api-key': keys[n % keys.length], 'content-type': 'application/json' },
          body: JSON.stringify({ prompt: 'a lighthouse by a black sea' }),
        });
        await response.arrayBuffer();
        if (response.status !== 200) throw new Error(`a submit was answered ${response.status}`);
        // From when it was due: a client that is late must not make the server look quick.
        latencies.push(performance.now() - due);
      })(),
    );
  }
  await Promise.all(open);
  return latencies;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '5' },
      rate: { type: 'string', default: '100' },
      'submit-seconds': { type: 'string', default: '15' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return console.log(USAGE);
  const [seconds, rounds, rate, submitSeconds] = [
    values.seconds,
    values.rounds,
    values.rate,
    values['submit-seconds'],
  ].map(Number);
  const dataDir = await mkdtemp(join(tmpdir(), 'zsky-bench-'));
  const broker = await startBroker(await prepareBroker(() => undefined), await freePort(), dataDir);
  const log = createLogger('bench', { level: 'silent', pretty: false });
  const connection = await connectBroker({ url: broker.url, name: 'bench', log });
  await ensureStreams(connection, 1);
  answerPromptChecks(
    connection,
    async () => ({ allowed: true }),
    () => undefined,
  );
  const beat = (): void =>
    sendHeartbeat(connection, {
      nodeId: 'bench',
      state: 'ready',
      kinds: ['image'],
      packs: [],
      running: [],
      device: 'none',
      credentials: 'off',
    });
  const heart = setInterval(beat, HEARTBEAT_EVERY_MS);
  const bare = await bareServer();
  let heard: (url: string) => void;
  const listening = new Promise<string>((resolve) => (heard = resolve));
  const { program } = startNodeProgram('api', {
    env: { PATH: process.env.PATH, ZSKY_BROKER_URL: broker.url, ZSKY_DATA_DIR: dataDir, ZSKY_API_PORT: '0' },
    log: openSync(join(dataDir, 'api.log'), 'a'),
    onLine: (line) => {
      const url = /^ZSky API at (\S+)/.exec(line)?.[1];
      if (url !== undefined) heard(url);
    },
  });
  const url = await unlessEnded(program, listening, () => '');
  const database = await openDatabase(join(dataDir, 'api.db'));
  try {
    const { key, jobId } = await finishedJob(database);
    const scale: number[] = [];
    const reads: number[] = [];
    const load = (target: string, headers: Record<string, string>) =>
      requestsPerSecond({ url: target, headers, connections: 32, durationMs: seconds * 1000 });
    for (let round = -1; round < rounds; round += 1) {
      const [plain, read] = [
        await load(`${bare.url}/`, {}),
        await load(`${url}/v1/jobs/${jobId}`, { 'x-api-key': key }),
      ];
      // The first round only warms both up.
      if (round < 0) continue;
      scale.push(plain);
      reads.push(read);
    }
    const ratios = reads.map((read, n) => read / scale[n]);
    console.log(`bare fastify JSON route   ${median(scale).toFixed(0)} requests/s`);
    console.log(`GET /v1/jobs/<id>         ${median(reads).toFixed(0)} requests/s`);
    console.log(`ratio, median of ${rounds} rounds  ${(100 * median(ratios)).toFixed(0)}%`);

    const accounts = Math.ceil((rate * submitSeconds) / 2);
    const keys = await Promise.all(
      Array.from(
        { length: accounts },
        async (_, n) => (await createAccount(database, `writer ${n}`, Date.now())).key,
      ),
    );
    await submitAtRate(url, keys.slice(-rate), rate, 1);
    const latencies = await submitAtRate(url, keys, rate, submitSeconds);
    const [p50, p99, worst] = [
      percentile(latencies, 0.5),
      percentile(latencies, 0.99),
      Math.max(...latencies),
    ];
    console.log(
      `POST at ${rate}/s, SQLite    p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, worst ${worst.toFixed(1)} ms`,
    );
  } finally {
    clearInterval(heart);
    bare.stop();
    await program.stop(10_000);
    await database.close();
    await connection.close();
    await broker.program.stop(10_000);
    await rm(dataDir, { recursive: true, force: true });
  }
}

await main();
