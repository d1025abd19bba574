import { fuzzRequests, type FuzzRequest, type OpenApi } from './requests.js';

export interface FuzzOptions {
  readonly url: string;
  /** The account that attacks. */
  readonly key: string;
  /** Another account's finished job, and words that only its owner may ever see. */
  readonly foreignJobId: string;
  readonly secrets: readonly string[];
  readonly requests: number;
  readonly seed: number;
  readonly parallel: number;
}

export interface FuzzReport {
  readonly sent: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** One line per answer that should not be; empty when all is well. */
  readonly findings: readonly string[];
}

/** An answer later than this is a hang: no operation of the fuzzed service takes long. */
const HANG_MS = 30_000;
/** A zero-retention call waits until its film is made, and a stream of events is as long as its job. */
const MAKING_MS = 600_000;
const waits = ({ headers, template }: FuzzRequest): boolean =>
  headers['x-zsky-store'] === '0' || template.endsWith('/events');
/** What the service may answer to any request, whatever the operation's own list says. */
const ALWAYS = new Set([400, 404]);

function describe(request: FuzzRequest): string {
  return `${request.method} ${request.path.slice(0, 120)} ${JSON.stringify(request.headers).slice(0, 120)} ${request.body?.slice(0, 160) ?? ''}`;
}

/** What is wrong with an answer; undefined when nothing is. */
function judge(
  request: FuzzRequest,
  status: number,
  type: string,
  text: string,
  options: FuzzOptions,
): string | undefined {
  const secret = options.secrets.find((each) => text.includes(each));
  if (secret !== undefined) return `leaks "${secret}" of another account`;
  if (status >= 500) return `answers ${status}: ${text.slice(0, 200)}`;
  if (!request.documented.includes(status) && !ALWAYS.has(status))
    return `answers ${status}, which is not documented`;
  if (status >= 400) {
    if (!type.includes('application/problem+json')) return `answers ${status} without problem+json (${type})`;
    const problem = JSON.parse(text) as Record<string, unknown>;
    if (
      typeof problem.code !== 'string' ||
      typeof problem.error !== 'string' ||
      typeof problem.request_id !== 'string'
    ) {
      return `answers ${status} with an incomplete problem: ${text.slice(0, 200)}`;
    }
  }
  return undefined;
}

/** Sends requests made from the service's own OpenAPI document and judges every answer. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { url, requests, seed, parallel } = options;
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApi;
  const queue = fuzzRequests(document, requests, seed);
  const byStatus: Record<string, number> = {};
  const findings: string[] = [];
  let key = options.key;
  let own = '0'.repeat(32);
  let sent = 0;

  async function send(request: FuzzRequest): Promise<void> {
    const path = request.path.replace('{own}', own).replace('{foreign}', options.foreignJobId);
    try {
      const response = await fetch(`${url}${path}`, {
        method: request.method,
        headers: {
          'x-api-key': key,
          ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...request.headers,
        },
        ...(request.body === undefined ? {} : { body: request.body }),
        signal: AbortSignal.timeout(waits(request) ? MAKING_MS : HANG_MS),
      });
      const text = await response.text();
      byStatus[response.status] = (byStatus[response.status] ?? 0) + 1;
      const finding = judge(
        request,
        response.status,
        response.headers.get('content-type') ?? '',
        text,
        options,
      );
      if (finding !== undefined) findings.push(`${finding} ← ${describe(request)}`);
      if (response.status === 200 && text.includes('"job_id"'))
        own = /"job_id":"([0-9a-f]{32})"/.exec(text)?.[1] ?? own;
      if (response.status === 200 && request.template === '/v1/keys/rotate') {
        key = (JSON.parse(text) as { api_key: string }).api_key;
      }
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
      findings.push(`no answer: ${String(error)}${cause} ← ${describe(request)}`);
    }
    sent += 1;
  }

  const workers = Array.from({ length: parallel }, async () => {
    for (let request = queue.shift(); request !== undefined; request = queue.shift()) await send(request);
  });
  await Promise.all(workers);
  return { sent, byStatus, findings };
}
