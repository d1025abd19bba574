import { jobMessage } from '../../core/messages.js';
import { claimOutbox, hasOutbox, markSent, unclaimOutbox } from '../database/outbox.js';
import type { Services } from '../services.js';
import { startLoop, type Loop } from './loop.js';

const BATCH = 100;
/** Longer than a publish can take; after a crash the message waits this long for another process. */
const CLAIM_MS = 15_000;
const POLL_MS = 1000;

/**
 * Sends what the submitting transactions left in the outbox. A crash between sending and forgetting sends a
 * message twice; its id lets the broker drop the second, and after that the fence does.
 */
export function startOutboxPublisher(services: Pick<Services, 'database' | 'broker' | 'now' | 'log'>): Loop {
  const { database, broker, now, log } = services;
  return startLoop('outbox', POLL_MS, log, async () => {
    if (!broker.here || !(await hasOutbox(database, now()))) return false;
    const items = await claimOutbox(database, BATCH, now(), CLAIM_MS);
    const sent: string[] = [];
    const kept: string[] = [];
    await Promise.all(
      items.map(async ({ jobId, message }) => {
        try {
          await broker.publish(jobMessage.parse(JSON.parse(message)));
          sent.push(jobId);
        } catch {
          kept.push(jobId);
        }
      }),
    );
    if (sent.length > 0) await markSent(database, sent);
    if (kept.length > 0) await unclaimOutbox(database, kept);
    return kept.length === 0 && items.length === BATCH;
  });
}
