const SPEAKING =
  /(?<!\w)(?:says?|saying|said|speaks?|speaking|whispers?|whispering|shouts?|shouting|yells?|announces?|announcing|narrat(?:es?|or|ion|ing)|voice(?:-?over)?|asks?|asking|repl(?:y|ies|ying)|exclaims?|calls? out|tells?|murmurs?|dialogue|speech)(?!\w)/iu;
/** Things whose words are read, not heard. */
const WRITTEN =
  /(?<!\w)(?:signs?|signboards?|posters?|banners?|text|labels?|titles?|captions?|letters|lettering|written|writing|shirts?|logos?|screens?|neon|billboards?|books?|words|reads?|reading|caps?|mugs?|graffiti|stickers?|cards?)(?!\w)/iu;

const PAIRS: readonly (readonly [open: string, close: string])[] = [
  ['"', '"'],
  ['“', '”'],
  ['«', '»'],
  ["'", "'"],
  ['‘', '’'],
];

interface Quote {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const isWord = (character: string | undefined): boolean =>
  character !== undefined && /[\p{L}\p{N}]/u.test(character);

/** Quoted stretches; an apostrophe inside a word neither opens nor closes one. */
function quotes(prompt: string): Quote[] {
  const found: Quote[] = [];
  let position = 0;
  while (position < prompt.length) {
    const pair = PAIRS.find(([open]) => prompt[position] === open && !isWord(prompt[position - 1]));
    if (pair === undefined) {
      position += 1;
      continue;
    }
    let end = position + 1;
    while (end < prompt.length && !(prompt[end] === pair[1] && !isWord(prompt[end + 1]))) end += 1;
    if (end < prompt.length)
      found.push({ text: prompt.slice(position + 1, end), start: position, end: end + 1 });
    position = end + 1;
  }
  return found;
}

const MAX_SPOKEN_CHARACTERS = 300;

/**
 * The quoted words of a prompt that are to be heard: those next to a word of speaking, and not on a sign, a
 * shirt or another thing that is read.
 */
export function speechLines(prompt: string): string[] {
  const lines: string[] = [];
  let previousEnd = 0;
  let spokeBefore = false;
  for (const quote of quotes(prompt)) {
    const sentence = prompt.slice(previousEnd, quote.start);
    const before = sentence.split(/[.;!?]\s/u).at(-1) ?? '';
    const after: string = /^\W{0,3}(?:\p{L}+\W+){0,2}\p{L}+/u.exec(prompt.slice(quote.end))?.[0] ?? '';
    const continued: boolean = spokeBefore && /^[\s,]*(?:and|then)?[\s,]*$/iu.test(sentence);
    const spoken: boolean =
      (SPEAKING.test(before) || SPEAKING.test(after) || continued) && !WRITTEN.test(before);
    const text = quote.text.trim().slice(0, MAX_SPOKEN_CHARACTERS);
    if (spoken && isWord(/[\p{L}\p{N}]/u.exec(text)?.[0])) lines.push(text);
    spokeBefore = spoken;
    previousEnd = quote.end;
  }
  return lines;
}

/** The prompt without its quoted words, which name no sound of the scene. */
export function withoutQuotes(prompt: string): string {
  let rest = '';
  let position = 0;
  for (const quote of quotes(prompt)) {
    rest += prompt.slice(position, quote.start) + ' ';
    position = quote.end;
  }
  return rest + prompt.slice(position);
}
