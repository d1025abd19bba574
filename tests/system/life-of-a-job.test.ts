import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../core/paths.js';
import { readPicture } from '../../daemon/media/read-picture.js';
import { payloadFor } from '../../safety/watermark/payload.js';
import { detectPicture } from '../../safety/watermark/picture.js';
import { startBroker } from '../../scripts/system/broker.js';
import { startNodeProgram, type Program } from '../../scripts/system/program.js';
import { until } from '../support/api.js';
import { startTestSystem, type TestSystem } from '../support/system.js';

let at: TestSystem;
const extra: Program[] = [];
beforeAll(async () => {
  at = await startTestSystem();
});
afterAll(async () => {
  for (const program of extra.toReversed()) await program.stop(10_000);
  await at.stop();
});

async function imagesUsed(): Promise<number> {
  return (await at.request('GET', '/v1/usage')).json.images_used;
}

/** The job's result files in the store; more than one would be a second commit. */
function filesOf(jobId: string): string[] {
  return readdirSync(join(at.dataDir, 'results', jobId));
}

async function completesOnce(jobId: string, usedBefore: number): Promise<void> {
  expect(await at.ended(jobId)).toMatchObject({ status: 'completed' });
  expect(filesOf(jobId)).toHaveLength(1);
  expect(await imagesUsed()).toBe(usedBefore + 1);
}

const LONG = { prompt: 'a lighthouse by a black sea at night', width: 1024, height: 1024 };

describe('a picture', () => {
  test('travels the whole road and carries a readable mark', async () => {
    const jobId = await at.submit({
      prompt: 'a red house in a green field',
      width: 640,
      height: 400,
      seed: 7,
    });
    const ended = await at.ended(jobId);
    expect(ended).toMatchObject({ status: 'completed', kind: 'image', expires_in: 86400 });
    const bytes = Buffer.from(await (await fetch(ended.result_url as string)).arrayBuffer());
    const picture = await readPicture(bytes);
    expect(picture).toMatchObject({ width: 640, height: 400 });
    const secret = (name: string) => readFileSync(join(at.dataDir, 'secrets', name), 'utf8').trim();
    const key = new TextEncoder().encode(secret('watermark-key'));
    const found = detectPicture(picture, key, { search: 'as-made' });
    expect(found).toMatchObject({
      found: true,
      payload: Buffer.from(payloadFor(secret('node-id'), jobId)).toString('hex'),
    });
  });

  test('is the same file, byte for byte, for the same request', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'zsky-same-'));
    const request = join(folder, 'request.json');
    writeFileSync(
      request,
      JSON.stringify({ prompt: 'a red house in a green field', width: 320, height: 256, seed: 11 }),
    );
    const files = ['a.webp', 'b.webp'].map((name) => {
      const out = join(folder, name);
      const words = [
        'bin/zsky-node.js',
        'run',
        '--pack',
        'models/packs/starter-image',
        '--request',
        request,
        '--out',
        out,
      ];
      execFileSync(process.execPath, words, { cwd: PROJECT_ROOT, stdio: 'pipe' });
      return readFileSync(out);
    });
    rmSync(folder, { recursive: true });
    expect(files[0].equals(files[1])).toBe(true);
  });

  test('whose prompt is refused answers 451 with a reason', async () => {
    const answer = await at.request('POST', '/v1/images/generate', { prompt: 'a nude woman on a bed' });
    expect(answer.status).toBe(451);
    expect(answer.json.error).toMatch(/safety check/);
  });

  test('survives kill -9 of its executor, once', async () => {
    const used = await imagesUsed();
    const jobId = await at.submit(LONG);
    await at.denoising(jobId);
    for (const pid of at.childrenOf(at.pidOf('daemon'))) process.kill(pid, 'SIGKILL');
    await completesOnce(jobId, used);
  });

  test('survives kill -9 of the broker, once', async () => {
    const used = await imagesUsed();
    const jobId = await at.submit(LONG);
    await at.denoising(jobId);
    process.kill(at.pidOf('nats-server'), 'SIGKILL');
    await at.system.programs.find(({ name }) => name === 'nats-server')?.ended;
    // A busy machine tells the API a moment later; until then a job is accepted, and kept for the broker's return.
    await until(async () => (await at.request('GET', '/healthz')).status === 503);
    const answer = await at.request('POST', '/v1/images/generate', LONG);
    expect(answer.status).toBe(503);
    extra.push((await startBroker(at.brokerBinary, at.brokerPort, at.dataDir)).program);
    await completesOnce(jobId, used);
  });

  test('survives kill -9 of the daemon, once', async () => {
    const used = await imagesUsed();
    const jobId = await at.submit(LONG);
    await at.denoising(jobId);
    process.kill(at.pidOf('daemon'), 'SIGKILL');
    const env = {
      ...process.env,
      ZSKY_BROKER_URL: at.system.brokerUrl,
      ZSKY_DATA_DIR: at.dataDir,
      ZSKY_DAEMON_PACKS: 'models/packs/starter-image',
      ZSKY_DAEMON_ACK_WAIT_MS: '3000',
      ZSKY_LOG_LEVEL: 'silent',
    };
    extra.push(startNodeProgram('daemon', { env, log: 'inherit' }).program);
    await completesOnce(jobId, used);
  });
});
