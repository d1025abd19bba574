import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeError } from '../core/errors.js';
import type { JobMetrics } from '../core/messages.js';
import { failureLine } from '../core/run-program.js';
import { metricsOf } from './demo/metrics.js';
import { Progress } from './demo/progress.js';
import { table } from './demo/table.js';
import { startTemporarySystem, type TemporarySystem } from './system/temporary-system.js';

const USAGE = `usage: npm run bench -- [--width W] [--height H] [--jobs N]

Runs N pictures (default 5) one after the other through the whole system and prints where the time of the
median one went: each stage, how much of it was inside graph runs, and what is left over.`;

const POLL_MS = 100;

async function runJob(
  system: TemporarySystem,
  body: object,
): Promise<{ metrics: JobMetrics; waitedMs: number }> {
  const started = performance.now();
  const headers = { 'X-API-Key': system.apiKey, 'Content-Type': 'application/json' };
  const submitted = await fetch(`${system.url}/v1/images/generate`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  const { job_id: jobId, error: refusal } = (await submitted.json()) as { job_id?: string; error?: string };
  if (jobId === undefined) throw new NodeError('INTERNAL', `the API took no job: ${refusal}`);
  for (;;) {
    const state = (await (await fetch(`${system.url}/v1/jobs/${jobId}`, { headers })).json()) as {
      status: string;
      error?: string;
    };
    if (state.status === 'completed') break;
    if (state.status === 'failed' || state.status === 'blocked')
      throw new NodeError('INTERNAL', `a job ended ${state.status}: ${state.error}`);
    // Asking costs the same cores that make the picture.
    await sleep(POLL_MS);
  }
  const waitedMs = performance.now() - started;
  return { metrics: await metricsOf(system.brokerUrl, jobId), waitedMs };
}

function report({ metrics, waitedMs }: { metrics: JobMetrics; waitedMs: number }, size: string): void {
  const share = (ms: number) => `${((100 * ms) / metrics.totalMs).toFixed(1)}%`;
  const rows = metrics.stages.map(({ stage, ms, graphMs }) => [
    stage,
    ms.toFixed(1),
    graphMs.toFixed(1),
    (ms - graphMs).toFixed(1),
    share(ms),
  ]);
  const outside = metrics.totalMs - metrics.graphMs;
  rows.push([
    'whole job',
    metrics.totalMs.toFixed(1),
    metrics.graphMs.toFixed(1),
    outside.toFixed(1),
    '100.0%',
  ]);
  console.log(`\n${size}, pack ${metrics.pack}, median job\n`);
  console.log(table(['stage', 'ms', 'in graphs', 'outside', 'share'], rows));
  console.log(`\noutside graph runs   ${share(outside)} of the job`);
  console.log(`submit to completed  ${waitedMs.toFixed(0)} ms`);
  console.log(`peak memory          ${(metrics.peakRssBytes / 2 ** 20).toFixed(0)} MiB (executor)`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      width: { type: 'string', default: '1024' },
      height: { type: 'string', default: '1024' },
      jobs: { type: 'string', default: '5' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return console.log(USAGE);
  const progress = new Progress();
  let system: TemporarySystem | undefined;
  try {
    system = await startTemporarySystem({
      env: {
        ZSKY_DAEMON_PACKS: process.env.ZSKY_DAEMON_PACKS ?? 'models/packs/starter-image',
        ZSKY_API_LIMITS_REQUESTS_PER_MINUTE: '100000',
        ZSKY_API_LIMITS_IMAGES_PER_DAY: '100000',
      },
      onProgress: (line) => progress.show(line),
    });
    const jobs = Number(values.jobs);
    const results = [];
    for (let i = 0; i < jobs; i++) {
      progress.show(`picture ${i + 1} of ${jobs}`, i / jobs);
      const body = {
        prompt: 'a lighthouse by a black sea at night',
        width: Number(values.width),
        height: Number(values.height),
        seed: i,
      };
      results.push(await runJob(system, body));
    }
    progress.end();
    results.sort((a, b) => a.metrics.totalMs - b.metrics.totalMs);
    report(results[Math.floor(results.length / 2)], `${values.width}x${values.height}`);
  } finally {
    progress.end();
    await system?.stop();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(failureLine('bench', error));
    process.exit(1);
  },
);
