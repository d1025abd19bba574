import { EventEmitter } from 'node:events';
import { BrokerPresence, connectBroker, onBrokerBack } from '../../core/broker/connection.js';
import { Fence, type CancelOutcome } from '../../core/broker/fence.js';
import { openInlineInbox, type InlineInbox } from '../../core/broker/inline-result.js';
import { publishJob } from '../../core/broker/publish.js';
import { pullEnded, type Delivery, type Pull } from '../../core/broker/pull.js';
import { askPromptCheck, NodeDirectory, onEnded, onProgress, sendCancel } from '../../core/broker/signals.js';
import { ensureStreams } from '../../core/broker/streams.js';
import { asNodeError, NodeError } from '../../core/errors.js';
import type { JobKind } from '../../core/kinds.js';
import type { Logger } from '../../core/logging.js';
import {
  type JobMessage,
  type ProgressMessage,
  type PromptCheckRequest,
  type PromptVerdict,
  type TerminalEvent,
} from '../../core/messages.js';
import { HEARTBEAT_EVERY_MS } from '../../core/subjects.js';
import type { JobBroker } from '../ports.js';

export interface NatsBrokerOptions {
  readonly url: string;
  readonly token?: string | undefined;
  readonly replicas: number;
  readonly log: Logger;
}

const CONNECT_AGAIN_MS = 500;
/** Every live node has been heard of once by then. */
const LEARNING_MS = HEARTBEAT_EVERY_MS + 500;

type NatsConnection = Awaited<ReturnType<typeof connectBroker>>;

interface Session {
  readonly connection: NatsConnection;
  readonly presence: BrokerPresence;
  readonly fence: Fence;
  readonly nodes: NodeDirectory;
  readonly ended: Pull<TerminalEvent>;
}

/**
 * The API's side of the broker. It may be away when the API starts and at any time after: then `here` is
 * false, and it comes back by itself.
 */
export class NatsBroker implements JobBroker {
  readonly #signals = new EventEmitter();
  #session: Session | undefined;
  #closed = false;
  /** Nodes are not known before this instant (monotonic ms). */
  #learnedAt = Infinity;
  #connecting: Promise<void>;

  constructor(private readonly options: NatsBrokerOptions) {
    // One listener per waiting customer.
    this.#signals.setMaxListeners(0);
    this.#connecting = this.#connect();
  }

  /** Resolves when the broker has been reached for the first time. */
  connected(): Promise<void> {
    return this.#connecting;
  }

  get here(): boolean {
    return !this.#closed && (this.#session?.presence.here ?? false);
  }

  async publish(job: JobMessage): Promise<void> {
    await publishJob(this.#need().connection, job);
  }

  isKindLive(kind: JobKind): boolean {
    if (this.#session === undefined) return false;
    return performance.now() < this.#learnedAt || this.#session.nodes.isKindLive(kind);
  }

  async checkPrompt(question: PromptCheckRequest): Promise<PromptVerdict | undefined> {
    try {
      return await askPromptCheck(this.#need().connection, question);
    } catch (error) {
      // The node that makes the job checks again; what the door could not ask is not let through there.
      this.options.log.debug({ code: asNodeError(error).code }, 'no node checked a prompt at the door');
      return undefined;
    }
  }

  async cancel(jobId: string): Promise<CancelOutcome> {
    const { fence, connection } = this.#need();
    const outcome = await fence.cancel(jobId);
    if (outcome === 'asked') sendCancel(connection, jobId);
    return outcome;
  }

  openInbox(): InlineInbox {
    return openInlineInbox(this.#need().connection);
  }

  nextEnded(waitMs: number): Promise<Delivery<TerminalEvent> | undefined> {
    return this.#need().ended.next(waitMs);
  }

  onProgress(handle: (progress: ProgressMessage) => void): () => void {
    this.#signals.on('progress', handle);
    return () => this.#signals.off('progress', handle);
  }

  onEnded(handle: (event: TerminalEvent) => void): () => void {
    this.#signals.on('ended', handle);
    return () => this.#signals.off('ended', handle);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#connecting;
    await this.#session?.connection.close();
  }

  #need(): Session {
    if (this.#session === undefined || !this.here) {
      throw new NodeError('BROKER_UNAVAILABLE', 'the broker is away');
    }
    return this.#session;
  }

  async #connect(): Promise<void> {
    let told = false;
    while (!this.#closed) {
      let connection: NatsConnection | undefined;
      try {
        connection = await connectBroker({ ...this.options, name: 'api' });
        this.#session = await this.#open(connection);
        return;
      } catch (error) {
        await connection?.close();
        const { code, message } = asNodeError(error);
        if (!told) this.options.log.warn({ code }, `${message}; trying again until it answers`);
        told = true;
        await new Promise((resolve) => setTimeout(resolve, CONNECT_AGAIN_MS));
      }
    }
  }

  async #open(connection: NatsConnection): Promise<Session> {
    await ensureStreams(connection, this.options.replicas);
    const presence = new BrokerPresence(connection);
    const nodes = new NodeDirectory(connection);
    this.#learnedAt = performance.now() + LEARNING_MS;
    onProgress(connection, (progress) => this.#signals.emit('progress', progress));
    onEnded(connection, (event) => this.#signals.emit('ended', event));
    const ended = pullEnded(connection, (error) => {
      this.options.log.error({ err: error }, 'an ended event cannot be read and was dropped');
    });
    onBrokerBack(connection, () => this.#back(connection));
    return { connection, presence, fence: await Fence.open(connection), nodes, ended };
  }

  /** A broker that came back may have lost its disk or its knowledge of the nodes. */
  #back(connection: NatsConnection): void {
    this.#learnedAt = performance.now() + LEARNING_MS;
    ensureStreams(connection, this.options.replicas).catch((error: unknown) => {
      this.options.log.error({ code: asNodeError(error).code }, 'the streams could not be made again');
    });
  }
}
