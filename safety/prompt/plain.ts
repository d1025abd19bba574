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
  п: 'n',
  օ: 'o',
  ո: 'n',
  ս: 'u',
  հ: 'h',
  ց: 'g',
  զ: 'q',
  σ: 'o',
  γ: 'y',
  μ: 'u',
  δ: 'd',
  ŋ: 'n',
  ɛ: 'e',
  ǝ: 'e',
  ɐ: 'a',
  ɾ: 'r',
  ʋ: 'v',
  ƒ: 'f',
  ʂ: 's',
  ɖ: 'd',
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

/** Each run of escapes by itself: "100% wool" beside one is no encoding. */
function decodeUrl(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/giu, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
}

/** Encodings may be nested, as in `&amp;#110;`. */
const NESTED = 3;

function decoded(text: string): string {
  let current = text;
  for (let i = 0; i < NESTED; i++) current = decodeUrl(decodeEntities(current));
  return current;
}

/** Blocks of A to Z that NFKD leaves: negative circled, negative squared, regional indicators. */
const ALPHABETS = [0x1f150, 0x1f170, 0x1f1e6];

function latin(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const start = ALPHABETS.find((first) => code >= first && code < first + 26);
  if (start !== undefined) return String.fromCodePoint(97 + code - start);
  return CONFUSABLES[character] ?? character;
}

/**
 * Text as a reader sees it, in plain lower-case Latin letters where it imitates them: entities and URL
 * escapes decoded, compatibility forms folded, marks and invisible characters removed, look-alikes replaced,
 * prompt weights `(word:1.3)` unwrapped.
 */
export function plain(text: string): string {
  const folded = decoded(text)
    .normalize('NFKD')
    .replace(/[\p{M}\p{Cf}]/gu, '')
    .toLowerCase();
  return Array.from(folded, latin)
    .join('')
    .replace(/[’‘`´]/gu, "'")
    .replace(/:-?\d+(\.\d+)?(?=\s*[)\]}>])/gu, '')
    .replace(/[()[\]{}]/gu, '');
}
