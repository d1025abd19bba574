import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { CACHE_DIR } from '../../core/paths.js';
import { RunMeter } from '../../models/run-meter.js';
import { HEAD_FILE, MeaningModel, piecesOf, readExamples } from './meaning.js';

const goldens: { text: string; embedding: number[] }[] = JSON.parse(
  readFileSync(new URL('./goldens/sentences.json', import.meta.url), 'utf8'),
);
let model: MeaningModel;
beforeAll(async () => {
  model = await MeaningModel.load(join(CACHE_DIR, 'safety'), new RunMeter());
});

const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i], 0);

describe('sentence embeddings', () => {
  test.each(goldens.map(({ text, embedding }) => [text.slice(0, 40), text, embedding] as const))(
    'are those of transformers and onnxruntime: %s',
    async (_, text, embedding) => {
      const [ours] = await model.sentences.embed([text]);
      const largest = Math.max(...Array.from(ours, (value, i) => Math.abs(value - embedding[i])));
      expect(largest).toBeLessThan(1e-4);
    },
  );

  // The int8 graph takes one scale for the whole batch, so neighbours move an embedding a little.
  test('in a batch stay close to those alone', async () => {
    const batch = await model.sentences.embed(goldens.map(({ text }) => text));
    batch.forEach((ours, i) => expect(cosine(ours, goldens[i].embedding)).toBeGreaterThan(0.97));
  });
});

describe('the meaning layer', () => {
  test('was trained on the examples as they are', () => {
    const head = JSON.parse(readFileSync(HEAD_FILE, 'utf8'));
    expect(head.examples, 'run: npm run build && node dist/scripts/train-prompt-head.js').toBe(
      readExamples().digest,
    );
  });

  test('has no example that the evaluation has too', () => {
    const file = readFileSync(new URL('../evaluation/prompts.tsv', import.meta.url), 'utf8');
    const measured = new Set(file.split('\n').map((line) => line.split('\t')[2]?.toLowerCase()));
    expect(readExamples().examples.filter(({ text }) => measured.has(text.toLowerCase()))).toEqual([]);
  });

  test('knows a paraphrase that no list has words for', async () => {
    const scores = await model.scores('the lovers have shed every garment and give themselves to each other');
    expect(scores.sexual).toBeGreaterThan(0.5);
    const innocent = await model.scores('the lovers have shed tears of joy and give each other rings');
    expect(innocent.sexual).toBeLessThan(0.5);
  });

  test('reads a long prompt piece by piece', () => {
    expect(piecesOf('a short one')).toEqual(['a short one']);
    const clauses = Array.from({ length: 12 }, (_, i) => `clause number ${i} of the prompt`);
    const [whole, ...pieces] = piecesOf(clauses.join(', '));
    expect(whole).toBe(clauses.join(', '));
    expect(pieces.length).toBeGreaterThan(3);
    expect(pieces.join(', ').match(/clause/gu)).toHaveLength(12);
    expect(piecesOf('word '.repeat(2000)).length).toBeLessThanOrEqual(13);
  });
});
