import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { asNodeError, NodeError, type ErrorCode } from '../core/errors.js';
import type { JobKind } from '../core/kinds.js';
import type { Logger } from '../core/logging.js';
import type { JobMessage, PromptCheckRequest, PromptVerdict } from '../core/messages.js';
import { GRAPH_PROCESS_ENVIRONMENT } from '../models/process-environment.js';
import type { ExecutorOutcome, ExecutorSetup, FromExecutor, ToExecutor } from './executor/protocol.js';

const ENTRY = fileURLToPath(new URL('./executor/main.js', import.meta.url));

export type JobProgress = Omit<Extract<FromExecutor, { type: 'progress' }>, 'type'>;

export interface RunOptions {
  readonly job: JobMessage;
  readonly scratchDir: string;
  /** Kill the executor when it has told nothing for this long. */
  readonly stageBudgetMs: number;
  readonly onProgress: (progress: JobProgress) => void;
}

/**
 * One executor process as its supervisor sees it.
 *
 *   starting ──ready──▶ free ◀──▶ busy
 *      └────────────────┴──────────┴──▶ dead (killed, crashed or failed to start); never used again
 */
export class ExecutorHost {
  readonly passKey = randomBytes(32).toString('hex');
  readonly #child: ChildProcess;
  readonly #checks = new Map<
    number,
    { resolve: (verdict: PromptVerdict) => void; reject: (error: unknown) => void }
  >();
  #nextCheck = 0;
  #listener: ((message: FromExecutor) => void) | undefined;
  #dead = false;
  kinds: readonly JobKind[] = [];
  packs: readonly string[] = [];
  credentials = 'off';
  /** Resolves when the process has ended, however it ended. */
  readonly ended: Promise<void>;

  private constructor(private readonly log: Logger) {
    this.#child = fork(ENTRY, [], {
      serialization: 'advanced',
      env: { ...process.env, ...GRAPH_PROCESS_ENVIRONMENT },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.#dead = true;
        for (const { reject } of this.#checks.values())
          reject(new NodeError('CHECK_UNAVAILABLE', 'the checker ended'));
        this.#checks.clear();
        resolve();
      };
      this.#child.once('exit', end);
      this.#child.once('error', end);
    });
    this.#child.on('message', (message: FromExecutor) => this.#receive(message));
  }

  /**
   * Starts an executor and waits until it is warm.
   * @throws the executor's own start error, or EXECUTOR_START_FAILED when it ended or fell silent
   */
  static async start(
    setup: Omit<ExecutorSetup, 'passKey'>,
    options: { log: Logger; budgetMs: number },
  ): Promise<ExecutorHost> {
    const host = new ExecutorHost(options.log);
    try {
      await host.#begin(setup, options.budgetMs);
      return host;
    } catch (error) {
      await host.kill();
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get alive(): boolean {
    return !this.#dead;
  }

  async #begin(setup: Omit<ExecutorSetup, 'passKey'>, budgetMs: number): Promise<void> {
    await this.#converse<void>(
      budgetMs,
      'EXECUTOR_START_FAILED',
      (message, finish) => {
        if (message.type === 'loading') this.log.info(`${setup.role}: loading ${message.what}`);
        if (message.type === 'start-failed') {
          throw new NodeError(
            message.code as ErrorCode,
            message.message,
            message.hint === undefined ? {} : { hint: message.hint },
          );
        }
        if (message.type === 'ready') {
          this.kinds = message.kinds;
          this.packs = message.packs;
          this.credentials = message.credentials;
          finish();
        }
      },
      { type: 'setup', setup: { ...setup, passKey: this.passKey } },
    );
  }

  /**
   * Runs one job to its end. An executor that falls silent for longer than the budget is killed.
   * @throws EXECUTOR_DIED, EXECUTOR_SILENT; the host is dead then
   */
  async run(options: RunOptions): Promise<ExecutorOutcome> {
    return await this.#converse<ExecutorOutcome>(
      options.stageBudgetMs,
      'EXECUTOR_SILENT',
      (message, finish) => {
        if (message.type === 'progress') options.onProgress(message);
        if (message.type === 'ended') finish(message.result);
      },
      { type: 'job', job: options.job, scratchDir: options.scratchDir },
    );
  }

  /** Asks the running job to stop at its next step. */
  cancel(): void {
    this.#send({ type: 'cancel' });
  }

  /** Asks a checker whether a prompt may be made. @throws CHECK_UNAVAILABLE */
  check(question: PromptCheckRequest): Promise<PromptVerdict> {
    const id = this.#nextCheck++;
    return new Promise((resolve, reject) => {
      this.#checks.set(id, { resolve, reject });
      if (this.#dead) reject(new NodeError('CHECK_UNAVAILABLE', 'the checker ended'));
      else this.#send({ type: 'check', id, question });
    });
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  /** Sends a message and hears the answers until `finish`, the process's end, or silence. */
  async #converse<T>(
    silenceMs: number,
    silenceCode: ErrorCode,
    hear: (message: FromExecutor, finish: (value: T) => void) => void,
    opening: ToExecutor,
  ): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        const silent = () => {
          void this.kill();
          reject(new NodeError(silenceCode, `the executor said nothing for ${silenceMs} ms and was killed`));
        };
        timer = setTimeout(silent, silenceMs);
        this.#listener = (message) => {
          timer?.refresh();
          try {
            hear(message, resolve);
          } catch (error) {
            reject(asNodeError(error));
          }
        };
        void this.ended.then(() => reject(new NodeError('EXECUTOR_DIED', 'the executor process ended')));
        this.#send(opening);
      });
    } finally {
      clearTimeout(timer);
      this.#listener = undefined;
    }
  }

  #receive(message: FromExecutor): void {
    if (message.type === 'verdict' || message.type === 'check-failed') {
      const waiting = this.#checks.get(message.id);
      this.#checks.delete(message.id);
      if (message.type === 'verdict') waiting?.resolve(message.verdict);
      else waiting?.reject(new NodeError('CHECK_UNAVAILABLE', message.message));
    } else this.#listener?.(message);
  }

  #send(message: ToExecutor): void {
    // A process that has just ended cannot be written to; `ended` tells everybody who waits.
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }
}
