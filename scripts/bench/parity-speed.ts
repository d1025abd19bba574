import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PROJECT_ROOT } from '../../core/paths.js';
import type { PipelineObserver } from '../../pipelines/pipeline.js';
import { openPipeline } from '../../pipelines/registry.js';
import { openBareLoop } from './bare-loop.js';

const usage = `usage: node dist/scripts/bench/parity-speed.js [--pack DIR]... [--steps N] [--rounds N] [--threads N] [--python PROGRAM]

Time of one guided picture through the pipeline beside a bare loop of the same graph runs, and, with --python,
beside a Python loop over onnxruntime doing the same work. The three take turns; medians are compared.`;

const silent: PipelineObserver = { progress: async () => {} };

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

interface Options {
  readonly steps: number;
  readonly rounds: number;
  readonly threads: number;
  readonly python: string | undefined;
}

async function measure(folder: string, { steps, rounds, threads, python }: Options): Promise<string[]> {
  const pipeline = await openPipeline(folder, { device: 'cpu', threads, verifyDigests: false });
  if (pipeline.kind !== 'image') throw new Error(`${folder} does not make pictures`);
  const bare = await openBareLoop(folder, threads);
  const [width, height] = pipeline.nativeSizes[0];
  const job = {
    steps,
    h: height / pipeline.sizeMultiple,
    w: width / pipeline.sizeMultiple,
  };
  const request = {
    prompt: 'a lighthouse by a black sea at night',
    negative: 'blurry, grey',
    width,
    height,
    seed: 1,
    steps,
    guidanceScale: 7.5,
    scheduler: 'DDIMScheduler',
  };
  bare.prepare(job);
  const times = { ours: [] as number[], bare: [] as number[], inRuns: [] as number[] };
  const warmUps = 3;
  for (let round = -warmUps; round < rounds; round++) {
    // The order alternates: what runs second finds warmer caches.
    const order = round % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const);
    for (const side of order) {
      const before = pipeline.meter.ms;
      const ms = await timed(() => (side === 'ours' ? pipeline.generate(request, silent) : bare.run(job)));
      if (round < 0) continue;
      times[side].push(ms);
      if (side === 'ours') times.inRuns.push(pipeline.meter.ms - before);
    }
  }
  await pipeline.release();
  await bare.release();
  const [ours, alone, inRuns] = [median(times.ours), median(times.bare), median(times.inRuns)];
  const inPython =
    python === undefined
      ? undefined
      : Number(
          execFileSync(
            python,
            [
              join(PROJECT_ROOT, 'scripts/bench/python_loop.py'),
              folder,
              ...[steps, bare.channels, job.h, job.w, threads, rounds].map(String),
            ],
            { encoding: 'utf8' },
          ),
        );
  const show = (value: number) => value.toFixed(value < 100 ? 2 : 0);
  return [
    folder.split('/').slice(-1)[0],
    `${width}x${height}`,
    String(steps),
    show(ours),
    show(inRuns),
    show(alone),
    (ours / alone).toFixed(3),
    inPython === undefined ? '' : show(inPython),
    inPython === undefined ? '' : (ours / inPython).toFixed(3),
  ];
}

const { values } = parseArgs({
  options: {
    pack: { type: 'string', multiple: true },
    steps: { type: 'string', default: '25' },
    rounds: { type: 'string', default: '31' },
    threads: { type: 'string', default: '1' },
    python: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(usage);
else {
  const packs = values.pack ?? [
    join(PROJECT_ROOT, 'tests/fixtures/packs/sd'),
    join(PROJECT_ROOT, 'models/packs/starter-image'),
  ];
  const options = {
    steps: Number(values.steps),
    rounds: Number(values.rounds),
    threads: Number(values.threads),
    python: values.python,
  };
  console.log(
    '| pack | size | steps | ours ms | in graph runs ms | bare loop ms | ratio | Python loop ms | ratio |',
  );
  console.log('|---|---|--:|--:|--:|--:|--:|--:|--:|');
  for (const pack of packs) console.log(`| ${(await measure(pack, options)).join(' | ')} |`);
}
