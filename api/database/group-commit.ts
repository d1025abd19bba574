import { sql, type Kysely } from 'kysely';
import type { Schema, Tx } from './schema.js';

interface Waiting {
  readonly work: (tx: Tx) => Promise<unknown>;
  readonly durable: boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** More would make the first of a batch wait too long for its answer. */
const MAX_BATCH = 50;

/**
 * Puts the transactions that arrive together into one, each in a savepoint of its own, so that they share
 * the one wait for the disk. Nobody's promise resolves before that commit, which waits for the disk if any of
 * them asks for it.
 */
export class GroupCommit {
  private readonly queue: Waiting[] = [];
  private draining: Promise<void> | undefined;

  constructor(
    private readonly writer: Kysely<Schema>,
    /** Says whether the next commit waits for the disk. */
    private readonly setDurable: (durable: boolean) => void,
  ) {}

  run<T>(work: (tx: Tx) => Promise<T>, durable: boolean): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.queue.push({ work, durable, resolve: resolve as (value: unknown) => void, reject });
      this.draining ??= this.drain();
    });
  }

  /** Resolves when nothing is waiting to be written. */
  async idle(): Promise<void> {
    while (this.draining !== undefined) await this.draining;
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0) {
      // One turn of the event loop lets requests that came in together join the batch.
      await new Promise(setImmediate);
      const batch = this.queue.splice(0, MAX_BATCH);
      const done: (() => void)[] = [];
      try {
        this.setDurable(batch.some(({ durable }) => durable));
        await this.writer.connection().execute(async (connection) => {
          await this.commit(connection as unknown as Tx, batch, done);
        });
        for (const settle of done) settle();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    // In the same step that saw the queue empty, so that no arrival can fall between.
    this.draining = undefined;
  }

  private async commit(tx: Tx, batch: readonly Waiting[], done: (() => void)[]): Promise<void> {
    await sql`BEGIN IMMEDIATE`.execute(tx);
    try {
      for (const { work, resolve, reject } of batch) {
        await sql`SAVEPOINT unit`.execute(tx);
        try {
          const value = await work(tx);
          done.push(() => resolve(value));
        } catch (error) {
          await sql`ROLLBACK TO unit`.execute(tx);
          done.push(() => reject(error));
        }
        await sql`RELEASE unit`.execute(tx);
      }
      await sql`COMMIT`.execute(tx);
    } catch (error) {
      await sql`ROLLBACK`.execute(tx).catch(() => undefined);
      throw error;
    }
  }
}
