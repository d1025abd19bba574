import { randomBytes } from 'node:crypto';
import Fastify, { type FastifyError } from 'fastify';
import { Authenticator } from '../auth/authenticate.js';
import { InlineJobs } from '../jobs/inline.js';
import { JobReader } from '../jobs/read-job.js';
import { accountRoutes } from '../routes/account.js';
import type { App } from '../routes/app.js';
import { downloadRoutes } from '../routes/download.js';
import { generateRoutes } from '../routes/generate.js';
import { healthRoutes } from '../routes/health.js';
import { jobEventRoutes } from '../routes/job-events.js';
import { jobRoutes } from '../routes/jobs.js';
import type { Services } from '../services.js';
import { ApiError } from './api-errors.js';
import { registerOpenApi } from './openapi.js';
import { problemHandler, sendProblem } from './problem.js';
import { registerPages } from './static-files.js';
import { answerUnreadable } from './unreadable.js';
import { validateWithZod } from './validation.js';

/** The longest valid body is a prompt and a negative prompt of 2000 characters, escaped. */
const BODY_LIMIT_BYTES = 64 * 1024;

/** Ids that differ between processes and cost nothing. */
function requestIds(): () => string {
  const process = randomBytes(5).toString('hex');
  let count = 0;
  return () => `req_${process}${(count += 1).toString(36)}`;
}

/** The HTTP side of the API, not yet listening. */
export async function buildServer(services: Services, publicUrl: string): Promise<App> {
  const nextId = requestIds();
  const app: App = Fastify({
    logger: false,
    genReqId: nextId,
    bodyLimit: BODY_LIMIT_BYTES,
    routerOptions: { maxParamLength: 500 },
    // Requests that hold the connection (events, zero retention) must not be cut by a timeout.
    requestTimeout: 0,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    clientErrorHandler: (error, socket) => answerUnreadable(error, socket, nextId()),
    frameworkErrors: (error, request, reply) => {
      problemHandler(services.log)(error, request, reply);
    },
  });
  app.removeContentTypeParser('text/plain');
  app.setValidatorCompiler(validateWithZod as never);
  app.setSerializerCompiler(() => (body) => JSON.stringify(body));
  app.setErrorHandler<FastifyError>(problemHandler(services.log));
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      request,
      reply,
      new ApiError('not_found', `There is nothing at ${request.method} ${pathOf(request.url)}.`),
    ),
  );
  app.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id);
    done();
  });
  app.decorateRequest('caller', null as never);

  await registerOpenApi(app, publicUrl);
  healthRoutes(app, services);
  registerPages(app);
  if (services.downloadSecret !== undefined) downloadRoutes(app, services, services.downloadSecret);
  const inline = new InlineJobs(services);
  const reader = new JobReader(services);
  await app.register(async (plain) => {
    const v1 = plain as unknown as App;
    v1.addHook('onRequest', new Authenticator(services).hook);
    generateRoutes(v1, services, inline);
    jobRoutes(v1, services, reader);
    jobEventRoutes(v1, services, reader);
    accountRoutes(v1, services);
  });
  app.addHook('preClose', () => inline.close());
  return app;
}

function pathOf(url: string): string {
  return url.split('?')[0].slice(0, 200);
}
