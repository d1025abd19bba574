import { createHash, randomBytes, randomInt } from 'node:crypto';
import type { GenerateRequest, JobMessage } from '../../core/messages.js';
import { INLINE_DEADLINE_MS, JOB_DEADLINE_MS } from '../../core/subjects.js';
import type { Caller } from '../auth/authenticate.js';
import { refuseSuspended } from '../auth/authenticate.js';
import { CLAIM_MS } from '../background/outbox-publisher.js';
import { admit, findIdempotentCall, type IdempotentCall } from '../database/admission.js';
import { recordRefusal } from '../database/attempts.js';
import { ApiError } from '../http/api-errors.js';
import type { LimitRefusal } from '../metering/decide.js';
import type { ApiKind } from '../metering/limits.js';
import type { Services } from '../services.js';

/** A generate call that was validated. */
export interface Submission {
  readonly caller: Caller;
  readonly request: Extract<GenerateRequest, { kind: ApiKind }>;
  /** The call as the customer made it: what an Idempotency-Key stands for. */
  readonly call: unknown;
  readonly idempotencyKey: string | undefined;
  readonly webhookUrl: string | undefined;
}

/** Seeds we choose are short enough to be typed. */
export function chooseSeed(): number {
  return randomInt(2 ** 32);
}

const REPLAY_TEXT = 'This Idempotency-Key was used for a different call, or its result was not kept.';

function limitText({ code, limit }: LimitRefusal, kind: ApiKind): string {
  const plural = kind === 'video' ? 'videos' : 'images';
  switch (code) {
    case 'monthly_allowance_reached':
      return `The monthly allowance of ${limit} ${plural} is used and overage is off.`;
    case 'overage_budget_reached':
      return `The monthly allowance is used, and so is the overage budget of ${limit} cents.`;
    case 'daily_cap_reached':
      return `The daily cap of ${limit} ${plural} is reached; it resets at 00:00 UTC.`;
    case 'concurrent_jobs_limit':
      return `${limit} jobs are already waiting or running.`;
    case 'burst_limit':
      return `More than ${limit} requests in a minute.`;
  }
}

function limitError(refusal: LimitRefusal, kind: ApiKind, now: number): ApiError {
  const seconds = String(Math.max(1, Math.ceil((refusal.retryAt - now) / 1000)));
  return new ApiError(refusal.code, limitText(refusal, kind), {
    headers: {
      'retry-after': seconds,
      'ratelimit-limit': String(refusal.limit),
      'ratelimit-remaining': '0',
      'ratelimit-reset': seconds,
    },
  });
}

/** Refuses a prompt that a node's check refuses. @throws ApiError prompt_blocked */
async function checkAtTheDoor({ services, submission }: Door): Promise<void> {
  const { request, caller } = submission;
  const negative = request.kind === 'image' ? request.negative : undefined;
  const question = { prompt: request.prompt, ...(negative === undefined ? {} : { negative }) };
  const verdict = await services.broker.checkPrompt(question);
  if (verdict === undefined || verdict.allowed) return;
  await recordRefusal(services.database, caller.account.id, services.now());
  throw new ApiError('prompt_blocked', verdict.reason, { extra: { category: verdict.category } });
}

interface Door {
  readonly services: Services;
  readonly submission: Submission;
}

/** What a submission became. */
export interface Admitted {
  readonly jobId: string;
  readonly replayed: boolean;
}

/**
 * Takes a submission through the door: broker there, not a repeat, prompt allowed, allowance and limits. What
 * is admitted is on disk. `inline` jobs leave nothing of the prompt in the database; the caller publishes.
 *
 * @throws ApiError
 */
export async function submit(
  services: Services,
  submission: Submission,
  inline?: { readonly leaseMs: number },
): Promise<Admitted> {
  const { caller, request, idempotencyKey } = submission;
  const fingerprint =
    inline === undefined ? createHash('sha256').update(JSON.stringify(submission.call)).digest('hex') : null;
  const replay = (previous: IdempotentCall): Admitted => {
    if (fingerprint === null || previous.fingerprint !== fingerprint) {
      throw new ApiError('idempotency_key_reused', REPLAY_TEXT);
    }
    return { jobId: previous.jobId, replayed: true };
  };
  if (idempotencyKey !== undefined) {
    const previous = await findIdempotentCall(services.database.read, caller.account.id, idempotencyKey);
    if (previous !== undefined) return replay(previous);
  }
  if (!services.broker.here) throw brokerAway();
  await checkAtTheDoor({ services, submission });

  const createdAt = services.now();
  const jobId = randomBytes(16).toString('hex');
  const expiresAt = createdAt + (inline === undefined ? JOB_DEADLINE_MS : INLINE_DEADLINE_MS);
  const message = inline === undefined ? storedJob(jobId, request, createdAt, expiresAt) : undefined;
  const admission = await admit(services.database, services.settings.limits, {
    id: jobId,
    accountId: caller.account.id,
    kind: request.kind,
    message,
    claimedUntil: createdAt + CLAIM_MS,
    createdAt,
    expiresAt,
    leaseUntil: inline === undefined ? undefined : createdAt + inline.leaseMs,
    idempotency: idempotencyKey === undefined ? undefined : { key: idempotencyKey, fingerprint },
    webhookUrl: submission.webhookUrl,
  });
  switch (admission.outcome) {
    case 'admitted':
      if (message !== undefined) services.sendNow(message);
      return { jobId, replayed: false };
    case 'replayed':
      return replay(admission.previous);
    case 'suspended':
      refuseSuspended(admission.account, createdAt);
      throw new ApiError('key_suspended', 'This API key is suspended.');
    case 'limited':
      throw limitError(admission.refusal, request.kind, createdAt);
  }
}

/** The answer while nothing can be queued. */
export function brokerAway(): ApiError {
  return new ApiError('broker_unavailable', 'Jobs cannot be queued right now. Nothing was charged.', {
    headers: { 'retry-after': '5' },
  });
}

function storedJob(
  jobId: string,
  request: GenerateRequest,
  createdAt: number,
  expiresAt: number,
): JobMessage {
  return {
    version: 1,
    jobId,
    submittedAt: new Date(createdAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
    request,
    delivery: { mode: 'store' },
  };
}
