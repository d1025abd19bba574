import swagger from '@fastify/swagger';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import type { App } from '../routes/app.js';
import { API_ERRORS } from './api-errors.js';

/** Collects the routes added after it into the OpenAPI 3.1 document that `/openapi.json` serves. */
export async function registerOpenApi(app: App, publicUrl: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'ZSky AI Developer API',
        version: '1.0.0',
        description: 'Make images, and videos with synchronised sound, from a prompt.',
      },
      servers: [{ url: publicUrl }],
      components: {
        securitySchemes: { apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' } },
      },
      tags: [
        { name: 'Generate', description: 'Start an image or a video' },
        { name: 'Jobs', description: 'Follow, download and purge' },
        { name: 'Account', description: 'Usage, key and overage' },
        { name: 'Service', description: 'Health' },
      ],
    },
    transform: (route) => {
      const made = jsonSchemaTransform(route) as { schema: Record<string, unknown>; url: string };
      const secured = route.url.startsWith('/v1/') && made.schema.hide !== true;
      return secured ? { ...made, schema: { ...made.schema, security: [{ apiKey: [] }] } } : made;
    },
  });
  app.get('/errors.json', { schema: { hide: true } }, async () => API_ERRORS as never);
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    return (reply as unknown as { send(body: unknown): unknown }).send(app.swagger());
  });
}
