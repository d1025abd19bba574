import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'nats';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectBroker } from '../../core/broker/connection.js';
import { publishJob } from '../../core/broker/publish.js';
import { ensureStreams } from '../../core/broker/streams.js';
import { createLogger } from '../../core/logging.js';
import { PROJECT_ROOT } from '../../core/paths.js';
import { STREAM } from '../../core/subjects.js';
import { startBroker, type PrivateBroker } from '../support/broker.js';

const folders: string[] = [];
const folder = (): string => {
  folders.push(mkdtempSync(join(tmpdir(), 'zsky-bad-')));
  return folders[folders.length - 1];
};
afterAll(() => folders.forEach((path) => rmSync(path, { recursive: true, force: true })));

/** Runs a program to its end and gives its exit status and what it said to people. */
function run(script: string, env: Record<string, string>): { status: number | null; said: string } {
  const result = spawnSync(process.execPath, [join(PROJECT_ROOT, 'dist', script)], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ZSKY_DATA_DIR: folder(),
      ZSKY_LOG_LEVEL: 'silent',
      ...env,
    },
    encoding: 'utf8',
    timeout: 120_000,
  });
  return { status: result.status, said: result.stderr };
}

const FIXTURES = join(PROJECT_ROOT, 'tests/fixtures/packs');

describe('a program that cannot start says why in one line and exits with 1', () => {
  test.each([
    ['an unknown setting', 'scripts/start.js', { ZSKY_API_PROT: '1' }, /there is no setting ZSKY_API_PROT/],
    [
      'a missing broker',
      'scripts/start.js',
      { ZSKY_BROKER_BINARY: '/nowhere/nats-server' },
      /nats-server.*BROKER_MISSING[^]*apt-get install nats-server/,
    ],
    [
      'a data folder that cannot be made',
      'scripts/start.js',
      { ZSKY_DATA_DIR: '/dev/null/zsky' },
      /DATA_FOLDER_UNWRITABLE[^]*ZSKY_DATA_DIR/,
    ],
    [
      'a broker that does not answer',
      'daemon/main.js',
      { ZSKY_BROKER_URL: 'nats://127.0.0.1:1' },
      /BROKER_UNAVAILABLE/,
    ],
  ])('%s', (_what, script, env, message) => {
    const { status, said } = run(script, env);
    expect(said).toMatch(message);
    expect(said).not.toMatch(/\n\s+at /);
    expect(status).toBe(1);
  });

  test('a taken port', async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) =>
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port)),
    );
    const { status, said } = run('api/main.js', {
      ZSKY_API_PORT: String(port),
      ZSKY_BROKER_URL: 'nats://127.0.0.1:1',
    });
    other.close();
    expect(said).toMatch(/PORT_TAKEN[^]*ZSKY_API_PORT/);
    expect(status).toBe(1);
  });
});

interface Damage {
  readonly what: string;
  readonly says: RegExp;
  /** Opened as a plain export, so that digests do not find the damage first. */
  readonly plain?: boolean;
  readonly damage: (pack: string) => void;
}

/** Changes a JSON file of a pack. */
function edit(path: string, change: (content: Json) => Json): void {
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')) as Json)));
}
type Json = Record<string, unknown>;

const DAMAGES: readonly Damage[] = [
  {
    what: 'a missing file',
    says: /unet\/model\.onnx is missing.*PACK_INVALID/,
    damage: (pack) => rmSync(join(pack, 'unet/model.onnx')),
  },
  {
    what: 'a wrong digest',
    says: /vae_decoder\/model\.onnx differs from its digest.*PACK_DIGEST_MISMATCH/,
    damage: (pack) => {
      const file = join(pack, 'vae_decoder/model.onnx');
      const bytes = readFileSync(file);
      bytes[1000] ^= 1;
      writeFileSync(file, bytes);
    },
  },
  {
    what: 'a graph with an unexpected input',
    says: /unet\/model\.onnx has an unexpected input "text_embeds".*GRAPH_INPUT_UNEXPECTED/,
    plain: true,
    damage: (pack) => cpSync(join(FIXTURES, 'sdxl/unet'), join(pack, 'unet'), { recursive: true }),
  },
  {
    what: 'corrupt JSON',
    says: /scheduler\/scheduler_config\.json is not JSON.*PACK_INVALID/,
    plain: true,
    damage: (pack) => writeFileSync(join(pack, 'scheduler/scheduler_config.json'), '{"_class_name": '),
  },
  {
    what: "a tokenizer that is not its encoder's",
    says: /makes 77 tokens but text_encoder takes 20.*TOKENIZER_INVALID/,
    plain: true,
    damage: (pack) =>
      edit(join(pack, 'tokenizer/tokenizer_config.json'), (content) => ({
        ...content,
        model_max_length: 77,
      })),
  },
];

describe('a daemon whose pack is damaged names file and reason, exits with 1 and takes no job', () => {
  let broker: PrivateBroker;
  beforeAll(async () => {
    broker = await startBroker();
    const connection = await connectBroker({
      url: broker.url,
      name: 'test',
      log: createLogger('test', { level: 'silent', pretty: false }),
    });
    await ensureStreams(connection, 1);
    await publishJob(connection, {
      version: 1,
      jobId: 'a'.repeat(32),
      submittedAt: new Date().toISOString(),
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
      request: { kind: 'image', prompt: 'a boat', width: 256, height: 256, seed: 1 },
      delivery: { mode: 'store' },
    });
    await connection.close();
  });
  afterAll(() => broker.stop());

  test.each(DAMAGES)('$what', async ({ says, plain, damage }) => {
    const pack = join(folder(), 'pack');
    cpSync(join(FIXTURES, 'sd'), pack, { recursive: true });
    if (plain) rmSync(join(pack, 'manifest.json'));
    damage(pack);
    const { status, said } = run('daemon/main.js', {
      ZSKY_BROKER_URL: broker.url,
      ZSKY_DAEMON_PACKS: pack,
    });
    expect(said).toMatch(says);
    expect(said).toContain(pack);
    expect(said).not.toMatch(/\n\s+at /);
    expect(status).toBe(1);

    const connection = await connect({ servers: broker.url });
    const manager = await connection.jetstreamManager();
    expect((await manager.streams.info(STREAM.jobs)).state.messages).toBe(1);
    for await (const { delivered } of manager.consumers.list(STREAM.jobs)) {
      expect(delivered.stream_seq).toBe(0);
    }
    await connection.close();
  });
});
