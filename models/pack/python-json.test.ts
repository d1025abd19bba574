import { expect, it } from 'vitest';
import { parsePythonJson } from './python-json.js';

it('reads the numbers that only Python writes, and leaves strings alone', () => {
  const text = '{"lambda_min_clipped": -Infinity, "most": [Infinity, NaN], "text": "-Infinity \\" NaN"}';
  expect(parsePythonJson(text)).toEqual({
    lambda_min_clipped: -Infinity,
    most: [Infinity, null],
    text: '-Infinity " NaN',
  });
});

it('refuses what is no JSON', () => {
  expect(() => parsePythonJson('{"a": Infinite}')).toThrow(SyntaxError);
  expect(() => parsePythonJson('{"a": 1')).toThrow(SyntaxError);
});
