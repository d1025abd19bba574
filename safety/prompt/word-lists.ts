import { plain, readings } from './normalise.js';
import type { PromptPolicy } from './policy.js';

/** One expression for many words: whole words only, `*` for any letters, a space for any gap. */
function expression(words: readonly string[]): RegExp | undefined {
  if (words.length === 0) return undefined;
  const escaped = words.map((word) =>
    plain(word)
      .replace(/[.+?^$|\\]/gu, '\\$&')
      .replaceAll('*', '[\\p{L}\\p{N}]*')
      .replaceAll(' ', '\\s+'),
  );
  return new RegExp(`(?<![\\p{L}\\p{N}])(?:${escaped.join('|')})(?![\\p{L}\\p{N}])`, 'u');
}

interface Compiled {
  readonly category: string;
  readonly refuse: RegExp | undefined;
  readonly together: readonly { readonly any: RegExp | undefined; readonly with: RegExp | undefined }[];
}

/** The lists of a policy, ready to be asked. */
export class WordLists {
  readonly #allowed: RegExp | undefined;
  readonly #categories: readonly Compiled[];

  constructor(policy: PromptPolicy) {
    const allowed = expression(policy.allowed);
    this.#allowed = allowed === undefined ? undefined : new RegExp(allowed.source, 'gu');
    this.#categories = Object.entries(policy.categories).map(([category, { refuse, together }]) => ({
      category,
      refuse: expression(refuse),
      together: together.map((rule) => ({ any: expression(rule.any), with: expression(rule.with) })),
    }));
  }

  /** The text, plain, without the innocent phrases that contain a listed word. */
  withoutAllowed(text: string): string {
    return this.#allowed === undefined ? plain(text) : plain(text).replace(this.#allowed, ' ');
  }

  /** The first category that refuses the text in any of its readings. */
  find(text: string): string | undefined {
    const seen = readings(text).map((reading) =>
      this.#allowed === undefined ? reading : reading.replace(this.#allowed, ' '),
    );
    for (const { category, refuse, together } of this.#categories) {
      if (refuse !== undefined && seen.some((reading) => refuse.test(reading))) return category;
      for (const rule of together) {
        const both = (part: RegExp | undefined) =>
          part !== undefined && seen.some((reading) => part.test(reading));
        if (both(rule.any) && both(rule.with)) return category;
      }
    }
    return undefined;
  }
}
