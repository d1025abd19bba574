import type { SafetyPolicy } from '../policy/policy.js';
import { plain } from './plain.js';

/** Letters that a digit or sign stands for in "leet" writing. */
const LEET: Readonly<Record<string, readonly string[]>> = {
  '0': ['o'],
  '1': ['i', 'l'],
  '2': ['z'],
  '3': ['e'],
  '4': ['a'],
  '5': ['s'],
  '6': ['g'],
  '7': ['t'],
  '8': ['b'],
  '9': ['g'],
  '@': ['a'],
  $: ['s'],
  '!': ['i', 'l'],
  '|': ['l', 'i'],
  '€': ['e'],
  '+': ['t'],
};
/** Stand for any one letter, as in "n*de". */
const BLANK = /[*#_]/u;
const MOST_BLANKS = 4;
const VOWELS = Array.from('aeiou');
const ALPHABET = Array.from('aeioubcdfghjklmnpqrstvwxyz');
/** Short vocabulary entries are mostly names and scraps of other languages; only the frequent ones are words. */
const RAREST: Readonly<Record<number, number>> = { 1: 0, 2: 2700, 3: 9000 };
/** Cost of letters that make no word, of the stretch and of each letter, against the logarithm of a word's rank. */
const UNKNOWN = 8;
const UNKNOWN_LETTER = 4;
/** What an English ending adds to the cost of a word: more often than "herb-ed" it is "her bed". */
const ENDING_COST = 7;
const LONGEST_SEGMENT = 24;
/** Letters that guessed words must have on average. */
const SHORTEST_MEAN = 2.6;
/** Letters from which a token is more likely text that runs together than a word nobody knows. */
const RUN_TOGETHER = 16;
/** Letters from which a token that makes no words may hide a refused one. */
const HIDES_A_WORD = 12;
/** What its words may cost at most, against the cost of one unknown word. */
const LIKELIER = 0.65;
const ENDING = /'s?$|(?<=\p{L}{4})(?:e?s|e?d|ing|ly)$/u;
const MOST_LEET_READINGS = 16;

/** What a lexicon is made of besides the vocabulary, as plain text. */
export interface ListedWords {
  /** Every word in the lists, those of innocent phrases among them. */
  readonly all: ReadonlySet<string>;
  /** Single words that refuse by themselves. */
  readonly refused: ReadonlySet<string>;
  /** Beginnings of such words, written `word*` in the lists. */
  readonly stems: readonly string[];
  /** Phrases of the lists, with single spaces. */
  readonly phrases: readonly string[];
}

export function listedWords({ words, allowed }: Pick<SafetyPolicy, 'words' | 'allowed'>): ListedWords {
  const lists = Object.values(words);
  const refusing = lists.flatMap((list) => list.refuse).map(plain);
  const single = refusing.filter((phrase) => /^\p{L}{3,}\*?$/u.test(phrase));
  const rest = lists.flatMap((list) => [
    ...list.suspect,
    ...Object.values(list.sets).flat(),
    ...list.together.flat(2),
  ]);
  const phrases = [...refusing, ...[...rest, ...allowed].map(plain)].map((phrase) =>
    phrase.replaceAll('*', ''),
  );
  return {
    all: new Set(
      phrases.flatMap((phrase) => phrase.split(' ')).filter((word) => /^[\p{L}\p{N}]{3,}$/u.test(word)),
    ),
    refused: new Set(single.map((word) => word.replace('*', ''))),
    stems: single.filter((word) => word.endsWith('*') && word.length > 5).map((word) => word.slice(0, -1)),
    phrases: phrases.filter((phrase) => /^\p{L}+(?: \p{L}+)+$/u.test(phrase)),
  };
}

/** English words by frequency together with the words of the lists: what a garbled word may have been. */
export class Lexicon {
  /** Word → rank by frequency. */
  readonly #ranks = new Map<string, number>();
  readonly #english: ReadonlySet<string>;

  readonly #refused: ReadonlySet<string>;
  readonly #stems: readonly string[];
  /** Phrases of the lists by what they are without their spaces. */
  readonly #phrases: ReadonlyMap<string, string>;

  /** @param vocabulary word pieces by frequency */
  constructor(vocabulary: readonly string[], { all, refused, stems, phrases }: ListedWords) {
    this.#refused = refused;
    this.#stems = stems;
    this.#phrases = new Map(phrases.map((phrase) => [phrase.replaceAll(' ', ''), phrase]));
    vocabulary.forEach((word, rank) => {
      if (/^[a-z]+$/u.test(word) && rank < (RAREST[word.length] ?? Infinity)) this.#ranks.set(word, rank);
    });
    for (const word of ['a', 'i']) this.#ranks.set(word, 1000);
    this.#english = new Set(this.#ranks.keys());
    for (const word of all) if (!this.#ranks.has(word)) this.#ranks.set(word, vocabulary.length);
  }

  /** A word of the vocabulary or the lists, also with a usual English ending. */
  knows(word: string): boolean {
    return (
      this.#ranks.has(word) ||
      this.#ranks.has(word.replace(ENDING, '')) ||
      this.#stems.some((stem) => word.startsWith(stem))
    );
  }

  /** Whether the word refuses by itself. */
  refuses(word: string): boolean {
    return this.#refused.has(word) || this.#stems.some((stem) => word.startsWith(stem));
  }

  /** Whether an unknown word is a known one backwards. */
  isReversed(word: string): boolean {
    return word.length >= 3 && !this.knows(word) && this.knows(reversed(word));
  }

  /**
   * What a token without its outer punctuation was probably meant to be: the token itself when it is a known word,
   * else the first guess that leads to one.
   */
  repair(token: string): string {
    if (this.knows(token)) return token;
    const parts = token.split(/[^\p{L}\p{N}@$!|€+*#']+/u).filter((part) => part !== '');
    if (parts.length > 1 && parts.every((part) => part.length > 1 && this.knows(part)))
      return parts.join(' ');
    const guess = this.#written(token) ?? this.#misspelt(token);
    if (guess !== undefined) return guess;
    return parts.length > 1 ? parts.map((part) => this.repair(part)).join(' ') : token;
  }

  /** Other ways of writing the same letters: separators, leet, repeated letters, blanks. */
  #written(token: string): string | undefined {
    const glued = [lettersOf(token), ...leetReadings(token)];
    const known = [
      ...glued,
      ...glued.map((word) => word.replace(/(\p{L})\1{2,}/gu, '$1$1')),
      ...glued.map((word) => word.replace(/(\p{L})\1{2,}/gu, '$1')),
      // One double letter is ordinary spelling.
      ...glued
        .filter((word) => (word.match(/(\p{L})\1/gu)?.length ?? 0) > 1)
        .map((word) => word.replace(/(\p{L})\1+/gu, '$1')),
    ].find((word) => this.knows(word));
    if (known !== undefined) return known;
    const counted = /^\d+(\p{L}{2,})$|^(\p{L}{2,})\d+$/u.exec(token);
    const counting = counted?.[1] ?? counted?.[2];
    if (counting !== undefined && this.knows(counting))
      return token.replace(/(?<=\d)(?=\p{L})|(?<=\p{L})(?=\d)/u, ' ');
    return this.#filledIn(token);
  }

  /** A word with some of its letters blanked out: the vowels first, since those are what people star. */
  #filledIn(token: string): string | undefined {
    const characters = Array.from(token);
    const blanks = characters.filter((character) => BLANK.test(character)).length;
    if (blanks === 0 || blanks > MOST_BLANKS || blanks > characters.length / 2 || characters.length < 3)
      return undefined;
    const alphabet = blanks === 1 ? ALPHABET : VOWELS;
    let filled = [''];
    for (const character of characters) {
      const letters = BLANK.test(character) ? alphabet : [character];
      filled = filled.flatMap((start) => letters.map((letter) => start + letter));
    }
    return this.#likeliest(filled);
  }

  /** Reversed, with two letters swapped, with a vowel left out, or several words run together. */
  #misspelt(token: string): string | undefined {
    const word = leetReadings(token)[0] ?? lettersOf(token);
    if (!/^\p{L}{4,}$/u.test(word)) return undefined;
    const back = reversed(word);
    if (this.refuses(back) && this.#english.has(back)) return back;
    const swapped = this.#likeliest(swaps(word));
    if (swapped !== undefined) return swapped;
    const filled = insertions(word).find((each) => each.length >= 5 && this.#refused.has(each));
    if (filled !== undefined) return filled;
    return word.length >= 7 ? this.#apart(word) : undefined;
  }

  /** Words that run together; failing that, the refused word hidden among letters that make no words. */
  #apart(word: string): string | undefined {
    const parts = this.#parts(word);
    if (word.length < RUN_TOGETHER ? this.#areWords(parts) : this.#areMostlyWords(parts))
      return this.#spaced(parts);
    if (word.length < HIDES_A_WORD) return undefined;
    return [...this.#refused].find((each) => each.length >= 6 && word.includes(each));
  }

  #areWords(parts: readonly string[]): boolean {
    return (
      parts.every((part) => this.#ranks.has(part) || this.#phrases.has(part)) &&
      lettersIn(parts) >= SHORTEST_MEAN * parts.length
    );
  }

  #areMostlyWords(parts: readonly string[]): boolean {
    const cost = parts.reduce((sum, part) => sum + this.#costOf(part), 0);
    return cost <= LIKELIER * unknownCost(lettersIn(parts));
  }

  /** Of guesses at a word, the one that refuses, else the most frequent known one. */
  #likeliest(guesses: readonly string[]): string | undefined {
    const refused = guesses.find((word) => this.refuses(word));
    if (refused !== undefined) return refused;
    const rank = (word: string): number => this.#ranks.get(word) ?? Infinity;
    const known = guesses.filter((word) => this.#ranks.has(word));
    return known.sort((a, b) => rank(a) - rank(b))[0];
  }

  /** Letters that run together as the likeliest words, with spaces between; what is no word stays in one piece. */
  segment(letters: string): string {
    return this.#spaced(this.#parts(letters));
  }

  #spaced(parts: readonly string[]): string {
    return parts.map((part) => this.#phrases.get(part) ?? part).join(' ');
  }

  /** The cheapest way to cut letters into words and stretches that are none. */
  #parts(letters: string): string[] {
    const best: { cost: number; from: number }[] = [{ cost: 0, from: 0 }];
    for (let end = 1; end <= letters.length; end++) {
      let found = { cost: Infinity, from: end - 1 };
      for (let from = Math.max(0, end - LONGEST_SEGMENT); from < end; from++) {
        const part = letters.slice(from, end);
        const cost = best[from].cost + this.#costOf(part);
        if (cost < found.cost) found = { cost, from };
      }
      best.push(found);
    }
    const parts: string[] = [];
    for (let end = letters.length; end > 0; end = best[end].from)
      parts.unshift(letters.slice(best[end].from, end));
    return parts;
  }

  /** The logarithm of a word's rank; a phrase counts as one rare word. */
  #costOf(part: string): number {
    const rank = this.#ranks.get(part);
    if (rank !== undefined) return Math.log(rank + 1);
    if (this.#phrases.has(part)) return Math.log(this.#ranks.size);
    const base = this.#ranks.get(part.replace(ENDING, ''));
    return base === undefined ? unknownCost(part.length) : Math.log(base + 1) + ENDING_COST;
  }
}

function unknownCost(letters: number): number {
  return UNKNOWN + UNKNOWN_LETTER * letters;
}

function lettersIn(parts: readonly string[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

export function reversed(text: string): string {
  return Array.from(text).reverse().join('');
}

function lettersOf(token: string): string {
  return token.replace(/[^\p{L}\p{N}]+/gu, '');
}

/** The letters of a token with every leet sign replaced; empty when it has none, or is an ordinary number. */
function leetReadings(token: string): string[] {
  const characters = Array.from(token);
  if (/^[\d.,:$€+%-]{0,4}$/u.test(token) || !characters.some((character) => character in LEET)) return [];
  let readings = [''];
  for (const character of characters) {
    const letters = LEET[character] ?? (/[\p{L}\p{N}]/u.test(character) ? [character] : ['']);
    readings = readings.flatMap((reading) => letters.map((letter) => reading + letter));
    if (readings.length > MOST_LEET_READINGS) readings.length = MOST_LEET_READINGS;
  }
  return readings;
}

function swaps(word: string): string[] {
  return Array.from(
    { length: word.length - 1 },
    (_, i) => word.slice(0, i) + word[i + 1] + word[i] + word.slice(i + 2),
  );
}

function insertions(word: string): string[] {
  return Array.from({ length: word.length + 1 }, (_, i) =>
    VOWELS.map((vowel) => word.slice(0, i) + vowel + word.slice(i)),
  ).flat();
}
