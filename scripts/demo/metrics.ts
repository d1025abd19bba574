import { connectBroker } from '../../core/broker/connection.js';
import { Fence } from '../../core/broker/fence.js';
import { NodeError } from '../../core/errors.js';
import { createLogger } from '../../core/logging.js';
import type { JobMetrics } from '../../core/messages.js';

/** Where the time of a completed job went, as its executor told the broker. */
export async function metricsOf(brokerUrl: string, jobId: string): Promise<JobMetrics> {
  const log = createLogger('metrics', { level: 'silent', pretty: false });
  const connection = await connectBroker({ url: brokerUrl, name: 'metrics', log });
  try {
    const ended = await (await Fence.open(connection)).endedAs(jobId);
    if (ended?.outcome !== 'completed') throw new NodeError('INTERNAL', `job ${jobId} has not completed`);
    return ended.metrics;
  } finally {
    await connection.close();
  }
}
