import { connect, Events, type JetStreamManager, type NatsConnection } from 'nats';
import { NodeError } from '../errors.js';
import type { Logger } from '../logging.js';

export interface BrokerOptions {
  readonly url: string;
  readonly token?: string | undefined;
  /** Program name shown in the server's connection list. */
  readonly name: string;
  readonly log: Logger;
}

/** How long a request to the broker may take before its outcome counts as unknown. */
export const BROKER_TIMEOUT_MS = 5000;

/**
 * Connects and keeps reconnecting for ever: a broker that is away is a state, not the end of the program.
 * @throws BROKER_UNAVAILABLE when the first connection fails.
 */
export async function connectBroker(options: BrokerOptions): Promise<NatsConnection> {
  let connection: NatsConnection;
  try {
    connection = await connect({
      servers: options.url,
      name: options.name,
      ...(options.token === undefined ? {} : { token: options.token }),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      reconnectJitter: 100,
      timeout: BROKER_TIMEOUT_MS,
      pingInterval: 5000,
      maxPingOut: 2,
    });
  } catch (error) {
    throw new NodeError('BROKER_UNAVAILABLE', `no NATS server answers at ${options.url}`, {
      cause: error,
      hint: 'Start one with JetStream (nats-server -js), or leave broker.url unset and use: npm start',
    });
  }
  void watchStatus(connection, options.log);
  return connection;
}

async function watchStatus(connection: NatsConnection, log: Logger): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === Events.Disconnect) log.warn('the broker is away; reconnecting');
    else if (status.type === Events.Reconnect) log.info('the broker is back');
  }
}

/** The manager of streams. @throws BROKER_NO_JETSTREAM */
export async function jetStreamManager(connection: NatsConnection): Promise<JetStreamManager> {
  try {
    return await connection.jetstreamManager({ timeout: BROKER_TIMEOUT_MS });
  } catch (error) {
    if (!isJetStreamMissing(error))
      throw new NodeError('BROKER_UNAVAILABLE', 'the broker does not answer', { cause: error });
    throw new NodeError('BROKER_NO_JETSTREAM', 'the NATS server runs without JetStream', {
      cause: error,
      hint: 'Start it with: nats-server -js',
    });
  }
}

function isJetStreamMissing(error: unknown): boolean {
  const text = String((error as Error).message);
  return text.includes('503') || text.toLowerCase().includes('jetstream not enabled');
}

/** True while messages can be sent. A publish made while this is false would be dropped silently. */
export class BrokerPresence {
  #here = true;

  constructor(connection: NatsConnection) {
    void this.#watch(connection);
  }

  get here(): boolean {
    return this.#here;
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === Events.Disconnect) this.#here = false;
      else if (status.type === Events.Reconnect) this.#here = true;
    }
    this.#here = false;
  }
}

/** Calls back each time the broker has come back after being away. */
export function onBrokerBack(connection: NatsConnection, handle: () => void): void {
  void (async () => {
    for await (const status of connection.status()) if (status.type === Events.Reconnect) handle();
  })();
}
