import { z } from 'zod';
import { NodeError } from '../errors.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A message as bytes. */
export function toBytes(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** Bytes as a message of the given schema. @throws REQUEST_INVALID */
export function fromBytes<T>(schema: z.ZodType<T>, bytes: Uint8Array): T {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (error) {
    throw new NodeError('REQUEST_INVALID', 'a message is not JSON', { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new NodeError('REQUEST_INVALID', z.prettifyError(parsed.error));
  return parsed.data;
}
