/** A token that is looked for in the text itself, before the text is cut into words. */
export interface AddedToken {
  readonly content: string;
  readonly id: number;
  /** Looked for after normalisation instead of before. */
  readonly normalized: boolean;
  /** Takes the white space before or after it along. */
  readonly trimsLeft: boolean;
  readonly trimsRight: boolean;
  /** Not found inside a longer word. */
  readonly wholeWord: boolean;
}

/** A stretch of text between added tokens, or the id of one. */
type Segment = string | number;

const WORD_BEFORE = /[\p{L}\p{N}\p{M}_]$/u;
const WORD_AFTER = /^[\p{L}\p{N}\p{M}_]/u;

/** Cuts texts at added tokens: the leftmost first, of several at one place the longest. */
export class AddedTokens {
  readonly #raw: Splitter | undefined;
  readonly #normalized: Splitter | undefined;

  constructor(
    tokens: readonly AddedToken[],
    private readonly normalize: (text: string) => string,
  ) {
    this.#raw = splitter(
      tokens.filter((token) => !token.normalized),
      (content) => content,
    );
    this.#normalized = splitter(
      tokens.filter((token) => token.normalized),
      normalize,
    );
  }

  /** Ids of added tokens and the normalised texts between them, in order. */
  split(text: string): Segment[] {
    return cut(text, this.#raw).flatMap((segment) =>
      typeof segment === 'number' ? [segment] : cut(this.normalize(segment), this.#normalized),
    );
  }
}

interface Splitter {
  readonly pattern: RegExp;
  readonly tokens: ReadonlyMap<string, AddedToken>;
}

function splitter(tokens: readonly AddedToken[], spell: (content: string) => string): Splitter | undefined {
  const spelled = new Map(tokens.map((token) => [spell(token.content), token]));
  spelled.delete('');
  if (spelled.size === 0) return undefined;
  const longestFirst = [...spelled.keys()].sort((a, b) => b.length - a.length);
  const escaped = longestFirst.map((content) => content.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
  return { pattern: new RegExp(escaped.join('|'), 'gu'), tokens: spelled };
}

function cut(text: string, by: Splitter | undefined): Segment[] {
  if (by === undefined) return text === '' ? [] : [text];
  const segments: Segment[] = [];
  let done = 0;
  for (const match of text.matchAll(by.pattern)) {
    const token = by.tokens.get(match[0])!;
    let start = match.index;
    let end = start + match[0].length;
    if (token.wholeWord && (WORD_BEFORE.test(text.slice(0, start)) || WORD_AFTER.test(text.slice(end))))
      continue;
    if (token.trimsLeft) start = text.slice(done, start).replace(/\p{White_Space}+$/u, '').length + done;
    if (token.trimsRight) end = text.length - text.slice(end).replace(/^\p{White_Space}+/u, '').length;
    if (start > done) segments.push(text.slice(done, start));
    segments.push(token.id);
    done = Math.max(done, end);
  }
  if (done < text.length) segments.push(text.slice(done));
  return segments;
}
