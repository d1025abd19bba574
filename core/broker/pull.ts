import { AckPolicy, DeliverPolicy, nanos, type Consumer, type JsMsg, type NatsConnection } from 'nats';
import { asNodeError } from '../errors.js';
import type { JobKind } from '../kinds.js';
import { terminalEvent, jobMessage, type JobMessage, type TerminalEvent } from '../messages.js';
import { STREAM, subject } from '../subjects.js';
import { fromBytes } from './json.js';
import { jetStreamManager } from './connection.js';

/** A message taken from a stream and not yet answered for. */
export interface Delivery<T> {
  readonly value: T;
  /** 1 on the first delivery. */
  readonly deliveries: number;
  /** "I am still at it": starts the ack wait anew. */
  working(): void;
  /** Done; the broker forgets it. Resolves once the broker has confirmed. */
  ack(): Promise<void>;
  /** Not done: give it to somebody, after this long. */
  giveBack(delayMs: number): void;
}

type Decode<T> = (bytes: Uint8Array) => T;

/** One durable pull consumer. Nothing is prefetched: a message is taken when somebody is free for it. */
export class Pull<T> {
  #consumer: Consumer | undefined;

  constructor(
    private readonly connection: NatsConnection,
    private readonly stream: string,
    private readonly durable: string,
    private readonly filter: string,
    private readonly ackWaitMs: number,
    private readonly decode: Decode<T>,
    private readonly onUnreadable: (error: unknown) => void,
  ) {}

  /** The next message, or undefined when none came within `expiresMs`. @throws BROKER_UNAVAILABLE */
  async next(expiresMs: number): Promise<Delivery<T> | undefined> {
    try {
      this.#consumer ??= await this.#open();
      const message = await this.#consumer.next({ expires: Math.max(1000, expiresMs) });
      if (message === null) return undefined;
      return this.#deliver(message);
    } catch (error) {
      // The consumer may be gone with a broker that lost its disk; look for it anew next time.
      this.#consumer = undefined;
      throw asNodeError(error, 'BROKER_UNAVAILABLE');
    }
  }

  async #open(): Promise<Consumer> {
    const manager = await jetStreamManager(this.connection);
    const config = {
      durable_name: this.durable,
      filter_subject: this.filter,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: nanos(this.ackWaitMs),
      // Attempts are counted in the fence, where they survive the broker; the broker never gives up by itself.
      max_deliver: -1,
      max_ack_pending: 1000,
    };
    await manager.consumers
      .add(this.stream, config)
      .catch(() => manager.consumers.update(this.stream, this.durable, config));
    return await this.connection.jetstream().consumers.get(this.stream, this.durable);
  }

  #deliver(message: JsMsg): Delivery<T> | undefined {
    let value: T;
    try {
      value = this.decode(message.data);
    } catch (error) {
      // A message nobody can read would come back for ever.
      this.onUnreadable(error);
      message.term();
      return undefined;
    }
    return {
      value,
      deliveries: message.info.deliveryCount,
      working: () => message.working(),
      ack: async () => {
        await message.ackAck();
      },
      giveBack: (delayMs) => message.nak(delayMs),
    };
  }
}

/** The work queue of one kind; `inline` is the one in memory. */
export function pullJobs(
  connection: NatsConnection,
  kind: JobKind,
  queue: 'stored' | 'inline',
  ackWaitMs: number,
  onUnreadable: (error: unknown) => void,
): Pull<JobMessage> {
  const [stream, filter] =
    queue === 'stored' ? [STREAM.jobs, subject.job(kind)] : [STREAM.inline, subject.inlineJob(kind)];
  return new Pull(
    connection,
    stream,
    `workers-${kind}`,
    filter,
    ackWaitMs,
    (bytes) => fromBytes(jobMessage, bytes),
    onUnreadable,
  );
}

/** How jobs ended, shared by all API processes: each event is handled by one of them, at least once. */
export function pullEnded(
  connection: NatsConnection,
  onUnreadable: (error: unknown) => void,
): Pull<TerminalEvent> {
  return new Pull(
    connection,
    STREAM.ended,
    'api',
    'ended.*',
    30_000,
    (bytes) => fromBytes(terminalEvent, bytes),
    onUnreadable,
  );
}
