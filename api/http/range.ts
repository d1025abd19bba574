import type { ByteRange } from '../../core/storage/store.js';

/**
 * The byte range a Range header asks for (RFC 9110, 14.2). Undefined means the whole file, also for several
 * ranges at once and for units we do not know, which a server may ignore.
 */
export function parseRange(
  header: string | undefined,
  totalBytes: number,
): ByteRange | undefined | 'unsatisfiable' {
  const found = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (found === null) return undefined;
  const [, first, last] = found;
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const suffix = Number(last);
    if (suffix === 0) return 'unsatisfiable';
    return { start: Math.max(0, totalBytes - suffix), end: totalBytes - 1 };
  }
  const start = Number(first);
  if (start >= totalBytes) return 'unsatisfiable';
  const end = last === '' ? totalBytes - 1 : Math.min(Number(last), totalBytes - 1);
  return end < start ? undefined : { start, end };
}
