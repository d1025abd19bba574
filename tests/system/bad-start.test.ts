import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../core/paths.js';
import { startBroker } from '../support/broker.js';

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

/** A copy of the starter pack for a test to damage. */
function packCopy(): string {
  const copy = join(folder(), 'pack');
  cpSync(join(PROJECT_ROOT, 'models/packs/starter-image'), copy, {
    recursive: true,
    filter: (path) => !path.endsWith('training'),
  });
  return copy;
}

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

  test('a damaged pack', async () => {
    const broker = await startBroker();
    try {
      const pack = packCopy();
      const file = join(pack, 'vae_decoder/model.onnx');
      const bytes = readFileSync(file);
      bytes[1000] ^= 1;
      writeFileSync(file, bytes);
      const { status, said } = run('daemon/main.js', {
        ZSKY_BROKER_URL: broker.url,
        ZSKY_DAEMON_PACKS: pack,
      });
      expect(said).toMatch(/vae_decoder\/model\.onnx differs from its digest.*PACK_DIGEST_MISMATCH/);
      expect(status).toBe(1);
    } finally {
      await broker.stop();
    }
  });

  test('needs the starter pack that these tests damage', () => {
    expect(existsSync(join(PROJECT_ROOT, 'models/packs/starter-image/manifest.json'))).toBe(true);
  });
});
