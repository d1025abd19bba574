import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectFilm, probeMedia } from '../../daemon/media/probe.js';
import { payloadFor, toHex } from '../../safety/watermark/payload.js';
import { readMark } from '../../scripts/media/read-mark.js';
import { until } from '../support/api.js';
import { startTestSystem, type TestSystem } from '../support/system.js';

const PACKS = ['image', 'video', 'audio'].map((kind) => `models/packs/starter-${kind}`);
const PROMPT = 'A solitary lighthouse beam sweeping across choppy black sea, cinematic';

let at: TestSystem;
beforeAll(async () => {
  at = await startTestSystem({ env: { ZSKY_DAEMON_PACKS: PACKS.join(',') } });
});
afterAll(() => at?.stop());

const secret = (name: string): string => readFileSync(join(at.dataDir, 'secrets', name), 'utf8').trim();
const scratchRoot = (): string => join(at.dataDir, 'scratch', secret('node-id'));
const ffmpegsOfThisSystem = (): string[] =>
  execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(at.dataDir) && line.includes('.mp4'));

/** Sizes of whatever lies in the job's result folder now. */
function visible(jobId: string): Record<string, number> {
  const folder = join(at.dataDir, 'results', jobId);
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => /\.(mp4|webp)$/.test(name)) : [];
  return Object.fromEntries(names.map((name) => [name, statSync(join(folder, name)).size]));
}

describe('a film', () => {
  test('survives kill -9 of its executor while frames flow, and nothing half-made is ever seen', async () => {
    const body = { prompt: PROMPT, width: 256, height: 256, length: 97, seed: 5 };
    const answer = await at.request('POST', '/v1/videos/generate', body);
    expect(answer.status).toBe(200);
    const jobId = answer.json.job_id as string;

    const halfMade = await until(async () => {
      const folders = readdirSync(scratchRoot());
      return folders.map((name) => join(scratchRoot(), name, 'silent.mp4')).find((path) => existsSync(path));
    });
    // Of the daemon's children the executor is the one with a child of its own: ffmpeg.
    const [executor] = at.childrenOf(at.pidOf('daemon')).filter((pid) => at.childrenOf(pid).length > 0);
    process.kill(executor, 'SIGKILL');

    const seen: Record<string, number>[] = [];
    const ended = await until(async () => {
      seen.push(visible(jobId));
      const state = (await at.request('GET', `/v1/jobs/${jobId}`)).json;
      return ['queued', 'running'].includes(state.status) ? undefined : state;
    });
    expect(ended).toMatchObject({ status: 'completed', kind: 'video' });
    expect(at.log()).toContain('EXECUTOR_DIED');

    const final = visible(jobId);
    expect(Object.keys(final)).toHaveLength(2);
    for (const files of seen) expect(final).toMatchObject(files);
    await until(async () => readdirSync(scratchRoot()).length === 0);
    expect(existsSync(halfMade)).toBe(false);
    expect(ffmpegsOfThisSystem()).toEqual([]);

    const path = join(at.dataDir, 'downloaded.mp4');
    writeFileSync(path, Buffer.from(await (await fetch(ended.result_url as string)).arrayBuffer()));
    expectFilm(await probeMedia(path, at.ffmpeg), {
      width: 256,
      height: 256,
      frames: 97,
      framesPerSecond: 24,
    });
    const key = new TextEncoder().encode(secret('watermark-key'));
    expect(await readMark(path, key, () => at.ffmpeg)).toMatchObject({
      found: true,
      payload: toHex(payloadFor(secret('node-id'), jobId)),
    });
    expect((await at.request('GET', '/v1/usage')).json.videos_used).toBe(1);
  }, 600_000);
});
