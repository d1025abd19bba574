import { expect, it } from 'vitest';
import { parseRange } from './range.js';

it('reads byte ranges as RFC 9110 defines them', () => {
  expect(parseRange('bytes=0-9', 100)).toEqual({ start: 0, end: 9 });
  expect(parseRange('bytes=90-', 100)).toEqual({ start: 90, end: 99 });
  expect(parseRange('bytes=90-500', 100)).toEqual({ start: 90, end: 99 });
  expect(parseRange('bytes=-10', 100)).toEqual({ start: 90, end: 99 });
  expect(parseRange('bytes=-500', 100)).toEqual({ start: 0, end: 99 });
  for (const ignored of [undefined, '', 'bytes=', 'bytes=-', 'bytes=5-2', 'bytes=0-1,5-6', 'lines=0-1']) {
    expect(parseRange(ignored, 100)).toBeUndefined();
  }
  for (const outside of ['bytes=100-', 'bytes=-0', 'bytes=500-600']) {
    expect(parseRange(outside, 100)).toBe('unsatisfiable');
  }
});
