import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { ApiError } from '../http/api-errors.js';
import { generateHeaders, generateImageBody, generateVideoBody, queuedJob } from '../http/schemas.js';
import { chooseSeed, submit, type Submission } from '../jobs/submit.js';
import type { InlineJobs } from '../jobs/inline.js';
import type { ApiKind } from '../metering/limits.js';
import type { Services } from '../services.js';
import { hasPrivateHost } from '../webhooks/private-address.js';
import type { App } from './app.js';
import { problems } from './problems.js';

type Headers = z.infer<typeof generateHeaders>;

/** `POST /v1/images/generate` and `POST /v1/videos/generate`. */
export function generateRoutes(app: App, services: Services, inline: InlineJobs): void {
  const answers = { 200: queuedJob, ...problems(409, 451, 503) };
  app.post(
    '/v1/images/generate',
    {
      schema: {
        summary: 'Create an image',
        tags: ['Generate'],
        headers: generateHeaders,
        body: generateImageBody,
        response: answers,
      },
    },
    async (request, reply) => {
      const { webhook_url: webhookUrl, seed, negative, ...rest } = request.body;
      const wanted = { kind: 'image' as const, ...rest, seed: seed ?? chooseSeed() };
      const job = negative === undefined || negative === '' ? wanted : { ...wanted, negative };
      await answer(services, inline, request, reply, job, webhookUrl);
    },
  );
  app.post(
    '/v1/videos/generate',
    {
      schema: {
        summary: 'Create a video with sound',
        tags: ['Generate'],
        headers: generateHeaders,
        body: generateVideoBody,
        response: answers,
      },
    },
    async (request, reply) => {
      const { webhook_url: webhookUrl, seed, ...rest } = request.body;
      const job = { kind: 'video' as const, ...rest, seed: seed ?? chooseSeed() };
      await answer(services, inline, request, reply, job, webhookUrl);
    },
  );
}

async function answer(
  services: Services,
  inline: InlineJobs,
  request: FastifyRequest,
  reply: FastifyReply,
  job: Submission['request'],
  webhookUrl: string | undefined,
): Promise<void> {
  if (
    webhookUrl !== undefined &&
    !services.settings.webhooksToPrivateAddresses &&
    hasPrivateHost(webhookUrl)
  ) {
    throw new ApiError('invalid_params', 'webhook_url: must be on the public internet');
  }
  const headers = request.headers as Headers;
  const submission: Submission = {
    caller: request.caller,
    request: job,
    call: [request.routeOptions.url, request.body],
    idempotencyKey: headers['idempotency-key'],
    webhookUrl,
  };
  if (headers['x-zsky-store'] === '0') await answerInline(inline, submission, reply);
  else await answerQueued(services, submission, reply);
}

async function answerQueued(services: Services, submission: Submission, reply: FastifyReply): Promise<void> {
  const { jobId, replayed } = await submit(services, submission);
  const kind: ApiKind = submission.request.kind;
  const pollUrl = `/v1/jobs/${jobId}`;
  if (replayed) void reply.header('idempotency-replayed', 'true');
  if (!replayed && !services.broker.isKindLive(kind)) {
    throw new ApiError(
      'workers_unavailable',
      'No worker is available right now. The job is queued; please check it shortly.',
      {
        headers: { 'retry-after': '30' },
        extra: { job_id: jobId, job_status: 'queued', kind, poll_url: pollUrl },
      },
    );
  }
  await reply.send({ job_id: jobId, status: 'queued', kind, poll_url: pollUrl });
}

async function answerInline(inline: InlineJobs, submission: Submission, reply: FastifyReply): Promise<void> {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  if (reply.raw.destroyed) gone.abort();
  const { jobId, result } = await inline.run(submission, gone.signal);
  await reply
    .headers({
      'content-type': result.contentType,
      'content-length': String(result.data.byteLength),
      'cache-control': 'no-store',
      'x-job-id': jobId,
      'x-seed': String(result.seed),
    })
    .send(Buffer.from(result.data.buffer, result.data.byteOffset, result.data.byteLength));
}
