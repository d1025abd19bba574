import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PROJECT_ROOT } from '../../core/paths.js';
import { GRAPH_PROCESS_ENVIRONMENT } from '../../models/process-environment.js';
import type { PipelineObserver } from '../../pipelines/pipeline.js';
import { openPipeline } from '../../pipelines/registry.js';
import { openBareLoop } from './bare-loop.js';

const usage = `usage: node dist/scripts/bench/parity-speed.js [--pack DIR]... [--steps N] [--processes N] [--rounds N]
                                                [--pictures N] [--threads N] [--python PROGRAM]

Time of one guided Stable Diffusion picture through the pipeline, beside a bare loop of session.run calls with the
same inputs and, with --python, a Python loop over onnxruntime doing the same work. Each runs in a process of its
own, the first two in the environment of the node's executor; they take turns, one round of some pictures each, and
are started anew after some rounds, since where a process's memory happens to lie makes all its runs faster or slower
by a tenth. The medians of all rounds are compared, in time passed and in CPU time, which other programs disturb less.`;

/** What is measured: one size, one number of steps. */
interface Job {
  readonly pack: string;
  readonly steps: number;
  readonly threads: number;
}

/** Until then our code is not compiled for what it does most. */
const WARM_UP_ROUNDS = 3;

const silent: PipelineObserver = { progress: async () => {} };

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** One picture through the pipeline; resolves to the milliseconds inside graph runs. */
async function ours({ pack, steps, threads }: Job): Promise<() => Promise<number>> {
  const pipeline = await openPipeline(pack, { device: 'cpu', threads, verifyDigests: false });
  if (pipeline.kind !== 'image') throw new Error(`${pack} does not make pictures`);
  const [width, height] = pipeline.nativeSizes[0];
  const request = {
    prompt: 'a lighthouse by a black sea at night',
    negative: 'blurry, grey',
    ...{ width, height, steps, seed: 1, guidanceScale: 7.5, scheduler: 'DDIMScheduler' },
  };
  return async () => {
    const before = pipeline.meter.ms;
    await pipeline.generate(request, silent);
    return pipeline.meter.ms - before;
  };
}

async function shapeOf(pack: string): Promise<{ width: number; height: number; h: number; w: number }> {
  const pipeline = await openPipeline(pack, { device: 'cpu', verifyDigests: false });
  await pipeline.release();
  if (pipeline.kind !== 'image') throw new Error(`${pack} does not make pictures`);
  const [width, height] = pipeline.nativeSizes[0];
  return { width, height, h: height / pipeline.sizeMultiple, w: width / pipeline.sizeMultiple };
}

/** The side that is measured in this process: for each line on standard input it makes so many pictures. */
async function serve(side: string, job: Job): Promise<void> {
  let picture: () => Promise<number>;
  if (side === 'ours') picture = await ours(job);
  else {
    const { h, w } = await shapeOf(job.pack);
    const bare = await openBareLoop(job.pack, job.threads);
    bare.prepare({ steps: job.steps, h, w });
    picture = async () => {
      await bare.run({ steps: job.steps, h, w });
      return 0;
    };
  }
  for await (const line of createInterface({ input: process.stdin })) {
    const times: number[] = [];
    const cpu: number[] = [];
    const inside: number[] = [];
    for (let i = 0; i < Number(line); i++) {
      const start = performance.now();
      const before = process.cpuUsage();
      inside.push(await picture());
      const { user, system } = process.cpuUsage(before);
      times.push(performance.now() - start);
      cpu.push((user + system) / 1000);
    }
    console.log(`${median(times)} ${median(cpu)} ${median(inside)}`);
  }
}

interface Side {
  round(pictures: number): Promise<readonly number[]>;
  stop(): void;
}

function start(program: string, args: readonly string[], extra: Readonly<Record<string, string>> = {}): Side {
  const env = { ...process.env, ...extra };
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async round(pictures) {
      child.stdin.write(`${pictures}\n`);
      const line = await lines.next();
      if (line.done) throw new Error(`${program} ${args.join(' ')} ended early`);
      return line.value.split(' ').map(Number);
    },
    stop: () => child.stdin.end(),
  };
}

interface Plan {
  readonly processes: number;
  readonly rounds: number;
  readonly pictures: number;
  readonly python: string | undefined;
}

async function measure(job: Job, { processes, rounds, pictures, python }: Plan): Promise<string> {
  const { width, height, h, w } = await shapeOf(job.pack);
  const vae = JSON.parse(await readFile(join(job.pack, 'vae_decoder/config.json'), 'utf8')) as {
    latent_channels: number;
  };
  const measured = ['--pack', job.pack, '--steps', String(job.steps), '--threads', String(job.threads)];
  const self = (side: string) =>
    start(
      process.execPath,
      [fileURLToPath(import.meta.url), '--side', side, ...measured],
      GRAPH_PROCESS_ENVIRONMENT,
    );
  const startSides = (): Record<string, Side> => ({
    ours: self('ours'),
    bare: self('bare'),
    ...(python === undefined
      ? {}
      : {
          python: start(python, [
            join(PROJECT_ROOT, 'scripts/bench/python_loop.py'),
            job.pack,
            ...[job.steps, vae.latent_channels, h, w, job.threads].map(String),
          ]),
        }),
  });
  const times: Record<string, number[]> = { ours: [], bare: [], python: [] };
  const inside: Record<string, number[]> = { ours: [], bare: [], python: [] };
  const cpu: Record<string, number[]> = { ours: [], bare: [], python: [] };
  for (let each = 0; each < processes; each++) {
    const sides = startSides();
    for (const side of Object.values(sides))
      for (let round = 0; round < WARM_UP_ROUNDS; round++) await side.round(pictures);
    for (let round = 0; round < rounds; round++) {
      for (const [name, side] of Object.entries(sides)) {
        const [ms, cpuMs, insideMs] = await side.round(pictures);
        times[name].push(ms);
        cpu[name].push(cpuMs);
        inside[name].push(insideMs);
      }
    }
    for (const side of Object.values(sides)) side.stop();
  }
  const show = (ms: number) => ms.toFixed(ms < 100 ? 2 : 0);
  const ratio = (of: Record<string, number[]>, name: string) =>
    (median(of['ours']) / median(of[name])).toFixed(3);
  const against = (name: string) =>
    times[name].length === 0
      ? ['', '', '']
      : [show(median(times[name])), ratio(times, name), ratio(cpu, name)];
  const cells = [
    job.pack.split('/').at(-1),
    `${width}x${height}`,
    String(job.steps),
    show(median(times['ours'])),
    show(median(inside['ours'])),
  ];
  const [pythonMs, ...pythonRatios] = against('python');
  const pythonInside = python === undefined ? '' : show(median(inside['python']));
  return `| ${[...cells, ...against('bare'), pythonMs, pythonInside, ...pythonRatios].join(' | ')} |`;
}

const { values } = parseArgs({
  options: {
    pack: { type: 'string', multiple: true },
    steps: { type: 'string', default: '25' },
    processes: { type: 'string', default: '9' },
    rounds: { type: 'string', default: '3' },
    pictures: { type: 'string', default: '10' },
    threads: { type: 'string', default: '0' },
    python: { type: 'string' },
    side: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const packs = values.pack ?? [
  join(PROJECT_ROOT, 'tests/fixtures/packs/sd'),
  join(PROJECT_ROOT, 'models/packs/starter-image'),
];
const jobs = packs.map((pack) => ({ pack, steps: Number(values.steps), threads: Number(values.threads) }));
if (values.help) console.log(usage);
else if (values.side !== undefined) await serve(values.side, jobs[0]);
else {
  const plan = {
    processes: Number(values.processes),
    rounds: Number(values.rounds),
    pictures: Number(values.pictures),
    python: values.python,
  };
  console.log(
    '| pack | size | steps | ours ms | of it in graph runs | bare loop ms | ratio | of CPU time | Python loop ms | of it in graph runs | ratio | of CPU time |',
  );
  console.log('|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|');
  for (const job of jobs) console.log(await measure(job, plan));
}
