import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RETRY_AFTER_MS, sendDueWebhooks } from '../../api/background/webhook-sender.js';
import { findWebhook } from '../../api/database/webhooks.js';
import { postWebhook } from '../../api/webhooks/post.js';
import { startTestApi, until, type Answer, type CallOptions, type TestApi } from '../support/api.js';
import { startBroker, type PrivateBroker } from '../support/broker.js';
import { startStandInNode, type StandInNode } from '../support/stand-in-node.js';

let broker: PrivateBroker;
let api: TestApi;
let node: StandInNode;
let key: string;

beforeAll(async () => {
  broker = await startBroker();
  api = await startTestApi(broker.url, { api: { webhooksToPrivateAddresses: true } });
  node = await startStandInNode({ brokerUrl: broker.url, store: api.api.services.store });
});
beforeEach(async () => {
  node.script = async () => 'complete';
  ({ key } = await api.newAccount());
});
afterAll(async () => {
  await node?.stop();
  await api?.close();
  await broker?.stop();
});

const image = (body: object = {}, options: CallOptions = {}): Promise<Answer> =>
  api.call('POST', '/v1/images/generate', { key, body: { prompt: 'a lighthouse', ...body }, ...options });
const job = async (id: string) => (await api.call('GET', `/v1/jobs/${id}`, { key })).json;
const usedImages = async () => (await api.call('GET', '/v1/usage', { key })).json.images_used;
const ended = (id: string) =>
  until(async () => {
    const state = await job(id);
    return !['queued', 'running'].includes(state.status) && state;
  });

describe('Idempotency-Key', () => {
  const headers = { 'idempotency-key': 'order-1' };

  it('makes one job of many calls, in parallel and later', async () => {
    const together = await Promise.all([1, 2, 3, 4].map(() => image({}, { headers })));
    const ids = new Set(together.map((answer) => answer.json.job_id));
    expect(together.map((answer) => answer.status)).toEqual([200, 200, 200, 200]);
    expect(ids.size).toBe(1);
    await ended([...ids][0]);
    const later = await image({}, { headers });
    expect(later.headers.get('idempotency-replayed')).toBe('true');
    expect(ids.has(later.json.job_id)).toBe(true);
    expect(await usedImages()).toBe(1);
  });

  it("is refused for a different call, and is an account's own", async () => {
    await image({}, { headers });
    expect((await image({ seed: 5 }, { headers })).json.code).toBe('idempotency_key_reused');
    const video = await api.call('POST', '/v1/videos/generate', {
      key,
      body: { prompt: 'a lighthouse' },
      headers,
    });
    expect(video.json.code).toBe('idempotency_key_reused');
    const other = (await api.newAccount()).key;
    expect((await image({ seed: 5 }, { headers, key: other })).status).toBe(200);
    expect((await image({}, { headers: { 'idempotency-key': 'x'.repeat(256) } })).status).toBe(400);
  });

  it('cannot give zero-retention bytes twice, nor make them twice', async () => {
    const inline = { headers: { ...headers, 'x-zsky-store': '0' } };
    expect((await image({}, inline)).status).toBe(200);
    expect((await image({}, inline)).json.code).toBe('idempotency_key_reused');
    expect(await usedImages()).toBe(1);
  });
});

describe('GET /v1/jobs/<id>/events', () => {
  interface Event {
    readonly event: string;
    readonly id: string | undefined;
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests read bodies as they come
    readonly data: any;
  }

  /** Reads a stream to its end, or until a test has seen enough. */
  async function events(id: string, lastId?: string, enough?: (event: Event) => boolean): Promise<Event[]> {
    const response = await fetch(`${api.api.url}/v1/jobs/${id}/events`, {
      headers: { 'x-api-key': key, ...(lastId === undefined ? {} : { 'last-event-id': lastId }) },
    });
    if (response.status === 204) return [];
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const seen: Event[] = [];
    let buffer = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body!) {
      buffer += decoder.decode(chunk as Uint8Array, { stream: true });
      for (let at = buffer.indexOf('\n\n'); at >= 0; at = buffer.indexOf('\n\n')) {
        const block = buffer.slice(0, at);
        buffer = buffer.slice(at + 2);
        if (block.startsWith(':')) continue;
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
        const event = {
          event: field('event') ?? '',
          id: field('id'),
          data: JSON.parse(field('data') ?? 'null'),
        };
        seen.push(event);
        if (enough?.(event) === true) {
          return seen;
        }
      }
    }
    return seen;
  }

  it('streams progress as it happens and ends with the finished job', async () => {
    let finish = (): void => undefined;
    node.script = async (_job, tools) => {
      tools.progress(0.1);
      tools.progress(0.2);
      await new Promise<void>((resolve) => (finish = resolve));
      tools.progress(0.9);
      return 'complete';
    };
    const { job_id: id } = (await image()).json;
    await until(async () => (await job(id)).progress?.fraction === 0.2);
    const stream = events(id);
    const resumed = await events(id, undefined, (event) => event.event === 'progress');
    expect(resumed.map((event) => event.event)).toEqual(['status', 'progress']);
    const lastId = resumed.at(-1)?.id ?? '';
    const rest = events(id, lastId);
    await until(async () => api.api.services.progress.latest(id) !== undefined);
    finish();
    const seen = await stream;
    expect(seen[0]).toMatchObject({ event: 'status', data: { status: 'running' } });
    expect(seen.at(-1)).toMatchObject({ event: 'end', id: 'end', data: { status: 'completed' } });
    expect(
      seen.filter((event) => event.event === 'progress').map((event) => event.data.progress.fraction),
    ).toEqual([0.2, 0.9]);
    const after = await rest;
    expect(after.map((event) => event.event)).toEqual(['progress', 'end']);
    expect(await events(id, 'end')).toEqual([]);
    expect((await events(id)).at(-1)?.event).toBe('end');
  });

  it('ends when the job is purged', async () => {
    node.script = async (_job, { cancelled }) => (await cancelled, 'complete');
    const { job_id: id } = (await image()).json;
    await until(async () => node.taken.some((taken) => taken.jobId === id));
    const stream = events(id);
    await api.call('DELETE', `/v1/jobs/${id}`, { key });
    expect((await stream).at(-1)).toMatchObject({ event: 'end', data: { status: 'cancelled' } });
  });
});

describe('webhooks', () => {
  let server: Server;
  let url: string;
  let status = 200;
  const received: { headers: IncomingMessage['headers']; body: string }[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      void text(request).then((body) => {
        received.push({ headers: request.headers, body });
        response.writeHead(status, status === 302 ? { location: url } : {}).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  });
  beforeEach(() => {
    received.length = 0;
    status = 200;
  });
  afterAll(() => server.close());

  it('tell how a job ended, signed by the Standard Webhooks scheme', async () => {
    const { webhook_secret: secret } = (await api.call('GET', '/v1/account', { key })).json;
    const { job_id: id } = (await image({ webhook_url: url })).json;
    await until(async () => received.length > 0);
    const { headers, body } = received[0];
    const signed = `${headers['webhook-id'] as string}.${headers['webhook-timestamp'] as string}.${body}`;
    const expected = createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
      .update(signed)
      .digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${expected}`);
    expect(headers['webhook-id']).toBe(`msg_${id}`);
    const message = JSON.parse(body);
    expect(message).toMatchObject({ type: 'job.completed', data: { job_id: id, status: 'completed' } });
    expect((await fetch(message.data.result_url)).status).toBe(200);
    await until(async () => (await findWebhook(api.api.services.database, id))?.state === 'delivered');
  });

  it('are tried again with growing pauses and the same id, and never hold up the job', async () => {
    status = 500;
    const { database } = api.api.services;
    const { job_id: id } = (await image({ webhook_url: url })).json;
    expect((await ended(id)).status).toBe('completed');
    for (let tries = 1; tries <= RETRY_AFTER_MS.length; tries += 1) {
      const webhook = await until(async () => {
        const found = await findWebhook(database, id);
        return found?.attempts === tries && found;
      });
      expect(webhook).toMatchObject({ state: 'due', last_error: 'the receiver answered 500' });
      expect(webhook.next_at - api.now()).toBeGreaterThan(RETRY_AFTER_MS[tries - 1] - 4000);
      api.travelTo(webhook.next_at);
      await sendDueWebhooks(api.api.services);
    }
    await until(async () => (await findWebhook(database, id))?.state === 'given-up');
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(received).toHaveLength(RETRY_AFTER_MS.length + 1);
  });

  it('do not follow redirects and refuse private addresses, also behind names', async () => {
    status = 302;
    expect(await postWebhook(url, '{}', {}, true)).toBe(302);
    expect(received).toHaveLength(1);
    for (const address of [url, 'http://localhost:1/', 'http://[::1]:1/', 'http://10.0.0.1/']) {
      await expect(postWebhook(address, '{}', {}, false), address).rejects.toThrow(/private/);
    }
    // A public-looking name that resolves to this machine, as a rebinding attacker's would.
    const named = url.replace('127.0.0.1', 'localhost.localdomain');
    await expect(postWebhook(named, '{}', {}, false)).rejects.toThrow(/private|ENOTFOUND|EAI_AGAIN/);
    expect(received).toHaveLength(1);
  });

  it('are refused at the door when the URL itself is private or not http', async () => {
    const strict = await startTestApi(broker.url);
    const { key: other } = await strict.newAccount();
    for (const bad of [
      'http://127.0.0.1/',
      'http://169.254.169.254/latest',
      'ftp://example.com/',
      'nonsense',
    ]) {
      const body = { prompt: 'a lighthouse', webhook_url: bad };
      const answer = await strict.call('POST', '/v1/images/generate', { key: other, body });
      expect(answer.json, bad).toMatchObject({ status: 400, code: 'invalid_params' });
      expect(answer.json.error).toMatch(/webhook_url/i);
    }
    await strict.close();
  });
});

describe('X-ZSky-Store: 0', () => {
  it('cancels the job when the caller hangs up', async () => {
    let stopped = false;
    node.script = async (_job, { cancelled }) => {
      await cancelled;
      stopped = true;
      return 'complete';
    };
    const hangUp = new AbortController();
    const before = node.taken.length;
    const waiting = image({}, { headers: { 'x-zsky-store': '0' }, signal: hangUp.signal });
    waiting.catch(() => undefined);
    await until(async () => node.taken.length > before);
    hangUp.abort();
    await expect(waiting).rejects.toThrow();
    await until(async () => stopped);
    await until(async () => (await api.call('GET', '/v1/account', { key })).json.active_jobs.used === 0);
  });

  it('tells the caller when the job is deleted meanwhile', async () => {
    node.script = async (_job, { cancelled }) => (await cancelled, 'complete');
    const before = node.taken.length;
    const waiting = image({}, { headers: { 'x-zsky-store': '0' } });
    await until(async () => node.taken.length > before);
    const { jobId } = node.taken[before];
    expect((await api.call('DELETE', `/v1/jobs/${jobId}`, { key })).status).toBe(204);
    expect((await waiting).json).toMatchObject({ status: 409, code: 'job_deleted', job_id: jobId });
    node.script = async () => 'complete';
  });

  it('leaves no listener behind, however many calls there were', async () => {
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', note);
    for (let n = 0; n < 12; n += 1) {
      expect((await image({}, { headers: { 'x-zsky-store': '0' } })).status).toBe(200);
    }
    await new Promise(setImmediate);
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  it('gives back what a dead API process had reserved once its lease runs out', async () => {
    node.script = async (_job, { cancelled }) => (await cancelled, 'complete');
    const { services } = api.api;
    const { admit } = await import('../../api/database/admission.js');
    const { keepOrder } = await import('../../api/background/keeper.js');
    const { accountId, key: other } = await api.newAccount();
    const createdAt = api.now();
    const dead = { id: 'd'.repeat(32), accountId, kind: 'image' as const, message: undefined };
    await admit(services.database, services.settings.limits, {
      ...dead,
      createdAt,
      expiresAt: createdAt + 1e6,
      leaseUntil: createdAt + 30_000,
    });
    const used = async () => (await api.call('GET', '/v1/usage', { key: other })).json.images_used;
    await keepOrder(services);
    expect(await used()).toBe(1);
    api.travelTo(createdAt + 31_000);
    await keepOrder(services);
    expect(await used()).toBe(0);
  });
});

describe('the service', () => {
  it('serves its OpenAPI 3.1 document, made from the schemas that validate', async () => {
    const { json } = await api.call('GET', '/openapi.json');
    expect(json.openapi).toBe('3.1.0');
    expect(Object.keys(json.paths)).toEqual(
      expect.arrayContaining([
        '/v1/images/generate',
        '/v1/videos/generate',
        '/v1/jobs/{id}',
        '/v1/usage',
        '/v1/keys/rotate',
      ]),
    );
    const body = json.paths['/v1/images/generate'].post.requestBody.content['application/json'].schema;
    expect(body.properties.width).toMatchObject({
      type: 'integer',
      minimum: 256,
      maximum: 2048,
      default: 1024,
    });
    expect(body.additionalProperties).toBe(false);
    expect(body.required).toEqual(['prompt']);
  });

  it('answers what reaches no route as it answers everything else', async () => {
    const long = await api.call('GET', `/v1/jobs?before=${'x'.repeat(20_000)}`, { key });
    expect(long.json).toMatchObject({ status: 431, code: 'headers_too_large' });
    expect(long.headers.get('content-type')).toBe('application/problem+json');
    expect(long.json.request_id).toBe(long.headers.get('x-request-id'));
    const { hostname, port } = new URL(api.api.url);
    const socket = connect(Number(port), hostname);
    socket.write('no request at all\r\n\r\n');
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*"code":"invalid_params"/);
    expect((await api.call('GET', '/healthz')).status).toBe(200);
  });

  it('tells its health', async () => {
    const { status, json } = await api.call('GET', '/healthz');
    expect(status).toBe(200);
    expect(json).toEqual({
      status: 'ok',
      database: true,
      broker: true,
      workers: { image: true, video: true },
    });
  });

  it('tells the place in the queue', async () => {
    node.script = async (_job, { cancelled }) => (await cancelled, 'complete');
    const first = (await image()).json.job_id;
    const second = (await image()).json.job_id;
    const positions = [(await job(first)).queue_position, (await job(second)).queue_position];
    expect(positions[1]).toBe(positions[0] + 1);
    for (const id of [first, second]) await api.call('DELETE', `/v1/jobs/${id}`, { key });
  });
});
