import { join } from 'node:path';
import { asNodeError, NodeError } from '../../core/errors.js';
import type { RgbImage } from '../../core/media.js';
import type { RunMeter } from '../../models/run-meter.js';
import { readPolicy, refusalText } from '../policy/policy.js';
import { QuickClassifier, sexualScore, StrictClassifier, type PictureScores } from './picture-classifier.js';

/** What the first classifier said of the whole picture, and which layer and score decided. */
interface Judged {
  readonly scores: PictureScores;
  readonly layer: 'whole picture' | 'part of the picture' | 'stricter classifier';
  readonly score: number;
}

export type OutputVerdict =
  | ({ readonly allowed: true } & Judged)
  | ({ readonly allowed: false; readonly category: string; readonly reason: string } & Judged);

export interface OutputChecker {
  /** Looks at the picture and at parts of it. @throws CHECK_UNAVAILABLE */
  checkPicture(image: RgbImage): Promise<OutputVerdict>;
}

export interface OutputCheckerOptions {
  /** Folder made by set-up. */
  readonly modelsDir: string;
  /** Absent: the policy that comes with the node. */
  readonly policyFolder?: string | undefined;
  readonly meter: RunMeter;
  readonly timeoutMs?: number | undefined;
}

/** Most parts that the stricter and slower classifier is asked about. */
const MOST_STRICT = 2;
const DEFAULT_TIMEOUT_MS = 30_000;

async function loading<T>(classifier: Promise<T>): Promise<T> {
  try {
    return await classifier;
  } catch (error) {
    throw new NodeError(
      'CHECK_UNAVAILABLE',
      `a picture classifier cannot be loaded: ${asNodeError(error).message}`,
      { cause: error, hint: 'Run: npx zsky-node setup' },
    );
  }
}

/**
 * Makes the check of finished pictures: a quick classifier over the whole and parts of it, a stricter one only where the
 * quick one is unsure. Anything but finite scores in time is an unavailable check.
 * @throws CHECK_UNAVAILABLE, CONFIG_INVALID
 */
export async function createOutputChecker(options: OutputCheckerOptions): Promise<OutputChecker> {
  const policy = readPolicy(options.policyFolder);
  const { action, picture: limits } = policy.categories.sexual;
  const { modelsDir, meter } = options;
  const quick = await loading(QuickClassifier.load(join(modelsDir, 'pictures.onnx'), meter));
  const strict = await loading(StrictClassifier.load(join(modelsDir, 'pictures-strict.onnx'), meter));
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const refusing = {
    allowed: false,
    category: 'sexual',
    reason: refusalText(policy, 'sexual', 'result'),
  } as const;

  async function judge(image: RgbImage, inTime: () => void): Promise<OutputVerdict> {
    const each = await quick.judge(image);
    inTime();
    const [{ scores }] = each;
    const marked = each.map((one, i) => ({
      part: one.part,
      score: sexualScore(one.scores),
      isWhole: i === 0,
    }));
    const over = marked.find(({ score, isWhole }) => score >= (isWhole ? limits.whole : limits.crop));
    if (over !== undefined)
      return {
        ...refusing,
        scores,
        layer: over.isWhole ? 'whole picture' : 'part of the picture',
        score: over.score,
      };
    const unsure = marked.filter(({ score }) => score >= limits.unsure).sort((a, b) => b.score - a.score);
    const parts = unsure.slice(0, MOST_STRICT).map(({ part }) => part);
    if (parts.length === 0) return { allowed: true, scores, layer: 'whole picture', score: marked[0].score };
    const strictScores = (await strict.judge(image, parts)).map(sexualScore);
    inTime();
    const judged = { scores, layer: 'stricter classifier', score: Math.max(...strictScores) } as const;
    return judged.score >= limits.strict ? { ...refusing, ...judged } : { allowed: true, ...judged };
  }

  return {
    async checkPicture(image) {
      const startMs = performance.now();
      // No timer can fire while a graph runs, so what took too long is refused afterwards. A graph that never comes back
      // is the supervisor's: it kills an executor that has gone silent.
      const inTime = (): void => {
        const tookMs = performance.now() - startMs;
        if (tookMs > timeoutMs)
          throw new NodeError(
            'CHECK_UNAVAILABLE',
            `the picture check took ${Math.round(tookMs)} ms, more than the ${timeoutMs} ms it may`,
          );
      };
      try {
        const verdict = await judge(image, inTime);
        return action === 'allow' ? { allowed: true, ...judgedOf(verdict) } : verdict;
      } catch (error) {
        throw new NodeError('CHECK_UNAVAILABLE', asNodeError(error).message, { cause: error });
      }
    },
  };
}

function judgedOf({ scores, layer, score }: OutputVerdict): Judged {
  return { scores, layer, score };
}
