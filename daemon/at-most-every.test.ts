import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AtMostEvery } from './at-most-every.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('passes the first word at once and the last one of each span at its end', () => {
  const heard: number[] = [];
  const words = new AtMostEvery<number>(100, (word) => heard.push(word));
  for (const word of [1, 2, 3]) words.say(word);
  expect(heard).toEqual([1]);
  vi.advanceTimersByTime(99);
  expect(heard).toEqual([1]);
  vi.advanceTimersByTime(1);
  expect(heard).toEqual([1, 3]);
  words.say(4);
  vi.advanceTimersByTime(100);
  expect(heard).toEqual([1, 3, 4]);
  vi.advanceTimersByTime(200);
  words.say(5);
  expect(heard).toEqual([1, 3, 4, 5]);
});

test('says nothing more once stopped', () => {
  const heard: number[] = [];
  const words = new AtMostEvery<number>(100, (word) => heard.push(word));
  for (const word of [1, 2]) words.say(word);
  words.stop();
  vi.advanceTimersByTime(500);
  expect(heard).toEqual([1]);
});
