import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ExecutorHost as Host } from '../../daemon/executor-host.js';
import type { JobMessage } from '../../core/messages.js';
import { CACHE_DIR, PROJECT_ROOT } from '../../core/paths.js';
import { writeStandIn, type StandIn } from '../support/stand-in-classifiers.js';

/** The built one: its executor is a process of its own. */
const { ExecutorHost } = (await import(join(PROJECT_ROOT, 'dist/daemon/executor-host.js'))) as {
  ExecutorHost: typeof Host;
};

const SAFETY = join(CACHE_DIR, 'safety');
const JOB: JobMessage = {
  version: 1,
  jobId: '0123456789abcdef0123456789abcdef',
  submittedAt: new Date(0).toISOString(),
  expiresAt: new Date(0).toISOString(),
  request: { kind: 'image', prompt: 'a house by the sea', width: 256, height: 256, seed: 1 },
  delivery: { mode: 'store' },
};

/** An executor whose check of the finished picture fails, in every way it can: nothing comes out that could be stored. */
describe('a failing output check', () => {
  let models: string;
  let scratchDir: string;
  beforeEach(() => {
    models = mkdtempSync(join(tmpdir(), 'zsky-models-'));
    scratchDir = mkdtempSync(join(tmpdir(), 'zsky-scratch-'));
    for (const name of readdirSync(SAFETY)) symlinkSync(join(SAFETY, name), join(models, name));
  });
  afterEach(() => {
    rmSync(models, { recursive: true });
    rmSync(scratchDir, { recursive: true });
  });

  const start = () =>
    ExecutorHost.start(
      {
        role: 'executor',
        packs: [join(PROJECT_ROOT, 'tests/fixtures/packs/sd')],
        device: 'cpu',
        deviceId: 0,
        threads: 1,
        nodeId: 'test-node',
        watermarkKey: 'a key for this test',
        safetyModels: models,
        policyFolder: undefined,
        identity: undefined,
        ffmpeg: undefined,
        encoder: 'x264',
        verifyDigests: false,
      },
      { log: pino({ level: 'silent' }), budgetMs: 120_000 },
    );
  const put = (kind: StandIn) => {
    rmSync(join(models, 'pictures.onnx'));
    writeStandIn(join(models, 'pictures.onnx'), kind, 224);
  };
  const run = (host: Awaited<ReturnType<typeof start>>, stageBudgetMs: number) =>
    host.run({ job: JOB, scratchDir, stageBudgetMs, onProgress: () => undefined });

  test('lets a picture out when it works, so that the rest means something', async () => {
    const host = await start();
    expect(await run(host, 120_000)).toMatchObject({ outcome: 'produced', media: [{ part: 'result' }] });
    await host.kill();
  });

  test.each<StandIn>(['not a number', 'throws'])('fails the job: its classifier "%s"', async (kind) => {
    put(kind);
    const host = await start();
    const result = await run(host, 120_000);
    expect(result).toMatchObject({ outcome: 'error', code: 'CHECK_UNAVAILABLE' });
    expect(JSON.stringify(result)).not.toContain(JOB.request.prompt);
    expect(readdirSync(scratchDir)).toEqual([]);
    await host.kill();
  });

  test('that never comes back is killed with its executor', async () => {
    put('endless');
    const host = await start();
    await expect(run(host, 10_000)).rejects.toMatchObject({ code: 'EXECUTOR_SILENT' });
    await host.ended;
    expect(host.alive).toBe(false);
    expect(readdirSync(scratchDir)).toEqual([]);
  });

  test.each(['pictures.onnx', 'pictures-strict.onnx', 'sentences.onnx', 'toxicity.onnx'])(
    'keeps the executor from starting: %s is missing, or damaged',
    async (name) => {
      rmSync(join(models, name));
      await expect(start()).rejects.toMatchObject({ code: 'CHECK_UNAVAILABLE' });
      writeFileSync(join(models, name), readFileSync(join(SAFETY, name)).subarray(0, 50_000));
      await expect(start()).rejects.toMatchObject({ code: 'CHECK_UNAVAILABLE' });
    },
  );
});
