import { asNodeError } from '../../core/errors.js';
import type { InlineResult } from '../../core/broker/inline-result.js';
import type { TerminalEvent } from '../../core/messages.js';
import { INLINE_DEADLINE_MS } from '../../core/subjects.js';
import { renewLeases } from '../database/jobs.js';
import { endJob } from '../database/settlement.js';
import { ApiError } from '../http/api-errors.js';
import type { Services } from '../services.js';
import { stopJob } from './cancel.js';
import { brokerAway, submit, type Submission } from './submit.js';

/** A caller's process that is gone is noticed this long after it last renewed. */
const LEASE_MS = 30_000;
const RENEW_EVERY_MS = 10_000;
/** How much longer than its deadline a job's end is waited for: a node may just be finishing. */
const GRACE_MS = 60_000;
/** Bytes are sent before the end is told; this is for messages that overtake each other. */
const LATE_BYTES_MS = 10_000;
/** A process that is asked to stop finishes what can be finished within this. */
const DRAIN_MS = 8000;

/** What a zero-retention call is answered with. */
export interface InlineAnswer {
  readonly jobId: string;
  readonly result: InlineResult;
}

/**
 * Zero data retention: holds the call open until the bytes arrive. The prompt goes to the memory-only queue
 * and nowhere else; the database learns only that a job of this kind was asked for and how it ended.
 */
export class InlineJobs {
  private readonly held = new Set<string>();
  private readonly renewal: NodeJS.Timeout;
  private readonly closing = new AbortController();

  constructor(private readonly services: Services) {
    this.renewal = setInterval(() => void this.renew(), RENEW_EVERY_MS);
    this.renewal.unref();
  }

  /** Makes the result and returns it; `gone` aborts when the caller hangs up. @throws ApiError */
  async run(submission: Submission, gone: AbortSignal): Promise<InlineAnswer> {
    const { services } = this;
    if (!services.broker.here) throw brokerAway();
    if (!services.broker.isKindLive(submission.request.kind)) {
      throw new ApiError(
        'workers_unavailable',
        'No worker is there for this kind, and a zero-retention request cannot be queued. Please retry shortly.',
        { headers: { 'retry-after': '30' } },
      );
    }
    const { jobId } = await submit(services, submission, { leaseMs: LEASE_MS });
    this.held.add(jobId);
    const inbox = services.broker.openInbox();
    const ended = this.nextEnd(jobId);
    const left = whenAborted(gone);
    const closing = whenAborted(this.closing.signal);
    try {
      await this.publish(jobId, submission, inbox.replyTo);
      const first = await Promise.race([
        inbox.result,
        ended.event,
        left.happened.then(() => 'aborted' as const),
        closing.happened.then(() => 'closing' as const),
        timeout(INLINE_DEADLINE_MS + GRACE_MS),
      ]);
      if (first === 'closing') {
        // Our restart is not the customer's doing: nothing is charged, whatever the node did already.
        await this.end(jobId, { state: 'failed', charged: false, errorCode: 'INTERNAL' });
        await stopJob(services, jobId);
        throw new ApiError(
          'generation_failed',
          'The service is restarting. Nothing was charged; please retry.',
        );
      }
      if (first === 'aborted' || first === 'timeout') {
        await stopJob(services, jobId);
        // The one who asked is gone, the account is not: the end decides what is charged.
        void this.settleLate(jobId, ended.event).finally(() => this.release(jobId, ended.stop));
        throw new ApiError('generation_failed', 'The request was given up before its result was there.');
      }
      const answer =
        'data' in first ? { jobId, result: first } : await this.afterEnd(jobId, first, inbox.result);
      await this.charge(jobId, answer.result.seed);
      this.release(jobId, ended.stop);
      return answer;
    } catch (error) {
      if (!gone.aborted) this.release(jobId, ended.stop);
      throw error;
    } finally {
      closing.forget();
      left.forget();
      inbox.close();
    }
  }

  /** Lets calls that are nearly done finish and ends the others. */
  async close(): Promise<void> {
    const deadline = performance.now() + DRAIN_MS;
    while (this.held.size > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    clearInterval(this.renewal);
    this.closing.abort();
  }

  private async publish(jobId: string, submission: Submission, replyTo: string): Promise<void> {
    const { services } = this;
    const now = services.now();
    try {
      await services.broker.publish({
        version: 1,
        jobId,
        submittedAt: new Date(now).toISOString(),
        expiresAt: new Date(now + INLINE_DEADLINE_MS).toISOString(),
        request: submission.request,
        delivery: { mode: 'inline', replyTo },
      });
    } catch (error) {
      services.log.warn({ jobId, code: asNodeError(error).code }, 'a zero-retention job could not be queued');
      // Whether the broker has it is unknown: nobody waits for it any more, so it must not be made.
      await stopJob(services, jobId);
      await this.end(jobId, { state: 'failed', charged: false, errorCode: 'BROKER_UNAVAILABLE' });
      throw brokerAway();
    }
  }

  /** The end came before the bytes, or instead of them. */
  private async afterEnd(
    jobId: string,
    event: TerminalEvent,
    bytes: Promise<InlineResult>,
  ): Promise<InlineAnswer> {
    if (event.outcome === 'completed') {
      const result = await Promise.race([bytes, timeout(LATE_BYTES_MS)]);
      if (result !== 'timeout') return { jobId, result };
    }
    if (event.outcome === 'blocked') {
      throw new ApiError('result_blocked', event.reason, {
        extra: { job_id: jobId, category: event.category },
      });
    }
    if (event.outcome === 'cancelled') {
      throw new ApiError('job_deleted', 'The job was deleted before its result was there.', {
        extra: { job_id: jobId },
      });
    }
    throw new ApiError(
      'generation_failed',
      'The result could not be made. Nothing was charged; please retry.',
      {
        extra: { job_id: jobId },
      },
    );
  }

  private async settleLate(jobId: string, ended: Promise<TerminalEvent>): Promise<void> {
    const event = await Promise.race([ended, timeout(INLINE_DEADLINE_MS)]);
    if (event !== 'timeout' && event.outcome === 'completed') await this.charge(jobId, event.seed);
  }

  private charge(jobId: string, seed: number): Promise<unknown> {
    return this.end(jobId, { state: 'completed', charged: true, seed });
  }

  private end(jobId: string, end: Omit<Parameters<typeof endJob>[3], 'at'>): Promise<unknown> {
    const { database, settings, now } = this.services;
    return endJob(database, settings.limits, jobId, { ...end, at: now() });
  }

  private release(jobId: string, stopListening: () => void): void {
    this.held.delete(jobId);
    stopListening();
  }

  private nextEnd(jobId: string): { event: Promise<TerminalEvent>; stop: () => void } {
    let stop = (): void => undefined;
    const event = new Promise<TerminalEvent>((resolve) => {
      stop = this.services.broker.onEnded((each) => {
        if (each.jobId === jobId) resolve(each);
      });
    });
    return { event, stop };
  }

  private async renew(): Promise<void> {
    if (this.held.size === 0) return;
    const { database, now, log } = this.services;
    try {
      await renewLeases(database, [...this.held], now() + LEASE_MS);
    } catch (error) {
      log.error({ err: error }, 'the leases of zero-retention jobs could not be renewed');
    }
  }
}

/** `forget` matters where the signal outlives the wait: it would keep every waiter for good. */
function whenAborted(signal: AbortSignal): { happened: Promise<void>; forget: () => void } {
  let abort = (): void => undefined;
  const happened = new Promise<void>((resolve) => {
    abort = resolve;
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', abort, { once: true });
  });
  return { happened, forget: () => signal.removeEventListener('abort', abort) };
}

function timeout(ms: number): Promise<'timeout'> {
  return new Promise((resolve) => setTimeout(() => resolve('timeout'), ms).unref());
}
