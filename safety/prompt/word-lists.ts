import { CATEGORIES, type Category, type SafetyPolicy } from '../policy/policy.js';
import { plain } from './plain.js';

/** Scripts that put no spaces between words. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

/** One expression for many words: whole words only, `*` for any letters, a space for any gap. */
function expression(words: readonly string[]): RegExp | undefined {
  if (words.length === 0) return undefined;
  const escape = (word: string): string =>
    plain(word)
      .replace(/[^\p{L}\p{N}'*]+/gu, ' ')
      .trim()
      .replaceAll('*', '[\\p{L}\\p{N}]*')
      .replaceAll(' ', '\\s+');
  const spaced = words.filter((word) => !UNSPACED.test(word)).map(escape);
  const unspaced = words.filter((word) => UNSPACED.test(word)).map(escape);
  const bounded = spaced.length === 0 ? [] : [`(?<![\\p{L}\\p{N}])(?:${spaced.join('|')})(?![\\p{L}\\p{N}])`];
  return new RegExp([...bounded, ...unspaced].join('|'), 'gu');
}

const stands = (words: RegExp | undefined, text: string): boolean =>
  words !== undefined && text.search(words) >= 0;

/** Every second word, from the first and from the second: two texts woven into each other. */
function unwoven(text: string): string[] {
  const words = text.split(/\s+/u);
  return [0, 1].map((from) => words.filter((_, i) => i % 2 === from).join(' '));
}

interface Compiled {
  readonly category: Category;
  readonly refuse: RegExp | undefined;
  readonly suspect: RegExp | undefined;
  readonly together: readonly (readonly (RegExp | undefined)[])[];
}

/** The lists of a policy, ready to be asked. Texts are readings: words joined by single spaces. */
export class WordLists {
  readonly #allowed: RegExp | undefined;
  readonly #minor: RegExp | undefined;
  readonly #lists: readonly Compiled[];

  constructor({ words, allowed }: Pick<SafetyPolicy, 'words' | 'allowed'>) {
    this.#allowed = expression(allowed);
    const { minor } = words.minors.sets;
    this.#minor = expression(minor);
    this.#lists = CATEGORIES.map((category) => {
      const { refuse, suspect, together } = words[category];
      const rules = category === 'minors' ? [...together, [minor, words.sexual.refuse]] : together;
      return {
        category,
        refuse: expression(refuse),
        suspect: expression(suspect),
        together: rules.map((rule) => rule.map(expression)),
      };
    });
  }

  /** The reading without the innocent phrases that contain a listed word. */
  withoutAllowed(reading: string): string {
    return this.#allowed === undefined ? reading : reading.replace(this.#allowed, ' ');
  }

  /** Categories whose list refuses the text in one of its readings. */
  refusing(readings: readonly string[]): Category[] {
    const innocentOut = readings.map((reading) => this.withoutAllowed(reading));
    const seen = [...innocentOut, ...innocentOut.flatMap(unwoven)];
    const stand = (part: RegExp | undefined) => seen.some((reading) => stands(part, reading));
    return this.#lists
      .filter(({ refuse, together }) => stand(refuse) || together.some((rule) => rule.every(stand)))
      .map(({ category }) => category);
  }

  /** Whether a word that makes the category likelier stands in one of the readings. */
  suspects(category: Category, readings: readonly string[]): boolean {
    const words = this.#lists.find((list) => list.category === category)?.suspect;
    return readings.some((reading) => stands(words, reading));
  }

  /** Whether a minor is named in one of the readings. */
  namesMinor(readings: readonly string[]): boolean {
    return readings.some((reading) => stands(this.#minor, this.withoutAllowed(reading)));
  }
}
