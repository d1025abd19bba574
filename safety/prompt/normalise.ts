/** Letters of other scripts and fullwidth forms that NFKD leaves, by the Latin letter they imitate. */
const CONFUSABLES: Readonly<Record<string, string>> = {
  а: 'a',
  в: 'b',
  с: 'c',
  ԁ: 'd',
  е: 'e',
  һ: 'h',
  і: 'i',
  ј: 'j',
  к: 'k',
  ӏ: 'l',
  м: 'm',
  н: 'h',
  о: 'o',
  р: 'p',
  ԛ: 'q',
  ѕ: 's',
  т: 't',
  у: 'y',
  ѵ: 'v',
  ԝ: 'w',
  х: 'x',
  α: 'a',
  β: 'b',
  ε: 'e',
  η: 'n',
  ι: 'i',
  κ: 'k',
  ν: 'v',
  ο: 'o',
  ρ: 'p',
  τ: 't',
  υ: 'u',
  χ: 'x',
  ω: 'w',
  ı: 'i',
  ł: 'l',
  ø: 'o',
  đ: 'd',
  ħ: 'h',
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ɑ: 'a',
  ɡ: 'g',
  ᴀ: 'a',
  ʙ: 'b',
  ᴄ: 'c',
  ᴅ: 'd',
  ᴇ: 'e',
  ɢ: 'g',
  ʜ: 'h',
  ɪ: 'i',
  ᴊ: 'j',
  ᴋ: 'k',
  ʟ: 'l',
  ᴍ: 'm',
  ɴ: 'n',
  ᴏ: 'o',
  ᴘ: 'p',
  ʀ: 'r',
  ᴛ: 't',
  ᴜ: 'u',
  ᴠ: 'v',
  ᴡ: 'w',
  ʏ: 'y',
  ᴢ: 'z',
};
const LEET: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '8': 'b',
  '@': 'a',
  $: 's',
  '!': 'i',
  '|': 'i',
  '€': 'e',
};
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  shy: '',
};

function decodeEntities(text: string): string {
  return text
    .replace(/&#x([0-9a-f]{1,6});/giu, (whole, hex: string) => codePoint(parseInt(hex, 16)) ?? whole)
    .replace(/&#(\d{1,7});/gu, (whole, decimal: string) => codePoint(Number(decimal)) ?? whole)
    .replace(/&([a-z]+);/giu, (whole, name: string) => ENTITIES[name.toLowerCase()] ?? whole);
}

function codePoint(value: number): string | undefined {
  return value <= 0x10ffff ? String.fromCodePoint(value) : undefined;
}

function decodeUrl(text: string): string {
  if (!/%[0-9a-f]{2}/iu.test(text)) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // "100% wool" is no encoding.
  }
}

/**
 * Text as a reader sees it, in plain lower-case Latin letters where it imitates them: entities and URL
 * escapes decoded, compatibility forms folded, marks and invisible characters removed, look-alikes replaced,
 * prompt weights `(word:1.3)` unwrapped.
 */
export function plain(text: string): string {
  const folded = decodeUrl(decodeEntities(text))
    .normalize('NFKD')
    .replace(/[\p{M}\p{Cf}]/gu, '')
    .toLowerCase();
  const latin = Array.from(folded, (character) => CONFUSABLES[character] ?? character).join('');
  return latin.replace(/:\d+(\.\d+)?/gu, '').replace(/[()[\]{}]/gu, '');
}

function unleet(word: string): string {
  return /\p{L}/u.test(word) ? Array.from(word, (character) => LEET[character] ?? character).join('') : word;
}

/**
 * Runs of single letters between separators, as in "n u d e" or "n.u.d.e", joined into words. With
 * `skipArticle` a leading "a" or "i" is left out of the run: it is a word of its own in "a n u d e woman".
 */
function joinSpelled(text: string, skipArticle: boolean): string {
  const gap = /[\s._\-*+~/,]+/gu;
  return text.replace(
    /(?<![\p{L}\p{N}])[\p{L}\p{N}@$!](?:[\s._\-*+~/,]+[\p{L}\p{N}@$!](?![\p{L}\p{N}])){2,}/gu,
    (run) =>
      skipArticle
        ? run
            .replace(/^([ai])[\s._\-*+~/,]+/u, '$1|')
            .split('|')
            .map((part) => part.replace(gap, ''))
            .join(' ')
        : run.replace(gap, ''),
  );
}

/**
 * Every reading of a prompt that the word lists should see, each as text of words joined by single spaces:
 * as written, spelled-out letters joined, leet undone, separators inside words removed, repeated letters
 * collapsed, and each word backwards.
 */
export function readings(text: string): string[] {
  const base = plain(text);
  const words = (value: string) => value.replace(/[^\p{L}\p{N}']+/gu, ' ').trim();
  const spelled = joinSpelled(base, true).split(/\s+/u).map(unleet).join(' ');
  const undone = joinSpelled(base, false).split(/\s+/u).map(unleet).join(' ');
  const glued = undone
    .split(/\s+/u)
    .map((word) => word.replace(/[^\p{L}\p{N}]+/gu, ''))
    .join(' ')
    .trim();
  const collapsed = glued.replace(/(\p{L})\1{2,}/gu, '$1').replace(/(\p{L})\1+(?=\p{L}|$)/gu, '$1');
  const backwards = words(undone)
    .split(' ')
    .map((word) => Array.from(word).reverse().join(''))
    .join(' ');
  return [
    ...new Set([words(base), words(undone), words(spelled), glued, words(collapsed), backwards]),
  ].filter((reading) => reading !== '');
}
