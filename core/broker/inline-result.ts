import { createInbox, headers, type NatsConnection } from 'nats';
import { z } from 'zod';
import { asNodeError, NodeError } from '../errors.js';
import { fromBytes, toBytes } from './json.js';

/**
 * Bytes of a zero-retention result on their way from the daemon to the waiting API process: chunks over core
 * NATS, which never touches a disk. Each chunk is a request, so the sender goes at the reader's pace and
 * learns at once when nobody is waiting any more.
 */
const CHUNK_BYTES = 512 * 1024;
const CHUNK_TIMEOUT_MS = 10_000;

const facts = z.object({ contentType: z.string(), bytes: z.number().int(), seed: z.number().int() });
type InlineFacts = z.infer<typeof facts>;

export interface InlineResult extends InlineFacts {
  readonly data: Uint8Array;
}

/** Sends a result to a waiting reader. @throws STORAGE_UNAVAILABLE when nobody takes it. */
export async function sendInline(
  connection: NatsConnection,
  replyTo: string,
  result: InlineResult,
): Promise<void> {
  try {
    for (let offset = 0; offset < result.data.length || offset === 0; offset += CHUNK_BYTES) {
      const head = headers();
      head.set(
        'Zsky-Facts',
        new TextDecoder().decode(
          toBytes({ contentType: result.contentType, bytes: result.bytes, seed: result.seed }),
        ),
      );
      head.set('Zsky-Offset', String(offset));
      await connection.request(replyTo, result.data.subarray(offset, offset + CHUNK_BYTES), {
        headers: head,
        timeout: CHUNK_TIMEOUT_MS,
      });
    }
  } catch (error) {
    throw asNodeError(error, 'STORAGE_UNAVAILABLE');
  }
}

/** A place where one inline result can arrive. */
export interface InlineInbox {
  readonly replyTo: string;
  readonly result: Promise<InlineResult>;
  close(): void;
}

/** Opens an inbox before the job is published, so that no chunk can come too early. */
export function openInlineInbox(connection: NatsConnection): InlineInbox {
  const replyTo = createInbox();
  let buffer: Uint8Array | undefined;
  let received = 0;
  let settle: { resolve: (result: InlineResult) => void; reject: (error: unknown) => void };
  const result = new Promise<InlineResult>((resolve, reject) => (settle = { resolve, reject }));
  // The job's end may be learnt another way; an unread rejection must not end the process.
  result.catch(() => undefined);
  const subscription = connection.subscribe(replyTo, {
    callback: (error, message) => {
      if (error !== null) return settle.reject(error);
      try {
        const about = fromBytes(facts, new TextEncoder().encode(message.headers?.get('Zsky-Facts')));
        const offset = Number(message.headers?.get('Zsky-Offset'));
        // A new attempt starts again at the beginning.
        if (offset === 0 || buffer?.length !== about.bytes) {
          buffer = new Uint8Array(about.bytes);
          received = 0;
        }
        if (offset !== received)
          throw new NodeError('INTERNAL', 'a chunk of an inline result is out of order');
        buffer.set(message.data, offset);
        received += message.data.length;
        message.respond();
        if (received === about.bytes) settle.resolve({ ...about, data: buffer });
      } catch (failure) {
        settle.reject(failure);
      }
    },
  });
  return { replyTo, result, close: () => subscription.unsubscribe() };
}
