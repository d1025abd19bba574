import { reversed, type Lexicon } from './lexicon.js';
import { plain } from './plain.js';

/** Single letters with gaps between them, as in "n u d e" or "n. u. d. e": three at least. */
const SPELLED =
  /(?<![\p{L}\p{N}*#])[\p{L}\p{N}@$!](?:[^\p{L}\p{N}\n*#]{1,4}[\p{L}\p{N}@$!](?![\p{L}\p{N}])){2,}/gu;
const WIDE_GAP = /\s{2,}|\s[/|]\s/u;
/** Share of the longer words that must be known words backwards before a whole prompt is read backwards. */
const MOSTLY = 0.5;

/** How a prompt may be meant to be read. */
export interface Readings {
  /** Each as words with single spaces, for the lists. */
  readonly words: readonly string[];
  /** The likeliest reading with its punctuation, for the models. */
  readonly sentence: string;
}

/** Words joined by single spaces. */
export function wordsOnly(text: string): string {
  return text.replace(/[^\p{L}\p{N}']+/gu, ' ').trim();
}

/** Spelled-out letters joined into the words they make. */
function joinSpelled(text: string, lexicon: Lexicon): string {
  return text.replace(SPELLED, (run) =>
    run
      .split(WIDE_GAP)
      .map((part) => {
        const meant = lexicon.repair(part.replace(/[^\p{L}\p{N}@$!]+/gu, ''));
        return meant.includes(' ') || lexicon.knows(meant) ? meant : lexicon.segment(meant);
      })
      .join(' '),
  );
}

/** Two neighbours that are one refused word, as in "na ked", unless both are words by themselves. */
function joinHalves(words: readonly string[], lexicon: Lexicon): string[] {
  const joined: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const both = words[i] + (words[i + 1] ?? '');
    const halves = i + 1 < words.length && both.length >= 4 && lexicon.refuses(both);
    if (halves && !(lexicon.knows(words[i]) && lexicon.knows(words[i + 1]))) {
      joined.push(both);
      i += 1;
    } else joined.push(words[i]);
  }
  return joined;
}

function repairEach(text: string, lexicon: Lexicon): string {
  return text.replace(/[^\s,;:?"“”«»]+/gu, (token) => {
    const outer = /^([^\p{L}\p{N}@$*#]*)(.*?)([^\p{L}\p{N}@$*#]*)$/u.exec(token);
    if (outer === null || outer[2] === '') return token;
    return outer[1] + lexicon.repair(outer[2]) + outer[3];
  });
}

/** Words to be turned round one by one; a known word stays. */
function turnEach(text: string, lexicon: Lexicon): string {
  return text.replace(/\p{L}+/gu, (word) => (lexicon.isReversed(word) ? reversed(word) : word));
}

/**
 * The text as it runs forwards: itself, or when most of it is made of known words backwards, turned round as a whole and
 * word by word, the likelier first.
 */
function forwards(text: string, lexicon: Lexicon): string[] {
  const words = wordsOnly(text)
    .split(' ')
    .filter((word) => word.length >= 3);
  const letters = (chosen: readonly string[]) => chosen.reduce((sum, word) => sum + word.length, 0);
  if (
    letters(words.filter((word) => lexicon.isReversed(word))) < MOSTLY * letters(words) ||
    words.length === 0
  )
    return [text];
  const known = (reading: string) =>
    wordsOnly(reading)
      .split(' ')
      .filter((word) => lexicon.knows(word)).length;
  const whole = reversed(text);
  const each = turnEach(text, lexicon);
  return known(whole) >= known(each) ? [whole, each] : [each, whole];
}

const UNSPACED = '[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}]';
const GAP_WITHIN = new RegExp(`(?<=${UNSPACED})[^\\p{L}\\p{N}]+(?=${UNSPACED})`, 'gu');

/** Every reading of a prompt that the check should see. */
export function readingsOf(text: string, lexicon: Lexicon): Readings {
  const base = plain(text);
  const repaired = forwards(base, lexicon).map((text) => repairEach(joinSpelled(text, lexicon), lexicon));
  const halves = joinHalves(wordsOnly(repaired[0]).split(' '), lexicon).join(' ');
  const sentence = halves === wordsOnly(repaired[0]) ? repaired[0] : halves;
  const words = [wordsOnly(base), ...repaired.map(wordsOnly), halves];
  const dense = base.replace(GAP_WITHIN, '');
  if (dense !== base || new RegExp(UNSPACED, 'u').test(base))
    words.push(wordsOnly(dense), wordsOnly(reversed(dense)));
  return { words: [...new Set(words)].filter((reading) => reading !== ''), sentence };
}
