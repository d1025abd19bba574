import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { asNodeError } from '../../core/errors.js';
import { listJobs, purgeJob } from '../database/jobs.js';
import { ApiError } from '../http/api-errors.js';
import { jobBody as jobBodySchema, jobList, jobListQuery } from '../http/schemas.js';
import { endUnstarted, eraseJob, stopJob } from '../jobs/cancel.js';
import { jobBody } from '../jobs/job-body.js';
import { jobNotFound, type JobReader } from '../jobs/read-job.js';
import { RETENTION_MS } from '../jobs/retention.js';
import type { Services } from '../services.js';
import type { App } from './app.js';
import { problems } from './problems.js';

const params = z.object({ id: z.string() });

/** `GET /v1/jobs/<id>`, `DELETE /v1/jobs/<id>` and the list that the console shows. */
export function jobRoutes(app: App, services: Services, reader: JobReader): void {
  app.get(
    '/v1/jobs/:id',
    {
      config: { uncounted: true },
      schema: {
        summary: 'Poll job status, get a signed result URL',
        tags: ['Jobs'],
        params,
        response: { 200: jobBodySchema, ...problems(404) },
      },
    },
    (request, plainReply) => {
      // The body is built as text, once for all polls of one second.
      const reply = plainReply as FastifyReply;
      const { id } = request.params;
      const accountId = request.caller.account.id;
      void reply.header('content-type', 'application/json; charset=utf-8');
      const cached = reader.cachedAnswer(accountId, id);
      if (cached !== undefined) {
        reply.send(cached);
        return;
      }
      reader.answer(accountId, id).then(
        (text) => reply.send(text),
        (error: unknown) => reply.send(error),
      );
    },
  );

  app.delete(
    '/v1/jobs/:id',
    {
      schema: {
        summary: 'Purge the result from storage; cancels a job that has not ended',
        tags: ['Jobs'],
        params,
        response: { 204: z.null().describe('Gone.'), ...problems(404) },
      },
    },
    async (request, reply) => {
      await purge(services, request.caller.account.id, request.params.id);
      await reply.code(204).send(null);
    },
  );

  app.get(
    '/v1/jobs',
    {
      config: { uncounted: true },
      schema: {
        summary: 'Your jobs of the last 7 days, newest first',
        tags: ['Jobs'],
        querystring: jobListQuery,
        response: { 200: jobList, ...problems() },
      },
    },
    async (request) => {
      const { limit, before } = request.query;
      const rows = await listJobs(services.database.read, request.caller.account.id, limit, before);
      const kept = rows.filter((job) => (job.ended_at ?? Infinity) + RETENTION_MS > services.now());
      const jobs = await Promise.all(
        kept.map(async (job) => ({ ...(await jobBody(services, job)), ...promptOf(job.request) })),
      );
      return rows.length === limit ? { jobs, next: rows[rows.length - 1].seq } : { jobs };
    },
  );
}

function promptOf(request: string | null): { prompt?: string } {
  return request === null ? {} : { prompt: (JSON.parse(request) as { prompt: string }).prompt };
}

async function purge(services: Services, accountId: string, jobId: string): Promise<void> {
  const finding = await purgeJob(services.database, accountId, jobId, services.now());
  if (finding === 'missing') throw jobNotFound();
  if (finding === 'unsent') await endUnstarted(services, jobId);
  if (finding === 'active') await stopJob(services, jobId);
  try {
    // A job that still runs keeps its row until its executor has stopped; then the rest goes too.
    await eraseJob(services, jobId);
  } catch (error) {
    services.log.error(
      { jobId, code: asNodeError(error).code },
      'the bytes of a purged job could not be removed yet',
    );
    throw new ApiError(
      'storage_unavailable',
      'The job is gone; its file will be deleted as soon as storage answers.',
    );
  }
}
