import { asNodeError, NodeError } from '../../core/errors.js';
import type { PromptVerdict } from '../../core/messages.js';
import type { RunMeter } from '../../models/run-meter.js';
import { plain } from './normalise.js';
import { readPolicy, type PromptPolicy } from './policy.js';
import { ToxicityModel } from './toxicity.js';
import { WordLists } from './word-lists.js';

export interface PromptChecker {
  /** @throws CHECK_UNAVAILABLE when any layer could not answer */
  check(input: { prompt: string; negative?: string | undefined }): Promise<PromptVerdict>;
}

export interface PromptCheckerOptions {
  /** Folder made by set-up. */
  readonly modelsDir: string;
  readonly policyFile?: string | undefined;
  readonly meter: RunMeter;
}

function refusal(policy: PromptPolicy, category: string, layer: string, score: number): PromptVerdict {
  return { allowed: false, category, layer, score, reason: policy.categories[category].reason };
}

/**
 * A negative prompt names what must not be seen, so "nudity" there is innocent. What it may not do is turn
 * round: words that ask for less clothing or safety are refused as if they were asked for.
 */
const TURNED_ROUND =
  /(?<!\p{L})(clothes|clothing|clothed|dressed|censor\w*|sfw|safe for work|underwear|bikini|bra|pants)(?!\p{L})/u;

/** Loads every layer of the prompt check. @throws CHECK_UNAVAILABLE */
export async function createPromptChecker(options: PromptCheckerOptions): Promise<PromptChecker> {
  const policy = readPolicy(options.policyFile);
  const lists = new WordLists(policy);
  let toxicity: ToxicityModel;
  try {
    toxicity = await ToxicityModel.load(options.modelsDir, options.meter);
  } catch (error) {
    throw new NodeError(
      'CHECK_UNAVAILABLE',
      `the toxicity model cannot be loaded: ${asNodeError(error).message}`,
      {
        cause: error,
        hint: 'Run: npx zsky-node setup',
      },
    );
  }
  const byToxicity = Object.entries(policy.categories).flatMap(([category, { toxicity: from }]) =>
    from === undefined ? [] : [{ category, from }],
  );

  return {
    async check({ prompt, negative }) {
      const category = lists.find(prompt);
      if (category !== undefined) return refusal(policy, category, 'list', 1);
      if (negative !== undefined && TURNED_ROUND.test(plain(negative)))
        return refusal(policy, 'sexual', 'negative', 1);
      const score = await toxicity.score(lists.withoutAllowed(prompt));
      if (!Number.isFinite(score))
        throw new NodeError('CHECK_UNAVAILABLE', 'the toxicity model gave no number');
      const over = byToxicity.find(({ from }) => score >= from);
      return over === undefined ? { allowed: true } : refusal(policy, over.category, 'toxicity', score);
    },
  };
}
