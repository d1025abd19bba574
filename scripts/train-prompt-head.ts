import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE_DIR } from '../core/paths.js';
import { RunMeter } from '../models/run-meter.js';
import { HEAD_FILE, MEANING_LABELS, probabilities, readExamples } from '../safety/prompt/meaning.js';
import { EMBEDDING_SIZE, SentenceModel } from '../safety/prompt/sentence-model.js';

/**
 * Trains the head of the prompt check's meaning layer on safety/prompt/examples.tsv:
 *
 *   npm run build && node dist/scripts/train-prompt-head.js
 *
 * Multinomial logistic regression with an L2 penalty by full-batch gradient descent with momentum; no randomness,
 * so the same examples give the same file.
 */
const STEPS = 1500;
const RATE = 4;
const MOMENTUM = 0.9;
const PENALTY = 4e-4;
const DIGITS = 3;

const sentences = await SentenceModel.load(join(CACHE_DIR, 'safety'), new RunMeter());
const { digest, examples } = readExamples();
const labels: readonly string[] = MEANING_LABELS;
const rows: { embedding: Float32Array; label: number }[] = [];
for (const { label, text } of examples) {
  if (!labels.includes(label)) throw new Error(`examples.tsv: there is no category "${label}"`);
  const [embedding] = await sentences.embed([text.toLowerCase()]);
  rows.push({ embedding, label: labels.indexOf(label) });
}

const weights = labels.map(() => new Array<number>(EMBEDDING_SIZE).fill(0));
const bias = labels.map(() => 0);
const speed = labels.map(() => new Float64Array(EMBEDDING_SIZE + 1));
for (let step = 0; step < STEPS; step++) {
  const gradient = labels.map(() => new Float64Array(EMBEDDING_SIZE + 1));
  for (const { embedding, label } of rows) {
    probabilities({ bias, weights }, embedding).forEach((probability, k) => {
      const error = (probability - (k === label ? 1 : 0)) / rows.length;
      for (let i = 0; i < EMBEDDING_SIZE; i++) gradient[k][i] += error * embedding[i];
      gradient[k][EMBEDDING_SIZE] += error;
    });
  }
  labels.forEach((_, k) => {
    for (let i = 0; i <= EMBEDDING_SIZE; i++) {
      const pull = i < EMBEDDING_SIZE ? PENALTY * weights[k][i] : 0;
      speed[k][i] = MOMENTUM * speed[k][i] - RATE * (gradient[k][i] + pull);
      if (i < EMBEDDING_SIZE) weights[k][i] += speed[k][i];
      else bias[k] += speed[k][i];
    }
  });
}

const rounded = (value: number): number => Number(value.toFixed(DIGITS));
const head = {
  examples: digest,
  labels,
  bias: bias.map(rounded),
  weights: weights.map((row) => row.map(rounded)),
};
writeFileSync(HEAD_FILE, `${JSON.stringify(head)}\n`);
const right = rows.filter(({ embedding, label }) => {
  const scores = probabilities(head, embedding);
  return scores.indexOf(Math.max(...scores)) === label;
}).length;
console.log(`${HEAD_FILE}: ${rows.length} examples, ${right} of them on the right side`);
