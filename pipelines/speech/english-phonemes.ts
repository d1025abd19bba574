import { spokenText } from './spoken-text.js';
import type { WordGuesser } from './word-guesser.js';

/** A phoneme as the speech graph names it, with its stress: 0 none marked, 1 unstressed, 2 primary, 3 secondary. */
export interface Phoneme {
  readonly symbol: string;
  readonly stress: number;
}

const LETTERS =
  'ay bee see dee ee ef jee aitch eye jay kay el em en oh pee cue ar ess tee you vee double-you ex why zee'.split(
    ' ',
  );

const PAUSE: Readonly<Record<string, string>> = { ';': ',', ':': ',', '\n': '.' };

function fromArpabet(code: string): Phoneme {
  const stress = /\d$/u.exec(code)?.[0];
  const symbol = code.replace(/\d$/u, '').toLowerCase();
  // The graph's alphabet has both cases of this one letter; English is spoken with the capital.
  return { symbol: symbol === 'v' ? 'V' : symbol, stress: stress === undefined ? 0 : Number(stress) + 1 };
}

/** Turns English text into phonemes: a dictionary first, a guess by spelling for the rest. */
export class EnglishPhonemes {
  constructor(
    private readonly dictionary: Readonly<Record<string, readonly string[]>>,
    private readonly guesser: WordGuesser,
  ) {}

  private word(word: string): Phoneme[] {
    const upper = word.toUpperCase();
    const known = Object.hasOwn(this.dictionary, upper) ? this.dictionary[upper] : undefined;
    if (known !== undefined) return known.map(fromArpabet);
    if (word.includes("'")) return word.split("'").flatMap((part) => (part === '' ? [] : this.word(part)));
    return this.guesser.guess(word.toLowerCase()).map(fromArpabet);
  }

  /** Phonemes and pauses of a text, a rest at either end. */
  of(text: string): Phoneme[] {
    const spelt = spokenText(text).replace(/\b[A-Z]{2,}\b/gu, (letters) =>
      [...letters].map((letter) => LETTERS[letter.charCodeAt(0) - 65].replace('-', ' ')).join(' '),
    );
    const rest: Phoneme = { symbol: '_', stress: 0 };
    const phonemes = [rest];
    for (const [token] of spelt.matchAll(/[\p{L}']*\p{L}[\p{L}']*|[.,!?…;:-]/gu)) {
      if (/\p{L}/u.test(token)) phonemes.push(...this.word(token.replace(/^'+|'+$/gu, '')));
      else phonemes.push({ symbol: PAUSE[token] ?? token, stress: 0 });
    }
    return [...phonemes, rest];
  }
}
