import type { KV, NatsConnection } from 'nats';
import { z } from 'zod';
import { asNodeError, NodeError } from '../errors.js';
import { terminalEvent, type TerminalEvent } from '../messages.js';
import { FENCE_BUCKET } from '../subjects.js';
import { fromBytes, toBytes } from './json.js';

/**
 * The fence of a job: one key that says how often the job was started, whether its owner wants it stopped,
 * and how it ended. Every change is a compare-and-set on the key's revision, which gives the two promises
 * the node is built on:
 *
 *   - A job that was started twice commits once: a second start changes the revision, so the first one's
 *     commit is refused.
 *   - A cancel either wins before the commit or comes too late; never both.
 *
 *   (nothing) ──claim──▶ started ──claim──▶ started (attempt + 1) ──commit──▶ ended
 *        └───cancel──▶ cancelling ──claim──▶ (the claimer ends it as cancelled)
 */
const fenceRecord = z.object({
  attempt: z.number().int().min(0),
  cancel: z.boolean(),
  ended: terminalEvent.optional(),
});
type FenceRecord = z.infer<typeof fenceRecord>;

interface Held {
  readonly record: FenceRecord;
  readonly revision: number;
}

/** One start of one job, as the worker holds it. */
export interface Claim {
  readonly jobId: string;
  readonly attempt: number;
  /** The job's owner has asked for it to be stopped. */
  readonly cancelled: boolean;
  /** Set when an earlier attempt already ended the job; the event only needs publishing again. */
  readonly ended: TerminalEvent | undefined;
  readonly revision: number;
}

/** `never-started`: no attempt was made, and none can be made any more. */
export type CancelOutcome = 'asked' | 'never-started' | 'already-ended';

const CAS_TRIES = 20;

export class Fence {
  private constructor(private readonly kv: KV) {}

  static async open(connection: NatsConnection): Promise<Fence> {
    return new Fence(await connection.jetstream().views.kv(FENCE_BUCKET, { bindOnly: true }));
  }

  /** Takes the job for a new attempt, fencing every earlier one. @throws BROKER_UNAVAILABLE */
  async claim(jobId: string): Promise<Claim> {
    for (let i = 0; i < CAS_TRIES; i++) {
      const held = await this.#read(jobId);
      if (held?.record.ended !== undefined) {
        const { record, revision } = held;
        return { jobId, attempt: record.attempt, cancelled: record.cancel, ended: record.ended, revision };
      }
      const record: FenceRecord = {
        attempt: (held?.record.attempt ?? 0) + 1,
        cancel: held?.record.cancel ?? false,
      };
      const revision = await this.#write(jobId, record, held);
      if (revision !== undefined)
        return { jobId, attempt: record.attempt, cancelled: record.cancel, ended: undefined, revision };
    }
    throw new NodeError('BROKER_UNAVAILABLE', `the fence of job ${jobId} could not be taken`);
  }

  /**
   * Ends the job, if this claim is still the newest and nobody cancelled it. Asked again after a lost
   * answer, it recognises its own write.
   * @throws FENCED when another attempt or a cancel came first.
   */
  async commit(claim: Claim, ended: TerminalEvent): Promise<void> {
    const next: FenceRecord = { attempt: claim.attempt, cancel: claim.cancelled, ended };
    const held = { record: next, revision: claim.revision };
    if ((await this.#write(claim.jobId, next, held)) !== undefined) return;
    const now = await this.#read(claim.jobId);
    if (now?.record.ended !== undefined && sameEvent(now.record.ended, ended)) return;
    throw new NodeError('FENCED', `job ${claim.jobId} was taken by another attempt or cancelled`);
  }

  /** Asks for the job to be stopped, whether or not it has started. @throws BROKER_UNAVAILABLE */
  async cancel(jobId: string): Promise<CancelOutcome> {
    for (let i = 0; i < CAS_TRIES; i++) {
      const held = await this.#read(jobId);
      if (held?.record.ended !== undefined) return 'already-ended';
      if (held?.record.cancel === true) return cancelOutcome(held.record);
      const record: FenceRecord = { attempt: held?.record.attempt ?? 0, cancel: true };
      if ((await this.#write(jobId, record, held)) !== undefined) return cancelOutcome(record);
    }
    throw new NodeError('BROKER_UNAVAILABLE', `the fence of job ${jobId} could not be set`);
  }

  /** How the job ended, if it has. @throws BROKER_UNAVAILABLE */
  async endedAs(jobId: string): Promise<TerminalEvent | undefined> {
    return (await this.#read(jobId))?.record.ended;
  }

  async #read(jobId: string): Promise<Held | undefined> {
    try {
      const entry = await this.kv.get(jobId);
      if (entry === null || entry.operation !== 'PUT') return undefined;
      return { record: fromBytes(fenceRecord, entry.value), revision: entry.revision };
    } catch (error) {
      throw asNodeError(error, 'BROKER_UNAVAILABLE');
    }
  }

  /** The new revision, or undefined when somebody else wrote first. */
  async #write(jobId: string, record: FenceRecord, held: Held | undefined): Promise<number | undefined> {
    try {
      const bytes = toBytes(record);
      return held === undefined
        ? await this.kv.create(jobId, bytes)
        : await this.kv.update(jobId, bytes, held.revision);
    } catch (error) {
      if (isConflict(error)) return undefined;
      throw asNodeError(error, 'BROKER_UNAVAILABLE');
    }
  }
}

function cancelOutcome(record: FenceRecord): CancelOutcome {
  return record.attempt === 0 ? 'never-started' : 'asked';
}

/** 10071: wrong last sequence, the server's answer to a lost compare-and-set. */
function isConflict(error: unknown): boolean {
  return (error as { api_error?: { err_code?: number } }).api_error?.err_code === 10071;
}

function sameEvent(a: TerminalEvent, b: TerminalEvent): boolean {
  return a.outcome === b.outcome && a.attempt === b.attempt && a.nodeId === b.nodeId && a.at === b.at;
}
