import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { NodeError } from '../../core/errors.js';

/** Refused when a word of each list stands anywhere in a prompt. */
type TogetherRule = readonly (readonly string[])[];

/** The word list of one category. A word may be a phrase; `*` stands for any letters. */
export interface WordFile {
  /** Any of these alone refuses. */
  readonly refuse: readonly string[];
  /** These lower the bar for the meaning layer. */
  readonly suspect: readonly string[];
  readonly together: readonly TogetherRule[];
  /** Named lists that the rules refer to as `@name`. */
  readonly sets: Readonly<Record<string, readonly string[]>>;
}

const SECTION = /^\[(refuse|suspect|together|set [a-z]+)\]$/u;

const wordsOf = (line: string): string[] =>
  line
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

function linesOf(path: string): { text: string; number: number }[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .map((text, index) => ({ text: text.trim(), number: index + 1 }))
    .filter(({ text }) => text !== '' && !text.startsWith('#'));
}

/** A file that is nothing but words. */
export function readWords(path: string): string[] {
  return linesOf(path).flatMap(({ text }) => wordsOf(text));
}

/**
 * Reads a word list: `#` comments, sections in brackets, words separated by commas; under `[together]` one rule a line,
 * `words + words`, or more parts.
 * @throws CONFIG_INVALID naming file and line
 */
export function readWordFile(path: string): WordFile {
  const sections: Record<string, string[]> = { refuse: [], suspect: [] };
  const rules: { parts: string[][]; number: number }[] = [];
  const wrong = (number: number, what: string): NodeError =>
    new NodeError('CONFIG_INVALID', `${basename(path)}, line ${number}: ${what}`);
  let section: string | undefined;
  for (const { text, number } of linesOf(path)) {
    if (text.startsWith('[')) {
      section = SECTION.exec(text)?.[1];
      if (section === undefined)
        throw wrong(
          number,
          `${text} is no section; there are [refuse], [suspect], [together] and [set name]`,
        );
      if (section !== 'together') sections[section] ??= [];
    } else if (section === undefined) {
      throw wrong(number, 'words before the first section, for example [refuse]');
    } else if (section === 'together') {
      const parts = text.split(' + ').map(wordsOf);
      if (parts.length < 2 || parts.some((part) => part.length === 0))
        throw wrong(number, 'a rule is written as "words + words"');
      rules.push({ parts, number });
    } else sections[section].push(...wordsOf(text));
  }
  const { refuse, suspect, ...named } = sections;
  const sets = Object.fromEntries(Object.entries(named).map(([name, words]) => [name.slice(4), words]));
  const expand = (words: readonly string[], number: number): string[] =>
    words.flatMap((word) => {
      if (!word.startsWith('@')) return [word];
      const set = sets[word.slice(1)];
      if (set === undefined) throw wrong(number, `there is no [set ${word.slice(1)}]`);
      return set;
    });
  const together = rules.map(({ parts, number }) => parts.map((part) => expand(part, number)));
  return { refuse, suspect, together, sets };
}
