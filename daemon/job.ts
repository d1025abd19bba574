import { mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { NatsConnection } from 'nats';
import { readFile } from 'node:fs/promises';
import type { Fence, Claim } from '../core/broker/fence.js';
import { sendInline } from '../core/broker/inline-result.js';
import { publishDead, publishEnded } from '../core/broker/publish.js';
import type { Delivery } from '../core/broker/pull.js';
import { sendProgress } from '../core/broker/signals.js';
import { asNodeError, NodeError, type ErrorCode } from '../core/errors.js';
import type { Logger } from '../core/logging.js';
import type { JobMessage, StoredMedia, TerminalEvent } from '../core/messages.js';
import type { Released } from '../core/released.js';
import { resultKey } from '../core/storage/keys.js';
import type { ResultStore } from '../core/storage/store.js';
import { admit } from '../safety/gate.js';
import { AtMostEvery } from './at-most-every.js';
import type { ExecutorHost, JobProgress } from './executor-host.js';
import { REPORT_EVERY_MS, type ExecutorOutcome } from './executor/protocol.js';

/**
 * The story of a job on a node, from delivery to acknowledgement:
 *
 *   1. Claim. The fence gives this attempt its number and shuts out every earlier one.
 *   2. Run in the executor. The message is kept alive only by the executor's own progress.
 *   3. Store the released bytes under a key of this attempt.
 *   4. Commit: the fence takes the terminal event, unless a newer attempt or a cancel came first.
 *   5. Publish the terminal event.
 *   6. Acknowledge.
 *
 * A crash after any line leads to a redelivery that goes on from what the fence says: before 4 the job runs
 * anew, after 4 only 5 and 6 are left. The result of an attempt that lost is removed.
 */
export interface JobContext {
  readonly connection: NatsConnection;
  readonly fence: Fence;
  readonly store: ResultStore;
  readonly log: Logger;
  readonly nodeId: string;
  readonly maxAttempts: number;
  readonly stageBudgetMs: number;
  readonly ackWaitMs: number;
  readonly scratchRoot: string;
}

/** How a delivery was dealt with; `retry` goes back to the broker. */
export type JobEnd = 'ended' | 'retry' | 'fenced';

const RETRY_DELAYS_MS = [500, 2000, 5000, 15_000, 30_000];
/** Memory-backed folder for films that must not touch a disk. */
const MEMORY_FOLDER = '/dev/shm';

export async function runDelivery(
  context: JobContext,
  host: ExecutorHost,
  delivery: Delivery<JobMessage>,
): Promise<JobEnd> {
  const job = delivery.value;
  const log = context.log.child({ jobId: job.jobId, kind: job.request.kind });
  let claim: Claim | undefined;
  try {
    claim = await context.fence.claim(job.jobId);
    const ended = claim.ended ?? (await attempt(context, host, delivery, claim, log));
    await publishEnded(context.connection, ended);
    await delivery.ack();
    log.info({ outcome: ended.outcome, attempt: ended.attempt }, 'job ended');
    return 'ended';
  } catch (error) {
    const known = asNodeError(error);
    if (known.code === 'FENCED') {
      // Another attempt owns the job, or a cancel won: the next delivery, here or elsewhere, ends it.
      delivery.giveBack(0);
      log.warn({ attempt: claim?.attempt }, 'this attempt was fenced off');
      return 'fenced';
    }
    log.warn(
      { code: known.code, err: known.message, attempt: claim?.attempt },
      'attempt failed; giving the job back',
    );
    delivery.giveBack(RETRY_DELAYS_MS[Math.min(delivery.deliveries, RETRY_DELAYS_MS.length) - 1]);
    return 'retry';
  }
}

/** Runs one attempt and commits how it ended. @throws any retryable error, FENCED */
async function attempt(
  context: JobContext,
  host: ExecutorHost,
  delivery: Delivery<JobMessage>,
  claim: Claim,
  log: Logger,
): Promise<TerminalEvent> {
  const job = delivery.value;
  const about = () => ({
    jobId: job.jobId,
    attempt: claim.attempt,
    at: new Date().toISOString(),
    nodeId: context.nodeId,
  });
  const fail = async (code: ErrorCode, message: string): Promise<TerminalEvent> => {
    const event: TerminalEvent = { outcome: 'failed', ...about(), code, message };
    if (job.delivery.mode === 'store') await publishDead(context.connection, job, `${code}: ${message}`);
    await context.fence.commit(claim, event);
    return event;
  };
  if (claim.cancelled) {
    const event: TerminalEvent = { outcome: 'cancelled', ...about(), started: claim.attempt > 1 };
    await context.fence.commit(claim, event);
    return event;
  }
  if (Date.parse(job.expiresAt) < Date.now())
    return await fail('JOB_EXPIRED', 'the job waited longer than its deadline');
  if (claim.attempt > context.maxAttempts) {
    return await fail(
      'ATTEMPTS_EXHAUSTED',
      `the job was started ${context.maxAttempts} times and never finished`,
    );
  }

  log.info({ attempt: claim.attempt }, 'job started');
  const inline = job.delivery.mode === 'inline';
  const scratchDir = await mkdtemp(
    join(inline && existsSync(MEMORY_FOLDER) ? MEMORY_FOLDER : context.scratchRoot, 'zsky-job-'),
  );
  const stored: StoredMedia[] = [];
  try {
    const result = await runInExecutor(context, host, delivery, claim, scratchDir);
    switch (result.outcome) {
      case 'error': {
        const known = new NodeError(result.code as ErrorCode, result.message);
        if (known.disposition === 'poison') await host.kill();
        if (known.disposition === 'retry' || known.disposition === 'poison') {
          if (claim.attempt < context.maxAttempts) throw known;
          return await fail(
            'ATTEMPTS_EXHAUSTED',
            `the last of ${context.maxAttempts} attempts ended with ${known.code}: ${known.message}`,
          );
        }
        return await fail(known.code, known.message);
      }
      case 'blocked': {
        const event: TerminalEvent = { outcome: 'blocked', ...about(), ...result.refusal };
        await context.fence.commit(claim, event);
        return event;
      }
      case 'cancelled': {
        // The fence knows of the cancel since before the executor was told.
        const now = await context.fence.claim(job.jobId);
        if (now.ended !== undefined) return now.ended;
        const event: TerminalEvent = {
          outcome: 'cancelled',
          ...about(),
          attempt: now.attempt,
          started: true,
        };
        await context.fence.commit(now, event);
        return event;
      }
      case 'produced': {
        const media = result.media.map(({ part, pass }) => ({ part, released: admit(pass, host.passKey) }));
        if (job.delivery.mode === 'inline')
          await deliverInline(context, job.delivery.replyTo, job.request.seed, media[0].released);
        else {
          for (const { part, released } of media) {
            const key = resultKey(job.jobId, claim.attempt, part, released.facts.contentType);
            await context.store.put(key, released);
            stored.push({ ...released.facts, key });
          }
        }
        delivery.working();
        const event: TerminalEvent = {
          outcome: 'completed',
          ...about(),
          seed: job.request.seed,
          ...(stored.length > 0 ? { result: stored[0] } : {}),
          ...(stored.length > 1 ? { poster: stored[1] } : {}),
          metrics: result.metrics,
        };
        await context.fence.commit(claim, event);
        return event;
      }
    }
  } catch (error) {
    if (asNodeError(error).code === 'FENCED')
      await Promise.allSettled(stored.map(({ key }) => context.store.remove(key)));
    throw error;
  } finally {
    await rm(scratchDir, { recursive: true, force: true });
  }
}

/** Keeps the message alive while the executor makes progress, and passes the progress on. */
async function runInExecutor(
  context: JobContext,
  host: ExecutorHost,
  delivery: Delivery<JobMessage>,
  claim: Claim,
  scratchDir: string,
): Promise<ExecutorOutcome> {
  const { jobId } = delivery.value;
  // A stage may take longer than the ack wait; until its budget is over the executor counts as working.
  const alive = setInterval(() => delivery.working(), context.ackWaitMs / 3);
  // Every report wakes a broker, the API and whoever follows the job, on cores that the job itself may need.
  const reports = new AtMostEvery(REPORT_EVERY_MS, (progress: JobProgress) => {
    const { stage, step, steps, fraction } = progress;
    sendProgress(context.connection, { jobId, attempt: claim.attempt, stage, step, steps, fraction });
  });
  try {
    return await host.run({
      job: delivery.value,
      scratchDir,
      stageBudgetMs: context.stageBudgetMs,
      onProgress: (progress) => reports.say(progress),
    });
  } finally {
    clearInterval(alive);
    reports.stop();
  }
}

async function deliverInline(
  context: JobContext,
  replyTo: string,
  seed: number,
  released: Released,
): Promise<void> {
  const { source, facts } = released;
  const data = source.type === 'memory' ? source.data : await readFile(source.path);
  await sendInline(context.connection, replyTo, {
    contentType: facts.contentType,
    bytes: data.length,
    seed,
    data,
  });
}
