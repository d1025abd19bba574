import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection, Subscription } from 'nats';
import { pullJobs, type Delivery, type Pull } from '../core/broker/pull.js';
import { answerPromptChecks, onCancel, sendHeartbeat } from '../core/broker/signals.js';
import { asNodeError, NodeError } from '../core/errors.js';
import type { JobKind } from '../core/kinds.js';
import type { JobMessage, NodeHeartbeat } from '../core/messages.js';
import { HEARTBEAT_EVERY_MS } from '../core/subjects.js';
import { ExecutorHost } from './executor-host.js';
import type { ExecutorSetup } from './executor/protocol.js';
import { runDelivery, type JobContext } from './job.js';

const PULL_MS = 1000;
const MAX_START_FAILURES = 5;
/** Loading and warming up large packs takes minutes on a cold disk. */
const START_BUDGET_MS = 10 * 60_000;

type Queue = { readonly kind: JobKind; readonly pull: Pull<JobMessage> };

/**
 * Keeps one executor warm and feeds it: a job is pulled only when the executor is free, so work that this
 * node cannot do now stays with the broker for others. States are those of the heartbeat:
 *
 *   starting ──▶ ready ◀──▶ busy;  any ──▶ draining (stop asked);  starting ──▶ defunct (never came up)
 */
export class Supervisor {
  #state: NodeHeartbeat['state'] = 'starting';
  #executor: ExecutorHost | undefined;
  #checker: ExecutorHost | undefined;
  #running: string | undefined;
  #subscriptions: Subscription[] = [];
  #heart: NodeJS.Timeout | undefined;
  #loop: Promise<void> | undefined;
  #checkerLoop: Promise<void> | undefined;

  constructor(
    private readonly connection: NatsConnection,
    private readonly context: JobContext,
    private readonly setup: Omit<ExecutorSetup, 'passKey' | 'role'>,
  ) {}

  /** Starts executor and checker; resolves when the first job could be taken. @throws what starting throws */
  async start(): Promise<void> {
    this.#heart = setInterval(() => this.#beat(), HEARTBEAT_EVERY_MS);
    [this.#executor, this.#checker] = await Promise.all([
      this.#startChild('executor'),
      this.#startChild('checker'),
    ]);
    this.#subscriptions = [
      onCancel(this.connection, (jobId) => {
        if (jobId === this.#running) this.#executor?.cancel();
      }),
      answerPromptChecks(
        this.connection,
        (question) =>
          this.#checker?.check(question) ?? Promise.reject(new NodeError('CHECK_UNAVAILABLE', 'no checker')),
        (error) => this.context.log.warn({ err: asNodeError(error).message }, 'a prompt check failed'),
      ),
    ];
    this.#state = 'ready';
    this.#beat();
    this.#loop = this.#work();
    this.#checkerLoop = this.#keepChecker();
  }

  /** Rejects when the node cannot go on; resolves when it was stopped. */
  async done(): Promise<void> {
    await Promise.all([this.#loop, this.#checkerLoop]);
  }

  /** Finishes the running job, up to `drainMs`, then gives it back; takes no new one. */
  async stop(drainMs: number): Promise<void> {
    this.#state = 'draining';
    this.#beat();
    const drained = Promise.resolve(this.#loop).then(
      () => true,
      () => true,
    );
    const late = sleep(drainMs, false, { ref: false });
    if (!(await Promise.race([drained, late]))) {
      this.context.log.warn('the running job did not finish in time; giving it back');
      await this.#executor?.kill();
      await drained;
    }
    clearInterval(this.#heart);
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    await Promise.all([this.#executor?.kill(), this.#checker?.kill()]);
    await Promise.resolve(this.#checkerLoop).catch(() => undefined);
  }

  get #stopping(): boolean {
    return this.#state === 'draining' || this.#state === 'defunct';
  }

  /** Whether results carry a signed manifest, in words. */
  get credentials(): string {
    return this.#executor?.credentials ?? 'not known yet';
  }

  #startChild(role: ExecutorSetup['role']): Promise<ExecutorHost> {
    return ExecutorHost.start({ ...this.setup, role }, { log: this.context.log, budgetMs: START_BUDGET_MS });
  }

  async #work(): Promise<void> {
    const queues: Queue[] = (this.#executor?.kinds ?? []).flatMap((kind) =>
      (['inline', 'stored'] as const).map((queue) => ({
        kind,
        pull: pullJobs(this.connection, kind, queue, this.context.ackWaitMs, (error) => {
          this.context.log.error(
            { err: asNodeError(error).message },
            'a job message could not be read and was dropped',
          );
        }),
      })),
    );
    while (!this.#stopping) {
      if (this.#executor?.alive !== true) {
        await this.#restartExecutor();
        continue;
      }
      const delivery = await this.#nextJob(queues);
      if (delivery === undefined) continue;
      if (this.#stopping) {
        delivery.giveBack(0);
        break;
      }
      this.#running = delivery.value.jobId;
      this.#state = 'busy';
      this.#beat();
      await runDelivery(this.context, this.#executor, delivery);
      this.#running = undefined;
      if (!this.#stopping) this.#state = 'ready';
      this.#beat();
    }
  }

  /**
   * The first job of any queue. All queues are asked at once; what a slower one still answers goes straight
   * back, to be had by another node or in the next round.
   */
  async #nextJob(queues: readonly Queue[]): Promise<Delivery<JobMessage> | undefined> {
    if (this.connection.isClosed())
      throw new NodeError('BROKER_UNAVAILABLE', 'the connection to the broker was closed');
    let taken = false;
    const asked = queues.map(async ({ pull }) => {
      const delivery = await pull.next(PULL_MS);
      if (delivery === undefined) throw new NodeError('INTERNAL', 'this queue is empty');
      if (taken) {
        delivery.giveBack(0);
        throw new NodeError('INTERNAL', 'another queue was faster');
      }
      taken = true;
      return delivery;
    });
    try {
      return await Promise.any(asked);
    } catch (error) {
      const away = (error as AggregateError).errors.some(
        (each) => asNodeError(each).code === 'BROKER_UNAVAILABLE',
      );
      if (away) await sleep(250);
      return undefined;
    }
  }

  async #restartExecutor(): Promise<void> {
    this.#state = 'starting';
    for (let failures = 0; !this.#stopping;) {
      try {
        this.#executor = await this.#startChild('executor');
        if (!this.#stopping) this.#state = 'ready';
        this.context.log.info('a new executor is ready');
        return;
      } catch (error) {
        failures += 1;
        this.context.log.error(
          { err: asNodeError(error).message, failures },
          'the executor could not be started',
        );
        if (failures >= MAX_START_FAILURES) {
          this.#state = 'defunct';
          this.#beat();
          throw new NodeError(
            'EXECUTOR_START_FAILED',
            `the executor failed to start ${failures} times in a row`,
            { cause: error },
          );
        }
        await sleep(1000 * 2 ** failures);
      }
    }
  }

  async #keepChecker(): Promise<void> {
    while (!this.#stopping && this.#checker !== undefined) {
      await this.#checker.ended;
      if (this.#stopping) return;
      this.context.log.warn('the prompt checker ended; starting another');
      await sleep(500);
      this.#checker = await this.#startChild('checker').catch(() => this.#checker);
    }
  }

  #beat(): void {
    sendHeartbeat(this.connection, {
      nodeId: this.context.nodeId,
      state: this.#state,
      kinds: [...(this.#executor?.kinds ?? [])],
      packs: [...(this.#executor?.packs ?? [])],
      running: this.#running === undefined ? [] : [this.#running],
      device: this.setup.device,
      credentials: this.credentials,
    });
  }
}
