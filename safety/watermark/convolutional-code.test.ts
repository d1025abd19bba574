import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodings, encode, RATE } from './convolutional-code.js';

const message = fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 64, maxLength: 64 });
const decode = (soft: readonly number[]) => [...decodings(soft)][0];
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

  // Noise at which the likeliest message is wrong about once in five; the seed is fixed, so the counts are too.
  test('has the right message among its next likeliest ones, often when the likeliest is wrong', () => {
    let state = 1;
    const uniform = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
    const normal = (): number =>
      Math.sqrt(-2 * Math.log(uniform() + 1e-12)) * Math.cos(2 * Math.PI * uniform());
    let first = 0;
    let listed = 0;
    for (let run = 0; run < 60; run++) {
      const bits = Array.from({ length: 64 }, () => (uniform() < 0.5 ? 0 : 1));
      const received = soft(encode(bits)).map((value) => value + 1.25 * normal());
      const list = [...decodings(received, 12)].map((each) => each.join(''));
      expect(list).toHaveLength(13);
      if (list[0] === bits.join('')) first += 1;
      if (list.includes(bits.join(''))) listed += 1;
    }
    expect(first).toBeLessThan(58);
    expect(listed).toBeGreaterThan(first);
  });
});
