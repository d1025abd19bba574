import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { NodeError } from '../../core/errors.js';
import { PROJECT_ROOT } from '../../core/paths.js';
import { readWordFile, readWords, type WordFile } from './word-file.js';

const score = z.number().min(0).max(1);

const promptThresholds = z.strictObject({
  /** Score of the meaning layer from which a prompt is refused. */
  meaning: score,
  /** The same for a prompt that has a word under `[suspect]` in the category's list. */
  meaningWithWord: score,
  /** Score of the toxicity model; absent: it is not asked for this category. */
  toxicity: score.optional(),
});

const pictureThresholds = z
  .strictObject({
    /** Score of the whole picture from which it is refused. */
    whole: score,
    /** The same for a part of it. */
    crop: score,
    /** Score of the whole or a part from which the stricter classifier is asked about that part. */
    unsure: score,
    /** Its score from which the picture is refused. */
    strict: score,
  })
  .refine(({ whole, crop, unsure }) => unsure <= Math.min(whole, crop), {
    error: 'must not be above "whole" or "crop": nothing would ever be unsure',
    path: ['unsure'],
  });

const reason = z.string().min(1);
const category = z.strictObject({
  /** Told to the customer; ends the sentence "Sorry — our safety check stopped this request: …". */
  reason,
  /** `allow` turns the category off. */
  action: z.enum(['refuse', 'allow']),
  prompt: promptThresholds,
});

const policyFile = z.strictObject({
  version: z.literal(2),
  categories: z.strictObject({
    /** Neither threshold nor action: minors with anything sexual are refused, whatever the rest says. */
    minors: z.strictObject({ reason, action: z.literal('refuse') }),
    sexual: category.extend({ picture: pictureThresholds }),
    violence: category,
    hate: category,
    'self-harm': category,
    extremism: category,
    'real-person': category,
  }),
});
export type Category = keyof z.infer<typeof policyFile>['categories'];
/** Categories that an operator can tune. */
export type TunedCategory = Exclude<Category, 'minors'>;
export type PictureThresholds = z.infer<typeof pictureThresholds>;

export type SafetyPolicy = z.infer<typeof policyFile> & {
  readonly words: Readonly<Record<Category, WordFile>>;
  /** Innocent phrases that contain a listed word. */
  readonly allowed: readonly string[];
  /** Words by which a negative prompt turns round; see `words/negative.txt`. */
  readonly negative: Readonly<Record<'clothed' | 'covering' | 'adult', readonly string[]>>;
};

/** In the order in which a verdict is looked for. */
export const CATEGORIES = Object.keys(policyFile.shape.categories.shape) as readonly Category[];
const DEFAULT_FOLDER = join(PROJECT_ROOT, 'safety', 'policy');

/**
 * Reads a policy folder: `policy.json`, and `words/` with a list for each category.
 * @throws CONFIG_INVALID naming the file and each wrong place: a node without a policy lets nothing through
 */
export function readPolicy(folder = DEFAULT_FOLDER): SafetyPolicy {
  const path = join(folder, 'policy.json');
  try {
    const parsed = policyFile.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
    const listOf = (name: Category) => [name, readWordFile(join(folder, 'words', `${name}.txt`))] as const;
    const words = Object.fromEntries(CATEGORIES.map(listOf)) as Record<Category, WordFile>;
    setOf(words.minors, 'minors', 'minor');
    const turned = readWordFile(join(folder, 'words', 'negative.txt'));
    const negative = {
      clothed: setOf(turned, 'negative', 'clothed'),
      covering: setOf(turned, 'negative', 'covering'),
      adult: setOf(turned, 'negative', 'adult'),
    };
    return { ...parsed.data, words, allowed: readWords(join(folder, 'words', 'allowed.txt')), negative };
  } catch (error) {
    throw new NodeError(
      'CONFIG_INVALID',
      `the safety policy ${folder} cannot be used: ${(error as Error).message}`,
      {
        cause: error,
        hint: `Compare it with ${DEFAULT_FOLDER}; docs/safety.md explains every entry.`,
      },
    );
  }
}

function setOf(file: WordFile, name: string, set: string): readonly string[] {
  const words = file.sets[set];
  if (words === undefined || words.length === 0)
    throw new Error(`words/${name}.txt has no words under [set ${set}]`);
  return words;
}

/** What a customer is told. */
export function refusalText(policy: SafetyPolicy, name: Category, subject: 'prompt' | 'result'): string {
  return `Sorry — our safety check stopped this ${subject}: ${policy.categories[name].reason}.`;
}
