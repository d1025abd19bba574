import { asNodeError } from '../../core/errors.js';
import type { TerminalEvent } from '../../core/messages.js';
import { findJobState } from '../database/jobs.js';
import { endJob, type JobEnd } from '../database/settlement.js';
import { eraseJob, removeFiles } from '../jobs/cancel.js';
import type { Services } from '../services.js';
import { startLoop, type Loop } from './loop.js';

// Short, because stopping waits for it.
const WAIT_MS = 1000;
const RETRY_MS = 1000;

const FAILED_TEXT = 'The generation failed and was not charged. Please try again.';
const EXPIRED_TEXT = 'The job waited too long for a worker and was not charged. Please try again.';

/** What the database remembers of a terminal event. Its instant is ours: nodes' clocks may be off. */
function endOf(event: TerminalEvent, at: number): JobEnd {
  switch (event.outcome) {
    case 'completed': {
      const { seed, result, poster } = event;
      return { state: 'completed', at, charged: true, seed, result, poster };
    }
    case 'blocked':
      return {
        state: 'blocked',
        at,
        charged: true,
        errorCode: `blocked_${event.where}`,
        error: event.reason,
      };
    case 'failed': {
      // The node's message is for operators; it is in the log, not in front of the customer.
      const error = event.code === 'JOB_EXPIRED' ? EXPIRED_TEXT : FAILED_TEXT;
      return { state: 'failed', at, charged: false, errorCode: event.code, error };
    }
    case 'cancelled':
      return { state: 'cancelled', at, charged: event.started };
  }
}

/** Writes one terminal event down. Doing it again changes nothing. */
async function project(services: Services, event: TerminalEvent): Promise<void> {
  const { database, settings, store, log } = services;
  const before = await findJobState(database.read, event.jobId);
  // A zero-retention result is charged by the process that handed it over: if that died, it is not.
  if (before?.stored === 0 && event.outcome === 'completed') return;
  if (event.outcome === 'failed') {
    log.warn({ jobId: event.jobId, code: event.code, reason: event.message }, 'a job failed');
  }
  const job = await endJob(database, settings.limits, event.jobId, endOf(event, services.now()));
  if (job?.deleted === 1) {
    await eraseJob(services, event.jobId);
  } else if (job === undefined && event.outcome === 'completed' && before?.state !== 'completed') {
    // Purged or given up meanwhile: its bytes belong to nobody.
    await removeFiles(store, event.jobId);
  }
}

/** Writes down how jobs ended, each event once among all API processes. */
export function startEndedProjector(services: Services, onEnded: () => void): Loop {
  const { broker, log } = services;
  return startLoop('ended', RETRY_MS, log, async () => {
    if (!broker.here) return false;
    let delivery;
    try {
      delivery = await broker.nextEnded(WAIT_MS);
    } catch (error) {
      if (asNodeError(error).code === 'BROKER_UNAVAILABLE') return false;
      throw error;
    }
    if (delivery === undefined) return true;
    try {
      await project(services, delivery.value);
    } catch (error) {
      delivery.giveBack(RETRY_MS);
      throw error;
    }
    await delivery.ack();
    onEnded();
    return true;
  });
}
