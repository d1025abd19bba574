import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { NodeError } from '../../core/errors.js';
import { PROJECT_ROOT } from '../../core/paths.js';

const category = z.strictObject({
  /** Told to the customer; never contains the prompt. */
  reason: z.string(),
  /** Any of these words or phrases alone refuses. `*` at an end stands for any letters. */
  refuse: z.array(z.string()).default([]),
  /** Refused only when a word of `with` stands in the prompt too. */
  together: z.array(z.strictObject({ any: z.array(z.string()), with: z.array(z.string()) })).default([]),
  /** Toxicity model score from which the category refuses; absent: the model is not asked for it. */
  toxicity: z.number().min(0).max(1).optional(),
});

const promptPolicy = z.strictObject({
  version: z.number().int(),
  /** Innocent phrases that contain a listed word; removed before the lists are read. */
  allowed: z.array(z.string()),
  /** In order: the first category that refuses gives the verdict. */
  categories: z.record(z.string(), category),
});
export type PromptPolicy = z.infer<typeof promptPolicy>;

const DEFAULT_POLICY = join(PROJECT_ROOT, 'safety', 'prompt', 'policy.json');

/** @throws CHECK_UNAVAILABLE naming the file: a node without a policy lets nothing through. */
export function readPolicy(path = DEFAULT_POLICY): PromptPolicy {
  try {
    return promptPolicy.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new NodeError(
      'CHECK_UNAVAILABLE',
      `the prompt policy ${path} cannot be used: ${(error as Error).message}`,
      { cause: error },
    );
  }
}
