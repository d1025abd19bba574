import { describe, expect, it } from 'vitest';
import { fromFloat16, toFloat16 } from './float16.js';

const half = (value: number) => toFloat16(Float32Array.of(value))[0];

describe('float16', () => {
  it('brings back every finite bit pattern', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits).filter(
      (bits) => (bits & 0x7c00) !== 0x7c00 || (bits & 0x3ff) === 0,
    );
    expect(toFloat16(fromFloat16(all))).toEqual(all);
  });

  it('keeps what is not a number', () => {
    expect(fromFloat16(toFloat16(Float32Array.of(NaN)))[0]).toBeNaN();
  });

  it.each([
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [2 ** -25 * 1.0001, 0x0001],
    [2 ** -14, 0x0400],
    [-0, 0x8000],
    // Ties go to the even neighbour.
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
  ])('rounds %d to the nearest', (value, bits) => {
    expect(half(value)).toBe(bits);
  });

  it('takes whole numbers', () => {
    expect(toFloat16(Int32Array.of(0, 1, 2048))).toEqual(Uint16Array.of(0, 0x3c00, 0x6800));
  });
});
