import { headers, type NatsConnection } from 'nats';
import { asNodeError } from '../errors.js';
import type { JobMessage, TerminalEvent } from '../messages.js';
import { subject } from '../subjects.js';
import { BROKER_TIMEOUT_MS } from './connection.js';
import { toBytes } from './json.js';

async function publish(connection: NatsConnection, to: string, message: unknown, id: string): Promise<void> {
  try {
    await connection.jetstream({ timeout: BROKER_TIMEOUT_MS }).publish(to, toBytes(message), { msgID: id });
  } catch (error) {
    throw asNodeError(error, 'BROKER_UNAVAILABLE');
  }
}

/**
 * Puts a job into its work queue. Publishing the same job again is harmless: the broker drops it within
 * its duplicate window, and after that the fence ends it at once.
 * @throws BROKER_UNAVAILABLE when the broker did not confirm; whether it has the job is then unknown.
 */
export async function publishJob(connection: NatsConnection, job: JobMessage): Promise<void> {
  const to =
    job.delivery.mode === 'inline' ? subject.inlineJob(job.request.kind) : subject.job(job.request.kind);
  await publish(connection, to, job, job.jobId);
}

/** Tells the API how a job ended. @throws BROKER_UNAVAILABLE */
export async function publishEnded(connection: NatsConnection, event: TerminalEvent): Promise<void> {
  await publish(connection, subject.ended(event.jobId), event, `ended-${event.jobId}`);
}

/** Keeps a job that ran out of attempts for an operator to look at. Never used for inline jobs. */
export async function publishDead(
  connection: NatsConnection,
  job: JobMessage,
  reason: string,
): Promise<void> {
  const note = headers();
  note.set('Zsky-Reason', reason);
  try {
    await connection
      .jetstream({ timeout: BROKER_TIMEOUT_MS })
      .publish(subject.dead(job.request.kind), toBytes(job), { msgID: `dead-${job.jobId}`, headers: note });
  } catch (error) {
    throw asNodeError(error, 'BROKER_UNAVAILABLE');
  }
}
