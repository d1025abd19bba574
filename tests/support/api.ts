import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApi, type RunningApi } from '../../api/main.js';
import { createAccount } from '../../api/database/accounts.js';
import { parseSettings } from '../../core/config/load.js';
import { createLogger } from '../../core/logging.js';

/** The API in this process, in a data folder of its own, with a clock that a test may set. */
export interface TestApi {
  readonly api: RunningApi;
  readonly dataDir: string;
  /** Moves the API's clock; it runs on from there. */
  travelTo(at: number): void;
  now(): number;
  /** A new account with its key. */
  newAccount(name?: string): Promise<{ readonly key: string; readonly accountId: string }>;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  close(): Promise<void>;
}

export interface CallOptions {
  readonly key?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; undefined when it is not JSON. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests read bodies as they come
  readonly json: any;
}

/** Starts the API for a test; `settings` is laid over a private data folder and a free port. */
export async function startTestApi(
  brokerUrl: string,
  settings: { api?: object; storage?: object } = {},
): Promise<TestApi> {
  const dataDir = await mkdtemp(join(tmpdir(), 'zsky-api-'));
  let offset = 0;
  const now = (): number => Date.now() + offset;
  const api = await startApi(
    parseSettings({
      dataDir,
      broker: { url: brokerUrl },
      storage: settings.storage ?? {},
      api: { port: 0, ...settings.api },
    }),
    { log: createLogger('api', { level: (process.env.TEST_LOG as 'info') ?? 'silent', pretty: false }), now },
  );
  await api.brokerConnected();
  return {
    api,
    dataDir,
    now,
    travelTo: (at) => (offset = at - Date.now()),
    newAccount: (name = 'test') => createAccount(api.services.database, name, now()),
    call: (method, path, options) => call(api.url, method, path, options),
    async close() {
      await api.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** One request; a body that is not a string is sent as JSON. */
export async function call(
  base: string,
  method: string,
  path: string,
  { key, body, headers = {}, signal }: CallOptions = {},
): Promise<Answer> {
  const response = await fetch(path.startsWith('http') ? path : `${base}${path}`, {
    method,
    headers: {
      ...(key === undefined ? {} : { 'x-api-key': key }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, headers: response.headers, text, json };
}

/** Asks until the answer is there. */
export async function until<T>(ask: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}
