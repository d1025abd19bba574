import { jobMessage, type JobMessage } from '../../core/messages.js';
import { claimOutbox, hasOutbox, markSent, unclaimOutbox, type OutboxItem } from '../database/outbox.js';
import { giveUp } from '../jobs/cancel.js';
import type { Services } from '../services.js';
import { startLoop, type Loop } from './loop.js';

const BATCH = 100;
/** Longer than a publish can take; after a crash the message waits this long for another sender. */
export const CLAIM_MS = 15_000;
const POLL_MS = 1000;
/** Forgetting what was sent costs a commit; many share one. */
const FORGET_AFTER_MS = 100;

/**
 * Sends what the submitting transactions left in the outbox. A submit claims its own message for this process,
 * which sends it at once from memory; what is left by a crash or an absent broker is found by looking. A crash
 * between sending and forgetting sends a message twice; its id lets the broker drop the second, and after that
 * the fence does.
 */
export class OutboxPublisher {
  private readonly loop: Loop;
  private readonly sending = new Set<Promise<void>>();
  private sent: string[] = [];
  private forgetting: NodeJS.Timeout | undefined;

  constructor(private readonly services: Pick<Services, 'database' | 'settings' | 'broker' | 'now' | 'log'>) {
    this.loop = startLoop('outbox', POLL_MS, services.log, () => this.sendLeftovers());
  }

  /** Sends a message that its submit has claimed for this process. */
  sendNow(message: JobMessage): void {
    const sending = this.send(message).finally(() => this.sending.delete(sending));
    this.sending.add(sending);
  }

  async stop(): Promise<void> {
    await this.loop.stop();
    await Promise.all(this.sending);
    clearTimeout(this.forgetting);
    await this.forget();
  }

  private async send(message: JobMessage): Promise<void> {
    const { broker, database, log } = this.services;
    try {
      await broker.publish(message);
      this.sent.push(message.jobId);
      this.forgetting ??= setTimeout(() => void this.forget(), FORGET_AFTER_MS);
    } catch {
      await unclaimOutbox(database, [message.jobId]).catch((error: unknown) => {
        // The claim runs out by itself.
        log.error({ err: error }, 'a message that was not sent could not be given back');
      });
    }
  }

  private async forget(): Promise<void> {
    this.forgetting = undefined;
    const ids = this.sent.splice(0);
    if (ids.length === 0) return;
    await markSent(this.services.database, ids).catch((error: unknown) => {
      this.services.log.error({ err: error }, 'sent messages could not be forgotten and will be sent again');
    });
  }

  private async sendLeftovers(): Promise<boolean> {
    const { database, broker, now } = this.services;
    if (!broker.here || !(await hasOutbox(database, now()))) return false;
    const items = await claimOutbox(database, BATCH, now(), CLAIM_MS);
    await Promise.all(items.map((item) => this.sendLeftover(item)));
    return items.length === BATCH;
  }

  /** A message that nobody can read, as one of another version may be, must not keep the others waiting. */
  private async sendLeftover({ jobId, message }: OutboxItem): Promise<void> {
    const { database, log } = this.services;
    const readable = readMessage(message);
    if (readable !== undefined) return this.send(readable);
    log.error({ jobId }, 'a job whose message cannot be read is failed and given back');
    await giveUp(this.services, jobId, 'INTERNAL');
    await markSent(database, [jobId]);
  }
}

function readMessage(text: string): JobMessage | undefined {
  try {
    return jobMessage.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
