import { z } from 'zod';
import { answers } from '../database/ping.js';
import type { Services } from '../services.js';
import type { App } from './app.js';

const health = z.strictObject({
  status: z.enum(['ok', 'degraded']),
  database: z.boolean(),
  broker: z.boolean(),
  workers: z.strictObject({ image: z.boolean(), video: z.boolean() }),
});

/** `GET /healthz`: 200 while jobs can be accepted, 503 otherwise, saying which piece is missing. */
export function healthRoutes(app: App, { database, broker }: Services): void {
  app.get(
    '/healthz',
    { schema: { summary: 'Health', tags: ['Service'], response: { 200: health, 503: health } } },
    async (_request, reply) => {
      const alive = await answers(database);
      const here = broker.here;
      const body = {
        status: alive && here ? ('ok' as const) : ('degraded' as const),
        database: alive,
        broker: here,
        workers: { image: here && broker.isKindLive('image'), video: here && broker.isKindLive('video') },
      };
      return reply.code(body.status === 'ok' ? 200 : 503).send(body);
    },
  );
}
