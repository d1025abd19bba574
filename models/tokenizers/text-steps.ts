import { z } from 'zod';
import { BYTE_CHARACTERS } from './byte-characters.js';
import { Charsmap } from './charsmap.js';

/** A step of tokenizer.json's `normalizer` or `pre_tokenizer`. */
export const stepSchema = z.object({ type: z.string() }).loose();
export type Step = z.output<typeof stepSchema>;

const METASPACE = '▁';

function optional<T>(schema: z.ZodType<T>, step: Step, name: string, fallback: T): T {
  return schema.optional().parse(step[name]) ?? fallback;
}

function patternOf(pattern: unknown): RegExp {
  const { String: text, Regex: source } = z
    .object({ String: z.string().optional(), Regex: z.string().optional() })
    .parse(pattern);
  const escaped = (text ?? '').replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  return new RegExp(source === undefined ? escaped : inJavaScript(source), 'gu');
}

/** An Oniguruma pattern whose white space is Unicode's and whose `(?i:…)` is spelled out, which Node 20 lacks. */
function inJavaScript(source: string): string {
  const bothCases = (letter: string) => `[${letter.toLowerCase()}${letter.toUpperCase()}]`;
  return source
    .replace(/\(\?i:([^()]*)\)/g, (_, body: string) => `(?:${body.replace(/[a-z]/gi, bothCases)})`)
    .replaceAll('\\s', '\\p{White_Space}')
    .replaceAll('\\S', '\\P{White_Space}');
}

/** The function that a normaliser's description stands for. Throws for kinds that T5's relatives do not use. */
export function normalizerOf(step: Step | null | undefined): (text: string) => string {
  if (!step) return (text) => text;
  switch (step.type) {
    case 'Sequence': {
      const steps = z.array(stepSchema).parse(step['normalizers']).map(normalizerOf);
      return (text) => steps.reduce((value, apply) => apply(value), text);
    }
    case 'Precompiled': {
      const map = new Charsmap(Buffer.from(z.string().parse(step['precompiled_charsmap']), 'base64'));
      return (text) => map.normalize(text);
    }
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD': {
      const form = step.type;
      return (text) => text.normalize(form);
    }
    case 'Lowercase':
      return (text) => text.replace(/Σ/g, 'σ').toLowerCase();
    case 'Strip': {
      const left = optional(z.boolean(), step, 'strip_left', true);
      const right = optional(z.boolean(), step, 'strip_right', true);
      return (text) => {
        const begun = left ? text.replace(/^\p{White_Space}+/u, '') : text;
        return right ? begun.replace(/\p{White_Space}+$/u, '') : begun;
      };
    }
    case 'Replace': {
      const pattern = patternOf(step['pattern']);
      const content = z.string().parse(step['content']);
      return (text) => text.replace(pattern, () => content);
    }
    case 'Prepend': {
      const prefix = z.string().parse(step['prepend']);
      return (text) => (text === '' ? '' : prefix + text);
    }
    default:
      throw new Error(`the normalizer ${step.type} is not known`);
  }
}

/** Cuts a normalised stretch of text into words; `first` where it begins the text. */
export type WordSplitter = (text: string, first: boolean) => string[];

/** The function that a pre-tokenizer's description stands for. Throws for kinds that no known text encoder uses. */
export function wordSplitterOf(step: Step | null | undefined): WordSplitter {
  if (!step) return (text) => [text];
  switch (step.type) {
    case 'Sequence': {
      const steps = z.array(stepSchema).parse(step['pretokenizers']).map(wordSplitterOf);
      return (text, first) =>
        steps.reduce((words, split) => words.flatMap((word, i) => split(word, first && i === 0)), [text]);
    }
    case 'WhitespaceSplit':
      return (text) => text.split(/\p{White_Space}+/u).filter((word) => word !== '');
    case 'Metaspace': {
      const mark = optional(z.string(), step, 'replacement', METASPACE);
      const older = optional(z.boolean(), step, 'add_prefix_space', true) ? 'always' : 'never';
      const scheme = optional(z.enum(['always', 'first', 'never']), step, 'prepend_scheme', older);
      const split = optional(z.boolean(), step, 'split', true);
      return (text, first) => {
        let marked = text.replaceAll(' ', mark);
        const prepend = scheme === 'always' || (scheme === 'first' && first);
        if (prepend && marked !== '' && !marked.startsWith(mark)) marked = mark + marked;
        return split ? splitBefore(marked, mark) : [marked];
      };
    }
    case 'Split': {
      const pattern = patternOf(step['pattern']);
      const { behavior } = splitStep.parse(step);
      return (text) => splitAt(text, pattern, behavior);
    }
    case 'ByteLevel': {
      byteLevelStep.parse(step);
      return (text) => [Array.from(Buffer.from(text, 'utf8'), (byte) => BYTE_CHARACTERS[byte]).join('')];
    }
    default:
      throw new Error(`the pre-tokenizer ${step.type} is not known`);
  }
}

/** The step may also cut words by itself and put a space first; the models that are run have that done before it, or not. */
const byteLevelStep = z.object({ add_prefix_space: z.literal(false), use_regex: z.literal(false) });

const splitStep = z.object({
  behavior: z.enum(['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext']),
  invert: z.literal(false).default(false),
});

/** Cuts a text at every match, which goes where `behavior` says. */
function splitAt(text: string, pattern: RegExp, behavior: z.output<typeof splitStep>['behavior']): string[] {
  const words: string[] = [];
  let start = 0;
  for (const match of text.matchAll(pattern)) {
    const end = match.index + match[0].length;
    if (behavior === 'MergedWithPrevious') words.push(text.slice(start, end));
    else words.push(text.slice(start, match.index));
    if (behavior === 'Isolated') words.push(match[0]);
    start = behavior === 'MergedWithNext' ? match.index : end;
  }
  words.push(text.slice(start));
  return words.filter((word) => word !== '');
}

/** Every mark begins a word and stays with it. */
function splitBefore(text: string, mark: string): string[] {
  const words: string[] = [];
  let start = 0;
  for (let at = text.indexOf(mark, 1); at >= 0; at = text.indexOf(mark, at + 1)) {
    words.push(text.slice(start, at));
    start = at;
  }
  if (start < text.length) words.push(text.slice(start));
  return words;
}
