const ONES =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const TENS = 'zero ten twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const SCALES: readonly (readonly [size: number, name: string])[] = [
  [1_000_000_000, 'billion'],
  [1_000_000, 'million'],
  [1000, 'thousand'],
  [100, 'hundred'],
];

/** A whole number below a trillion in words. */
export function numberInWords(value: number): string {
  for (const [size, name] of SCALES) {
    if (value >= size) {
      const rest = value % size;
      const head = `${numberInWords(Math.floor(value / size))} ${name}`;
      if (rest === 0) return head;
      return `${head} ${rest < 100 ? 'and ' : ''}${numberInWords(rest)}`;
    }
  }
  if (value < 20) return ONES[value];
  const unit = value % 10;
  return TENS[Math.floor(value / 10)] + (unit === 0 ? '' : ` ${ONES[unit]}`);
}

function digitsInWords(digits: string): string {
  const value = Number(digits);
  // Telephone numbers and codes are read digit by digit, years in pairs.
  if (digits.length > 12 || (digits.length > 1 && digits.startsWith('0'))) {
    return [...digits].map((digit) => ONES[Number(digit)]).join(' ');
  }
  if (digits.length === 4 && value >= 1100 && value < 2000) {
    const low = value % 100;
    const tail = low === 0 ? 'hundred' : low < 10 ? `oh ${ONES[low]}` : numberInWords(low);
    return `${numberInWords(Math.floor(value / 100))} ${tail}`;
  }
  return numberInWords(value);
}

const SHORT: Readonly<Record<string, string>> = {
  mr: 'mister',
  mrs: 'missus',
  dr: 'doctor',
  st: 'saint',
  vs: 'versus',
  etc: 'et cetera',
};
const SIGNS: Readonly<Record<string, string>> = {
  '&': ' and ',
  '%': ' percent ',
  '@': ' at ',
  '+': ' plus ',
  '=': ' equals ',
  '°': ' degrees ',
  '#': ' number ',
};

const MONEY: Readonly<Record<string, string>> = { $: 'dollars', '£': 'pounds', '€': 'euros' };

/** Text as it is said: numbers, money, signs and common abbreviations in words, quotes and dashes made plain. */
export function spokenText(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/[’‘]/gu, "'")
    .replace(/[“”«»"()[\]{}*_]/gu, ' ')
    .replace(/[–—]/gu, ', ')
    .replace(/\b(mr|mrs|dr|st|vs|etc)\./giu, (_, word: string) => SHORT[word.toLowerCase()])
    .replace(/([$£€])(\d[\d,]*)(?:\.(\d\d))?(?!\d)/gu, (_, sign: string, whole: string, cents?: string) =>
      [whole, MONEY[sign], cents].filter((part) => part !== undefined && part !== '00').join(' '),
    )
    .replace(/\d{1,3}(?:,\d{3})+(?!\d)/gu, (grouped) => numberInWords(Number(grouped.replaceAll(',', ''))))
    .replace(/(\d+)\.(\d+)/gu, (_, whole: string, part: string) => `${whole} point ${[...part].join(' ')}`)
    .replace(/\d+/gu, digitsInWords)
    .replace(/[&%@+=°#]/gu, (sign) => SIGNS[sign])
    .replace(/\s+/gu, ' ')
    .trim();
}
