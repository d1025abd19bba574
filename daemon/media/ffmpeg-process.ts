import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import ffmpeg from 'fluent-ffmpeg';
import { NodeError } from '../../core/errors.js';

/** One run of ffmpeg. */
export interface FfmpegRun {
  readonly ffmpegPath: string;
  /** Each input with its options; at most one is a stream, which becomes ffmpeg's standard input. */
  readonly inputs: readonly { readonly source: string | Readable; readonly options?: readonly string[] }[];
  /** Options of the single output, filters included. */
  readonly options: readonly string[];
  /** A file, or a consumer of ffmpeg's standard output. */
  readonly output: string | { readonly consume: (stdout: Readable) => Promise<void> };
  readonly signal?: AbortSignal | undefined;
}

/** How ffmpeg says that a disk is full, in the versions from 4 to 7. */
const DISK_FULL = /No space left on device|ENOSPC|Disk quota exceeded/;

function failure(error: Error, stderr: string): unknown {
  const inputError = (error as { inputStreamError?: unknown }).inputStreamError;
  if (inputError !== undefined) return inputError;
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
    return new NodeError('FFMPEG_MISSING', 'ffmpeg could not be started', { cause: error });
  }
  const lastLines = stderr.trim().split('\n').slice(-4).join(' | ');
  if (DISK_FULL.test(stderr)) {
    return new NodeError('DISK_FULL', 'no space was left for the media file', { cause: error });
  }
  const what = error.message.split(':')[0] ?? error.message;
  return new NodeError('FFMPEG_FAILED', `${what}${lastLines === '' ? '' : `: ${lastLines}`}`, {
    cause: error,
  });
}

/**
 * Runs ffmpeg once and resolves to what it wrote on standard error. Whatever ends the run early (abort, a
 * failing source, a failing consumer) kills the process before the promise settles.
 * This file alone knows fluent-ffmpeg.
 * @throws FFMPEG_MISSING, FFMPEG_FAILED, DISK_FULL, the signal's reason, or what a source or consumer threw
 */
export async function runFfmpeg(run: FfmpegRun): Promise<string> {
  run.signal?.throwIfAborted();
  const command = ffmpeg({ stdoutLines: 1, logger: silent }).setFfmpegPath(run.ffmpegPath);
  for (const input of run.inputs) {
    command.input(input.source);
    if (input.options !== undefined) command.inputOptions([...input.options]);
  }
  command.outputOptions(['-nostdin', '-hide_banner', '-nostats', ...run.options]);

  const source = run.inputs.map((input) => input.source).find((each) => typeof each !== 'string');
  const stderr: string[] = [];
  let consumed: Promise<void> = Promise.resolve();
  let stopped: { readonly reason: unknown } | undefined;
  let child: ChildProcess | undefined;
  const stop = (reason: unknown): void => {
    stopped ??= { reason };
    child?.kill('SIGKILL');
  };
  const onAbort = (): void => stop(run.signal?.reason);
  run.signal?.addEventListener('abort', onAbort);

  try {
    await new Promise<void>((resolve, reject) => {
      command
        .on('start', () => {
          child = (command as unknown as { ffmpegProc: ChildProcess }).ffmpegProc;
          if (stopped !== undefined) child.kill('SIGKILL');
        })
        .on('stderr', (line: string) => {
          stderr.push(line);
          // A damaged file can draw a line for every macroblock.
          if (stderr.length > 4000) stderr.splice(0, 2000);
        })
        .on('end', () => resolve())
        .on('error', (error: Error) =>
          reject(
            stopped === undefined ? (failure(error, stderr.join('\n')) as Error) : (stopped.reason as Error),
          ),
        );
      if (typeof run.output === 'string') {
        command.output(run.output).run();
        return;
      }
      // Closing the output would make fluent-ffmpeg kill a process that is about to end by itself.
      const stdout = new PassThrough({ emitClose: false, autoDestroy: false, highWaterMark: 1 << 20 });
      consumed = run.output.consume(stdout).catch((error: unknown) => {
        stop(error);
        stdout.resume();
        throw error;
      });
      // It is awaited below; until then a failure must not count as unhandled.
      consumed.catch(() => undefined);
      command.output(stdout).run();
    });
    await consumed;
    return stderr.join('\n');
  } finally {
    run.signal?.removeEventListener('abort', onAbort);
    if (source !== undefined && typeof source !== 'string') source.destroy();
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
