import { asNodeError, NodeError } from '../../core/errors.js';
import type { PromptVerdict } from '../../core/messages.js';
import type { RunMeter } from '../../models/run-meter.js';
import { CATEGORIES, readPolicy, refusalText, type Category, type SafetyPolicy } from '../policy/policy.js';
import { listedWords, Lexicon } from './lexicon.js';
import { MeaningModel, type MeaningScores } from './meaning.js';
import { NegativePrompts, type TurnedRound } from './negative-prompt.js';
import { readingsOf, type Readings } from './readings.js';
import { ToxicityModel } from './toxicity.js';
import { WordLists } from './word-lists.js';

export interface PromptChecker {
  /** @throws CHECK_UNAVAILABLE when any layer could not answer */
  check(input: { prompt: string; negative?: string | undefined }): Promise<PromptVerdict>;
}

export interface PromptCheckerOptions {
  /** Folder made by set-up. */
  readonly modelsDir: string;
  /** Absent: the policy that comes with the node. */
  readonly policyFolder?: string | undefined;
  readonly meter: RunMeter;
}

/**
 * What refuses minors with anything sexual besides the word lists. Fixed here and not in the policy: no operator
 * can widen it.
 */
const MINORS = {
  /** Score of the meaning layer for the category itself. */
  meaning: 0.4,
  /** Sexual or minors score when the prompt names a minor, or its negative prompt asks for one. */
  sexualBesideMinor: 0.3,
};
/** Sexual score from which a negative prompt that takes single garments away is taken at its word. */
const LEANS_SEXUAL = 0.2;

/**
 * Which of several lists names the refusal. A real person comes first: those rules want a person besides what other
 * lists refuse of anybody.
 */
const LISTED_FIRST: readonly Category[] = ['real-person', ...CATEGORIES];

interface Finding {
  readonly category: Category;
  readonly layer: 'word list' | 'meaning' | 'toxicity' | 'negative prompt';
  readonly score: number;
}

/** Loads every layer of the prompt check. @throws CHECK_UNAVAILABLE, CONFIG_INVALID */
export async function createPromptChecker(options: PromptCheckerOptions): Promise<PromptChecker> {
  const policy = readPolicy(options.policyFolder);
  const { modelsDir, meter } = options;
  try {
    const meaning = await MeaningModel.load(modelsDir, meter);
    const toxicity = await ToxicityModel.load(modelsDir, meter);
    return new LayeredChecker(policy, meaning, toxicity);
  } catch (error) {
    throw new NodeError(
      'CHECK_UNAVAILABLE',
      `a model of the prompt check cannot be loaded: ${asNodeError(error).message}`,
      {
        cause: error,
        hint: 'Run: npx zsky-node setup',
      },
    );
  }
}

class LayeredChecker implements PromptChecker {
  readonly #lists: WordLists;
  readonly #lexicon: Lexicon;
  readonly #negatives: NegativePrompts;

  constructor(
    private readonly policy: SafetyPolicy,
    private readonly meaning: MeaningModel,
    private readonly toxicity: ToxicityModel,
  ) {
    this.#lists = new WordLists(policy);
    this.#lexicon = new Lexicon(meaning.sentences.vocabulary, listedWords(policy));
    this.#negatives = new NegativePrompts(policy, this.#lists, this.#lexicon);
  }

  async check({
    prompt,
    negative,
  }: {
    prompt: string;
    negative?: string | undefined;
  }): Promise<PromptVerdict> {
    const readings = readingsOf(prompt, this.#lexicon);
    const turned = this.#negatives.read(negative);
    const listed = this.#lists.refusing(readings.words);
    const byList = this.#byList(listed, turned, readings);
    if (byList !== undefined) return this.#refusal(byList);
    const sentence = this.#lists.withoutAllowed(readings.sentence.replace(/[-_/]+/gu, ' '));
    const scores = await this.meaning.scores(sentence);
    const byMeaning =
      this.#minorsByMeaning(scores, turned, readings) ??
      this.#byNegative(scores, turned) ??
      this.#byMeaning(scores, readings);
    if (byMeaning !== undefined) return this.#refusal(byMeaning);
    const byToxicity = await this.#byToxicity(sentence);
    return byToxicity === undefined ? { allowed: true } : this.#refusal(byToxicity);
  }

  #refuses(category: Category): boolean {
    return this.policy.categories[category].action === 'refuse';
  }

  #byList(listed: readonly Category[], turned: TurnedRound, { words }: Readings): Finding | undefined {
    const sexual = listed.includes('sexual') || turned.undresses;
    if (listed.includes('minors')) return { category: 'minors', layer: 'word list', score: 1 };
    if (turned.namesMinorSexually) return { category: 'minors', layer: 'negative prompt', score: 1 };
    if (sexual && (turned.rejuvenates || this.#lists.namesMinor(words)))
      return { category: 'minors', layer: 'negative prompt', score: 1 };
    const category = LISTED_FIRST.find((each) => listed.includes(each) && this.#refuses(each));
    return category === undefined ? undefined : { category, layer: 'word list', score: 1 };
  }

  #minorsByMeaning(scores: MeaningScores, turned: TurnedRound, { words }: Readings): Finding | undefined {
    const sexual = scores.sexual + scores.minors;
    const minor = turned.rejuvenates || this.#lists.namesMinor(words);
    const found = scores.minors >= MINORS.meaning || (minor && sexual >= MINORS.sexualBesideMinor);
    return found ? { category: 'minors', layer: 'meaning', score: Math.min(1, sexual) } : undefined;
  }

  #byNegative(scores: MeaningScores, turned: TurnedRound): Finding | undefined {
    if (!this.#refuses('sexual')) return undefined;
    if (turned.undresses) return { category: 'sexual', layer: 'negative prompt', score: 1 };
    if (turned.uncovers && scores.sexual >= LEANS_SEXUAL)
      return { category: 'sexual', layer: 'negative prompt', score: scores.sexual };
    return undefined;
  }

  /** The likeliest category; its score is what all refused categories have together, since they border on each other. */
  #byMeaning(scores: MeaningScores, { words }: Readings): Finding | undefined {
    const refused = CATEGORIES.filter((category) => this.#refuses(category));
    const category = refused.reduce((a, b) => (scores[b] > scores[a] ? b : a));
    const score = Math.min(
      1,
      refused.reduce((sum, each) => sum + scores[each], 0),
    );
    // Minors have no threshold of their own; a text between them and another category is judged as sexual.
    const { meaning, meaningWithWord } =
      this.policy.categories[category === 'minors' ? 'sexual' : category].prompt;
    const from = this.#lists.suspects(category, words) ? Math.min(meaning, meaningWithWord) : meaning;
    return score >= from ? { category, layer: 'meaning', score } : undefined;
  }

  async #byToxicity(text: string): Promise<Finding | undefined> {
    const asked = CATEGORIES.flatMap((category) => {
      const settings = this.policy.categories[category];
      const from = 'prompt' in settings ? settings.prompt.toxicity : undefined;
      return from === undefined || !this.#refuses(category) ? [] : [{ category, from }];
    });
    if (asked.length === 0) return undefined;
    const score = await this.toxicity.score(text);
    if (!Number.isFinite(score))
      throw new NodeError('CHECK_UNAVAILABLE', 'the toxicity model gave no number');
    const over = asked.find(({ from }) => score >= from);
    return over === undefined ? undefined : { category: over.category, layer: 'toxicity', score };
  }

  #refusal({ category, layer, score }: Finding): PromptVerdict {
    return { allowed: false, category, layer, score, reason: refusalText(this.policy, category, 'prompt') };
  }
}
