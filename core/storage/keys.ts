import { NodeError } from '../errors.js';

/** File types a result can have, by the ending of its key. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  webp: 'image/webp',
  mp4: 'video/mp4',
  wav: 'audio/wav',
  flac: 'audio/flac',
  m4a: 'audio/mp4',
};

const KEY = /^[a-z0-9][a-z0-9_-]*(\/[a-z0-9][a-z0-9_-]*)*\.[a-z0-9]+$/;

/** Every file of a job lies under this prefix, so that purging a job needs no list of its files. */
export function jobPrefix(jobId: string): string {
  return `${jobId}/`;
}

/** The key of one file of a job; the attempt is in it so that a fenced attempt overwrites nothing. */
export function resultKey(jobId: string, attempt: number, part: string, contentType: string): string {
  const ending = Object.entries(CONTENT_TYPES).find(([, type]) => type === contentType)?.[0];
  if (ending === undefined) throw new NodeError('INTERNAL', `no file ending is known for ${contentType}`);
  return `${jobPrefix(jobId)}${attempt}-${part}.${ending}`;
}

/** The content type that a key's ending stands for. */
export function contentTypeOf(key: string): string {
  return CONTENT_TYPES[key.slice(key.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
}

/** True for keys that a store takes: lower-case path parts and one ending, so never a way out of its folder. */
export function isKey(key: string): boolean {
  return key.length <= 200 && KEY.test(key);
}

/**
 * Refuses keys that are not of our form.
 *
 * @throws INTERNAL
 */
export function checkKey(key: string): void {
  if (!isKey(key)) throw new NodeError('INTERNAL', `"${key}" is not a key of the result store`);
}
