import { fork, spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { NodeError } from '../../core/errors.js';
import { PROJECT_ROOT } from '../../core/paths.js';

/** One running program of the system. */
export interface Program {
  readonly name: string;
  readonly pid: number;
  /** Resolves with how it ended: its exit status, or the signal. */
  readonly ended: Promise<number | string>;
  /** Asks it to end, and after `graceMs` makes it. */
  stop(graceMs: number): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

function watch(name: string, child: ChildProcess): Program {
  const ended = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    child.once('error', () => resolve('could not be started'));
  });
  return {
    name,
    pid: child.pid ?? -1,
    ended,
    kill: (signal) => child.kill(signal),
    stop: async (graceMs) => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

export interface ProgramOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Each line the program writes to standard output. */
  readonly onLine?: (line: string) => void;
  /** Where its log goes: this process's standard error, or a file descriptor. */
  readonly log: 'inherit' | number;
}

/** Starts `api` or `daemon` as a process of its own; it gets no signal meant for this one's terminal. */
export function startNodeProgram(
  name: 'api' | 'daemon',
  options: ProgramOptions,
): { program: Program; child: ChildProcess } {
  const child = fork(join(PROJECT_ROOT, 'dist', name, 'main.js'), [], {
    env: options.env,
    detached: true,
    stdio: ['ignore', 'pipe', options.log, 'ipc'],
  });
  if (child.stdout !== null)
    createInterface({ input: child.stdout }).on('line', (line) => options.onLine?.(line));
  return { program: watch(name, child), child };
}

/** Starts a program that is not ours. */
export function startForeignProgram(
  name: string,
  binary: string,
  args: readonly string[],
  log: 'ignore' | number,
): Program {
  return watch(name, spawn(binary, args, { detached: true, stdio: ['ignore', log, log] }));
}

/** Fails when the program ends before what is waited for. @throws the given error code */
export async function unlessEnded<T>(program: Program, wait: Promise<T>, details: () => string): Promise<T> {
  const gone = program.ended.then((how) => {
    throw new NodeError('SETUP_FAILED', `${program.name} ended while starting (${how})${details()}`);
  });
  return await Promise.race([wait, gone]);
}
