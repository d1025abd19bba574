import type { EncodeOptions, Encoding } from './tokenizer.js';

/** Cuts ids to the asked length, puts the start and end marks around them and fills up where asked. */
export function finish(
  body: readonly number[],
  marks: {
    readonly startId?: number | undefined;
    readonly endId?: number | undefined;
    readonly padId: number;
  },
  { maxLength, pad }: EncodeOptions,
): Encoding {
  const start = marks.startId === undefined ? [] : [marks.startId];
  const end = marks.endId === undefined ? [] : [marks.endId];
  const room = Math.max(0, maxLength - start.length - end.length);
  const ids = [...start, ...body.slice(0, room), ...end];
  const attentionMask = ids.map(() => 1);
  while (pad && ids.length < maxLength) {
    ids.push(marks.padId);
    attentionMask.push(0);
  }
  return { ids, attentionMask, truncated: body.length > room };
}
