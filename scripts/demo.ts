import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { NodeError } from '../core/errors.js';
import { failureLine, stopSignal } from '../core/run-program.js';
import { probeMedia } from '../daemon/media/probe.js';
import { metricsOf } from './demo/metrics.js';
import { Progress } from './demo/progress.js';
import { table } from './demo/table.js';
import { readWish, USAGE, type Wish } from './demo/wish.js';
import { ffprobeFigures, probeLines } from './media/film-figures.js';
import { readMark } from './media/read-mark.js';
import { startTemporarySystem, type TemporarySystem } from './system/temporary-system.js';

const job = z
  .object({
    job_id: z.string(),
    status: z.string(),
    result_url: z.string().optional(),
    error: z.string().optional(),
    seed: z.number().optional(),
    progress: z
      .object({ stage: z.string(), step: z.number(), steps: z.number(), fraction: z.number() })
      .loose()
      .optional(),
  })
  .loose();
type Job = z.infer<typeof job>;

async function call(url: string, key: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'X-API-Key': key, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as { error?: string };
  if (!response.ok)
    throw new NodeError(
      'REQUEST_INVALID',
      `${path} answered ${response.status}: ${answer.error ?? 'no reason given'}`,
    );
  return answer;
}

async function follow(url: string, key: string, wish: Wish, progress: Progress): Promise<Job> {
  const submitted = job.parse(await call(url, key, `/v1/${wish.kind}s/generate`, wish.body));
  for (;;) {
    const state = job.parse(await call(url, key, `/v1/jobs/${submitted.job_id}`));
    if (state.status === 'completed') return state;
    if (state.status === 'blocked' || state.status === 'failed' || state.status === 'cancelled') {
      throw new NodeError(
        'REQUEST_INVALID',
        `the job ended ${state.status}: ${state.error ?? 'no reason given'}`,
      );
    }
    const at = state.progress;
    progress.show(at === undefined ? state.status : `${at.stage} ${at.step}/${at.steps}`, at?.fraction ?? 0);
    await sleep(200);
  }
}

async function makeOne(system: TemporarySystem, wish: Wish): Promise<void> {
  const { url, apiKey, dataDir, ffmpeg } = system;
  const started = performance.now();
  const progress = new Progress();
  const finished = await follow(url, apiKey, wish, progress);
  const waited = performance.now() - started;
  progress.show('downloading', 1);
  const response = await fetch(finished.result_url ?? '');
  if (!response.ok)
    throw new NodeError('STORAGE_UNAVAILABLE', `the download link answered ${response.status}`);
  writeFileSync(wish.out, Buffer.from(await response.arrayBuffer()));
  progress.end();
  const watermarkKey = readFileSync(join(dataDir, 'secrets', 'watermark-key'), 'utf8').trim();
  const mark = await readMark(wish.out, new TextEncoder().encode(watermarkKey), () => ffmpeg);
  if (!mark.found) throw new NodeError('WATERMARK_UNREADABLE', `no watermark was found in ${wish.out}`);
  const metrics = await metricsOf(system.brokerUrl, finished.job_id);
  const rows = metrics.stages.map(({ stage, ms, graphMs }) => [stage, ms.toFixed(0), graphMs.toFixed(0)]);
  rows.push(['whole job', metrics.totalMs.toFixed(0), metrics.graphMs.toFixed(0)]);
  rows.push(['submit to done', waited.toFixed(0), '']);
  console.log(`\n${table(['stage', 'ms', 'in graphs'], rows)}\n`);
  console.log(`prompt     ${String(wish.body.prompt)}`);
  console.log(`seed       ${finished.seed ?? 'unknown'}`);
  console.log(`file       ${wish.out}`);
  if (wish.kind === 'video') {
    for (const line of probeLines(await probeMedia(wish.out, ffmpeg))) console.log(line);
    console.log(`ffprobe    ${ffprobeFigures(wish.out) ?? 'not on this machine'}`);
  }
  console.log(`watermark  ${mark.payload} (read back from the file)`);
}

async function main(): Promise<void> {
  const wish = readWish(process.argv.slice(2));
  if (wish === undefined) {
    console.log(USAGE);
    return;
  }
  const stopped = stopSignal();
  let system: TemporarySystem | undefined;
  const steps = new Progress();
  try {
    system = await startTemporarySystem({ onProgress: (line) => steps.show(line) });
    steps.end();
    const end = await Promise.race([makeOne(system, wish), stopped, system.broken]);
    if (typeof end === 'string') throw new NodeError('INTERNAL', `stopped by ${end}`);
    if (typeof end === 'object') throw new NodeError('INTERNAL', `${end.name} ended by itself (${end.how})`);
  } finally {
    steps.end();
    await system?.stop();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(failureLine('demo', error));
    process.exit(1);
  },
);
