import Fastify from 'fastify';

/** The scale that the API is measured on: fastify answering a small JSON object, with nothing around it. */
const app = Fastify({ logger: false });
app.get('/', async () => ({ job_id: '0'.repeat(32), status: 'completed', kind: 'image' }));
const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`${url}\n`);
process.once('SIGTERM', () => process.exit(0));
