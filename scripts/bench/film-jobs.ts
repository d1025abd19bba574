import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { NodeError } from '../../core/errors.js';
import { failureLine } from '../../core/run-program.js';
import { startTemporarySystem, type TemporarySystem } from '../system/temporary-system.js';

/**
 * Peak memory of the daemon's processes while real films are made, by length:
 *
 *   node dist/scripts/bench/film-jobs.js [--width 1280] [--height 720] [--lengths 25,241]
 *
 * Each film is a job of a whole system with the starter packs. Peaks are the kernel's (VmHWM), set back before each
 * job; a film of 25 frames goes first, unmeasured, so that what is loaded once counts in every figure alike.
 * Linux only.
 */
const WARM_UP_FRAMES = 25;

interface Peaks {
  readonly supervisor: number;
  readonly executor: number;
}

function childrenOf(pid: number): { pid: number; words: string }[] {
  return execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(pid)], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => ({ pid: Number.parseInt(line, 10), words: line }));
}

/** Resident megabytes of a process at their highest since `forget`. */
function peakMb(pid: number): number {
  const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kilobytes) / 1024);
}

const forget = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, '5');

/** Of the supervisor's two children the executor is the larger: it holds the packs. */
function executorOf(daemon: number): number {
  return childrenOf(daemon).sort((a, b) => peakMb(b.pid) - peakMb(a.pid))[0].pid;
}

async function makeFilm(system: TemporarySystem, body: object): Promise<void> {
  const headers = { 'x-api-key': system.apiKey, 'content-type': 'application/json' };
  const ask = async (path: string, init?: RequestInit): Promise<Record<string, unknown>> =>
    (await (await fetch(system.url + path, { headers, ...init })).json()) as Record<string, unknown>;
  const submitted = await ask('/v1/videos/generate', { method: 'POST', body: JSON.stringify(body) });
  for (;;) {
    const state = await ask(String(submitted['poll_url']));
    if (state['status'] === 'completed') return;
    if (state['status'] !== 'queued' && state['status'] !== 'running') {
      throw new NodeError('INTERNAL', `the film ended ${String(state['status'])}: ${String(state['error'])}`);
    }
    await sleep(500);
  }
}

async function measure(system: TemporarySystem, size: object, lengths: readonly number[]): Promise<Peaks[]> {
  const daemon = system.programs.find(({ name }) => name === 'daemon')?.pid;
  if (daemon === undefined) throw new NodeError('INTERNAL', 'the system has no daemon');
  const film = { prompt: 'rain over a choppy sea, the camera pans left', seed: 1, ...size };
  await makeFilm(system, { ...film, length: WARM_UP_FRAMES });
  const peaks: Peaks[] = [];
  for (const length of lengths) {
    const executor = executorOf(daemon);
    forget(daemon);
    forget(executor);
    await makeFilm(system, { ...film, length });
    const found = { supervisor: peakMb(daemon), executor: peakMb(executor) };
    console.log(`${length} frames: supervisor ${found.supervisor} MB, executor ${found.executor} MB`);
    peaks.push(found);
  }
  return peaks;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      width: { type: 'string', default: '1280' },
      height: { type: 'string', default: '720' },
      lengths: { type: 'string', default: '25,241' },
    },
  });
  const size = { width: Number(values.width), height: Number(values.height) };
  let system: TemporarySystem | undefined;
  try {
    system = await startTemporarySystem();
    console.log(`Peak resident memory while films of ${size.width}x${size.height} are made`);
    const peaks = await measure(system, size, values.lengths.split(',').map(Number));
    const ratio = (of: keyof Peaks): string => (peaks[peaks.length - 1][of] / peaks[0][of]).toFixed(2);
    console.log(`last over first: supervisor ${ratio('supervisor')}, executor ${ratio('executor')}`);
  } finally {
    await system?.stop();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(failureLine('bench/film-jobs', error));
    process.exit(1);
  },
);
