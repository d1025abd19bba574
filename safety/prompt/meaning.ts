import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { NodeError } from '../../core/errors.js';
import { PROJECT_ROOT } from '../../core/paths.js';
import type { RunMeter } from '../../models/run-meter.js';
import { CATEGORIES, type Category } from '../policy/policy.js';
import { EMBEDDING_SIZE, SentenceModel } from './sentence-model.js';

export const MEANING_LABELS = [...CATEGORIES, 'innocent'] as const;
/** Probability of each category; the rest to 1 is innocent. */
export type MeaningScores = Readonly<Record<Category, number>>;

const headFile = z.strictObject({
  /** SHA-256 of the examples it was trained on. */
  examples: z.string(),
  labels: z.tuple(MEANING_LABELS.map((label) => z.literal(label)) as [z.ZodLiteral, ...z.ZodLiteral[]]),
  bias: z.array(z.number()).length(MEANING_LABELS.length),
  /** `[labels][384]` */
  weights: z.array(z.array(z.number()).length(EMBEDDING_SIZE)).length(MEANING_LABELS.length),
});
export type MeaningHead = z.infer<typeof headFile>;

const FOLDER = join(PROJECT_ROOT, 'safety', 'prompt');
export const HEAD_FILE = join(FOLDER, 'meaning-head.json');

/** The labelled examples that the head is trained on, and their digest. */
export function readExamples(): { digest: string; examples: { label: string; text: string }[] } {
  const content = readFileSync(join(FOLDER, 'examples.tsv'), 'utf8');
  const lines = content.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const examples = lines.map((line) => {
    const [label, text] = line.split('\t');
    return { label, text };
  });
  return { digest: createHash('sha256').update(content).digest('hex'), examples };
}

/** Longer prompts are also read piece by piece, so that a sentence is not lost among others. */
const WORDS_A_PIECE = 14;
const MOST_PIECES = 12;

/** The text itself and, when it is long, its clauses gathered into pieces of some words. */
export function piecesOf(text: string): string[] {
  const words = text.split(/\s+/u).length;
  if (words <= WORDS_A_PIECE) return [text];
  const clauses = text.split(/[,.;:!?\n]+\s*/u).flatMap((clause) => {
    const parts = clause.split(/\s+/u).filter((word) => word !== '');
    const pieces: string[][] = [];
    for (let i = 0; i < parts.length; i += WORDS_A_PIECE) pieces.push(parts.slice(i, i + WORDS_A_PIECE));
    return pieces;
  });
  const room = Math.max(WORDS_A_PIECE, Math.ceil(words / (MOST_PIECES - 1)));
  const pieces: string[][] = [];
  for (const clause of clauses) {
    const last = pieces.at(-1);
    if (last !== undefined && last.length + clause.length <= room) last.push(',', ...clause);
    else pieces.push([...clause]);
  }
  return [text, ...pieces.map((piece) => piece.join(' ').replaceAll(' ,', ','))];
}

/** What a prompt means, by a linear classifier over sentence embeddings: it catches what no list has words for. */
export class MeaningModel {
  private constructor(
    readonly sentences: SentenceModel,
    private readonly head: MeaningHead,
  ) {}

  static async load(modelsDir: string, meter: RunMeter): Promise<MeaningModel> {
    const sentences = await SentenceModel.load(modelsDir, meter);
    return new MeaningModel(sentences, headFile.parse(JSON.parse(readFileSync(HEAD_FILE, 'utf8'))));
  }

  /**
   * Scores of a text: of the piece of it that is least innocent.
   * @throws CHECK_UNAVAILABLE when the model gave no numbers
   */
  async scores(text: string): Promise<MeaningScores> {
    const embeddings = await this.sentences.embed(piecesOf(text));
    const each = embeddings.map((embedding) => probabilities(this.head, embedding));
    if (!each.flat().every(Number.isFinite))
      throw new NodeError('CHECK_UNAVAILABLE', 'the sentence model gave values that are no numbers');
    const innocent = MEANING_LABELS.length - 1;
    const worst = each.reduce((a, b) => (b[innocent] < a[innocent] ? b : a));
    return Object.fromEntries(CATEGORIES.map((name, i) => [name, worst[i]])) as unknown as MeaningScores;
  }
}

/** Softmax of the head's linear functions. */
export function probabilities(
  { bias, weights }: Pick<MeaningHead, 'bias' | 'weights'>,
  embedding: Float32Array,
): number[] {
  const logits = weights.map((row, label) =>
    row.reduce((sum, weight, i) => sum + weight * embedding[i], bias[label]),
  );
  const highest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - highest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}
