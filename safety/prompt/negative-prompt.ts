import type { SafetyPolicy } from '../policy/policy.js';
import type { Lexicon } from './lexicon.js';
import { plain } from './plain.js';
import { readingsOf, wordsOnly } from './readings.js';
import type { WordLists } from './word-lists.js';

/** What a negative prompt asks for by asking for its contrary to be gone. */
export interface TurnedRound {
  /** Clothing or censorship is to be gone. */
  readonly undresses: boolean;
  /** Single garments are to be gone, which means little by itself. */
  readonly uncovers: boolean;
  /** Signs of adulthood are to be gone. */
  readonly rejuvenates: boolean;
  /** One item names a minor together with something sexual, which no honest list of faults does. */
  readonly namesMinorSexually: boolean;
}

const NOTHING: TurnedRound = {
  undresses: false,
  uncovers: false,
  rejuvenates: false,
  namesMinorSexually: false,
};
/** Terms that stand alone in ordinary lists of what is not wanted. */
const AVOIDED_ALONE = /^(?:loli|lolis|lolicon|shota|shotas|shotacon)$/u;

/** Reads negative prompts with the sets of `words/negative.txt`. */
export class NegativePrompts {
  readonly #clothed: ReadonlySet<string>;
  readonly #covering: ReadonlySet<string>;
  readonly #adult: ReadonlySet<string>;

  constructor(
    { negative }: Pick<SafetyPolicy, 'negative'>,
    private readonly lists: WordLists,
    private readonly lexicon: Lexicon,
  ) {
    const setOf = (words: readonly string[]) => new Set(words.map((word) => wordsOnly(plain(word))));
    this.#clothed = setOf(negative.clothed);
    this.#covering = setOf(negative.covering);
    this.#adult = setOf(negative.adult);
  }

  read(negative: string | undefined): TurnedRound {
    if (negative === undefined) return NOTHING;
    const items = plain(negative).split(/[,;.|\n]+/u);
    const readings = items
      .map((item) => readingsOf(item, this.lexicon).words)
      .filter(({ length }) => length > 0);
    const has = (set: ReadonlySet<string>) =>
      readings.some((item) => item.some((reading) => set.has(reading)));
    return {
      undresses: has(this.#clothed),
      uncovers: has(this.#covering),
      rejuvenates: has(this.#adult),
      namesMinorSexually: readings.some(
        (item) => !AVOIDED_ALONE.test(item[0]) && this.lists.refusing(item).includes('minors'),
      ),
    };
  }
}
