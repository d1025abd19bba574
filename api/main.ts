import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadSettings } from '../core/config/load.js';
import type { Settings } from '../core/config/settings.js';
import { asNodeError, NodeError } from '../core/errors.js';
import { createLogger, type Logger } from '../core/logging.js';
import { downloadSecret, openResultStore } from '../core/storage/open-store.js';
import { startEndedProjector } from './background/ended-projector.js';
import { startKeeper } from './background/keeper.js';
import type { Loop } from './background/loop.js';
import { OutboxPublisher } from './background/outbox-publisher.js';
import { startSweeper } from './background/sweeper.js';
import { startWebhookSender } from './background/webhook-sender.js';
import { NatsBroker } from './broker/nats-broker.js';
import { createFirstAccount } from './database/accounts.js';
import type { Database } from './database/database.js';
import { openDatabase } from './database/open.js';
import { databaseUrl } from './database/url.js';
import { buildServer } from './http/server.js';
import type { Clock, JobBroker } from './ports.js';
import { ProgressTracker } from './progress/tracker.js';
import type { App } from './routes/app.js';
import type { Services } from './services.js';

/** What a caller may put in place of the real pieces. */
export interface ApiDependencies {
  readonly log?: Logger;
  readonly now?: Clock;
}

/** A running API. */
export interface RunningApi {
  /** Base address it answers at, without a slash at the end. */
  readonly url: string;
  readonly publicUrl: string;
  /** The first key of an installation; it is shown now or never. */
  readonly firstKey: string | undefined;
  /** What the routes work with, for programs that administrate in the same process. */
  readonly services: Services;
  /** Resolves when the broker was reached for the first time. */
  brokerConnected(): Promise<void>;
  /** Answers what is under way, then stops. */
  close(): Promise<void>;
}

function makeDataFolder(settings: Settings): void {
  try {
    mkdirSync(settings.dataDir, { recursive: true });
  } catch (error) {
    throw new NodeError('DATA_FOLDER_UNWRITABLE', `the data folder ${settings.dataDir} cannot be made`, {
      cause: error,
      hint: 'Set ZSKY_DATA_DIR to a folder this user may write.',
    });
  }
}

async function listen(app: App, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new NodeError('PORT_TAKEN', `port ${port} of ${host} is in use by another program`, {
      cause: error,
      hint: 'Stop that program, or set ZSKY_API_PORT to a free port (0 takes any).',
    });
  }
}

/** Waits for answers under way; a kept-alive connection that falls idle meanwhile must not hold the end up. */
async function closeServer(app: App): Promise<void> {
  const timer = setInterval(() => app.server.closeIdleConnections(), 50);
  try {
    await app.close();
  } finally {
    clearInterval(timer);
  }
}

/** An address that a browser on this machine can open; an API for others needs `api.publicUrl`. */
function defaultUrl(host: string, port: number): string {
  if (host === '0.0.0.0' || host === '::') return `http://localhost:${port}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** A free port must be known before the links that carry it are signed. */
async function choosePort(settings: Settings): Promise<number> {
  const { host, port, publicUrl } = settings.api;
  if (port !== 0 || publicUrl !== undefined) return port;
  const { createServer } = await import('node:net');
  return new Promise((resolvePort, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, host, () => {
      const address = probe.address();
      probe.close(() => resolvePort(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function startBackground(services: Services): readonly Loop[] {
  const webhooks = startWebhookSender(services);
  const ended = startEndedProjector(services, () => webhooks.wake());
  return [ended, webhooks, startKeeper(services), startSweeper(services)];
}

function feedProgress(broker: JobBroker, progress: ProgressTracker, now: Clock): void {
  broker.onProgress((message) => progress.heard(message, now()));
  broker.onEnded((event) => progress.ended(event));
}

/**
 * Starts the API: database, store, broker connection, background work, HTTP. The broker may be away; then
 * submitting answers 503 until it is there.
 *
 * @throws PORT_TAKEN, DATA_FOLDER_UNWRITABLE, DATABASE_UNAVAILABLE, CONFIG_INVALID
 */
export async function startApi(settings: Settings, dependencies: ApiDependencies = {}): Promise<RunningApi> {
  const { log = createLogger('api', settings.log), now = Date.now } = dependencies;
  makeDataFolder(settings);
  const port = await choosePort(settings);
  const publicUrl = (settings.api.publicUrl ?? defaultUrl(settings.api.host, port)).replace(/\/$/, '');
  const store = openResultStore(settings, { publicUrl, now });
  const database = await openDatabase(databaseUrl(settings));
  const stack: (() => Promise<unknown>)[] = [() => database.close()];
  const closeAll = async (): Promise<void> => {
    for (const close of stack.reverse()) await close();
  };
  try {
    const url = settings.broker.url ?? `nats://127.0.0.1:${settings.broker.port}`;
    const broker = new NatsBroker({ ...settings.broker, url, log });
    stack.push(() => broker.close());
    const progress = new ProgressTracker();
    feedProgress(broker, progress, now);
    const outbox = new OutboxPublisher({ database, settings: settings.api, broker, now, log });
    stack.push(() => outbox.stop());
    const services: Services = {
      settings: settings.api,
      database,
      broker,
      store,
      progress,
      now,
      log,
      sendNow: (message) => outbox.sendNow(message),
      downloadSecret: downloadSecret(settings),
    };
    const loops = startBackground(services);
    stack.push(() => Promise.all(loops.map((loop) => loop.stop())));
    const app = await buildServer(services, publicUrl);
    stack.push(() => closeServer(app));
    const address = await listen(app, settings.api.host, port);
    const first = await createFirstAccount(database, 'first', now());
    log.info({ url: address, publicUrl, database: databaseKind(database) }, 'the API is listening');
    return {
      url: address,
      publicUrl,
      firstKey: first?.key,
      services,
      brokerConnected: () => broker.connected(),
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

function databaseKind(database: Database): string {
  return database.version() === undefined ? 'postgres' : 'sqlite';
}

/** Runs the API as a program of its own until SIGTERM or SIGINT. */
async function main(): Promise<void> {
  const settings = loadSettings(process.env);
  const api = await startApi(settings);
  if (api.firstKey !== undefined) {
    process.stdout.write(`API key, shown only this once: ${api.firstKey}\n`);
  }
  process.stdout.write(`ZSky API at ${api.publicUrl}\n`);
  const stop = (): void => {
    // The second signal finds the default action again and ends the program at once.
    process.off('SIGTERM', stop);
    process.off('SIGINT', stop);
    api.close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${asNodeError(error).message}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) {
  main().catch((error: unknown) => {
    const { message, code, hint } = asNodeError(error);
    process.stderr.write(`zsky api: ${message} [${code}]${hint === undefined ? '' : `\n${hint}`}\n`);
    process.exit(1);
  });
}
