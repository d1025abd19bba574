import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EnglishPhonemes } from './english-phonemes.js';
import { numberInWords, spokenText } from './spoken-text.js';
import type { WordGuesser } from './word-guesser.js';

describe('spokenText', () => {
  it.each([
    ['It is 42 °C', 'It is forty two degrees C'],
    ['In 1984 and 2001', 'In nineteen eighty four and two thousand and one'],
    ['1,250 people paid $3.50', 'one thousand two hundred and fifty people paid three dollars fifty'],
    ['Dr. Smith & Mrs. Jones', 'doctor Smith and missus Jones'],
    ['call 0049', 'call zero zero four nine'],
    ['“Don’t” — he said', "Don't , he said"],
    ['in 1907', 'in nineteen oh seven'],
  ])('%s', (text, wanted) => {
    expect(spokenText(text)).toBe(wanted);
  });

  it('leaves no digit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999_999 }), (value) => {
        expect(numberInWords(value)).toMatch(/^[a-z ]+$/u);
      }),
    );
  });
});

describe('EnglishPhonemes', () => {
  const guesser = { guess: (word: string) => [...word].map((letter) => `${letter.toUpperCase()}1`) };
  const phonemes = new EnglishPhonemes(
    {
      HELLO: ['HH', 'AH0', 'L', 'OW1'],
      VERY: ['V', 'EH1', 'R', 'IY0'],
      "DON'T": ['D', 'OW1', 'N', 'T'],
      BEE: ['B', 'IY1'],
    },
    guesser as unknown as WordGuesser,
  );
  const symbols = (text: string): string =>
    phonemes
      .of(text)
      .map(({ symbol }) => symbol)
      .join(' ');

  it('uses the dictionary and marks stress', () => {
    expect(phonemes.of('Hello')).toEqual([
      { symbol: '_', stress: 0 },
      { symbol: 'hh', stress: 0 },
      { symbol: 'ah', stress: 1 },
      { symbol: 'l', stress: 0 },
      { symbol: 'ow', stress: 2 },
      { symbol: '_', stress: 0 },
    ]);
    expect(symbols("very, don't!")).toBe('_ V eh r iy , d ow n t ! _');
  });

  it('guesses what it does not know and spells initials', () => {
    expect(symbols('zq')).toBe('_ z q _');
    expect(symbols('BB')).toBe('_ b iy b iy _');
    expect(symbols('toString')).toBe('_ t o s t r i n g _');
  });
});
