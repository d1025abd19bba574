import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, encode, RATE } from './convolutional-code.js';

const message = fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 64, maxLength: 64 });
const soft = (coded: readonly number[]) => coded.map((bit) => (bit ? -1 : 1));

describe('the convolutional code', () => {
  test('gives back what was put in', () => {
    fc.assert(
      fc.property(message, (bits) => {
        const coded = encode(bits);
        expect(coded).toHaveLength(RATE * bits.length);
        expect(decode(soft(coded))).toEqual(bits);
      }),
      { numRuns: 40 },
    );
  });

  // The free distance is 24: fewer than 12 wrong bits can never make another message likelier.
  test('mends any eleven wrong bits', () => {
    const places = fc.uniqueArray(fc.integer({ min: 0, max: 255 }), { maxLength: 11 });
    fc.assert(
      fc.property(message, places, (bits, wrong) => {
        const received = soft(encode(bits));
        for (const place of wrong) received[place] *= -1;
        expect(decode(received)).toEqual(bits);
      }),
      { numRuns: 40 },
    );
  });
});
