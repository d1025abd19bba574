import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { JobReader } from '../jobs/read-job.js';
import type { Services } from '../services.js';
import type { App } from './app.js';
import { problems } from './problems.js';

const KEEP_ALIVE_MS = 15_000;
/** The end is told by the broker, but the database may know it a moment later. */
const LOOK_AGAIN_MS = 200;
/** Also looked at without being told, should a message have been lost. */
const LOOK_ANYWAY_MS = 5000;
const END_ID = 'end';

function write(raw: ServerResponse, event: string, id: string | undefined, data: string): void {
  raw.write(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`);
}

/** `GET /v1/jobs/<id>/events`: progress as server-sent events, resumed with Last-Event-ID, until the end. */
export function jobEventRoutes(app: App, services: Services, reader: JobReader): void {
  const open = new Set<() => void>();
  app.addHook('preClose', async () => {
    for (const stop of open) stop();
  });
  app.get(
    '/v1/jobs/:id/events',
    {
      config: { uncounted: true },
      schema: {
        summary: 'Follow a job as server-sent events',
        description:
          'Events: `status` (the job as polling shows it), `progress`, and `end`, after which the stream closes.',
        tags: ['Jobs'],
        params: z.object({ id: z.string() }),
        response: {
          200: z.string().describe('text/event-stream'),
          204: z.null().describe('The end was already told: do not come back.'),
          ...problems(404),
        },
      },
    },
    async (request, reply) => {
      const accountId = request.caller.account.id;
      const { id } = request.params;
      const first = await reader.row(accountId, id);
      const lastId = request.headers['last-event-id'];
      // 204 is how a server tells an EventSource to stop coming back.
      if (lastId === END_ID && first.ended_at !== null) return (reply as FastifyReply).code(204).send();
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
        'x-request-id': request.id,
      });
      await follow(
        services,
        reader,
        accountId,
        id,
        raw,
        typeof lastId === 'string' ? lastId : undefined,
        open,
      );
      return reply;
    },
  );
}

async function follow(
  services: Services,
  reader: JobReader,
  accountId: string,
  id: string,
  raw: ServerResponse,
  lastId: string | undefined,
  open: Set<() => void>,
): Promise<void> {
  let wake = (): void => undefined;
  let stopped = false;
  let told = false;
  const stop = (): void => {
    stopped = true;
    wake();
  };
  open.add(stop);
  raw.once('close', stop);
  const sleep = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const sendProgress = (
    eventId: string,
    progress: { stage: string; step: number; steps: number; fraction: number },
  ) => {
    const { stage, step, steps, fraction } = progress;
    write(
      raw,
      'progress',
      eventId,
      JSON.stringify({ status: 'running', progress: { stage, step, steps, fraction } }),
    );
  };
  const unfollow = services.progress.follow(id, (event) => {
    if (event !== undefined) return sendProgress(event.id, event.progress);
    told = true;
    wake();
  });
  const keepAlive = setInterval(() => raw.write(': still here\n\n'), KEEP_ALIVE_MS);
  try {
    if (lastId === undefined) write(raw, 'status', undefined, await reader.answer(accountId, id));
    for (const event of services.progress.since(id, lastId)) {
      if (event.id !== lastId) sendProgress(event.id, event.progress);
    }
    while (!stopped) {
      const job = await reader.row(accountId, id);
      if (job.ended_at !== null) {
        write(raw, 'end', END_ID, await reader.answer(accountId, id));
        break;
      }
      await sleep(told ? LOOK_AGAIN_MS : LOOK_ANYWAY_MS);
    }
  } catch {
    // Purged while it was followed: there is nothing more to tell.
    write(raw, 'end', END_ID, JSON.stringify({ job_id: id, status: 'cancelled' }));
  } finally {
    clearInterval(keepAlive);
    unfollow();
    open.delete(stop);
    raw.end();
  }
}
