import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { asNodeError, NodeError } from '../../core/errors.js';
import type { RgbImage } from '../../core/media.js';
import type { RunMeter } from '../../models/run-meter.js';
import { GraphSession } from '../../models/session.js';
import { floats } from '../../models/tensor/tensor.js';
import { cropsOf, writeScaled } from './crops.js';

/** Order of the classifier's outputs. */
const CLASSES = ['drawing', 'hentai', 'neutral', 'porn', 'sexy'] as const;
export type PictureScores = Readonly<Record<(typeof CLASSES)[number], number>>;

export type OutputVerdict =
  | { readonly allowed: true; readonly scores: PictureScores }
  | {
      readonly allowed: false;
      readonly category: string;
      readonly reason: string;
      readonly scores: PictureScores;
    };

export interface OutputChecker {
  /** Looks at the picture and at five crops of it. @throws CHECK_UNAVAILABLE */
  checkPicture(image: RgbImage): Promise<OutputVerdict>;
}

export interface OutputCheckerOptions {
  /** Folder made by set-up. */
  readonly modelsDir: string;
  readonly meter: RunMeter;
  readonly timeoutMs?: number | undefined;
}

const SIDE = 224;
const PIXELS = SIDE * SIDE * 3;
const DEFAULT_TIMEOUT_MS = 30_000;
/**
 * Scores from which a picture is refused. The crops see more of a detail but less of what it belongs to, so
 * they must be surer. `sexy` alone is no ground: it is what the model says of beaches and sport.
 */
const WHOLE = { explicit: 0.6, suggestive: 0.92 };
const CROPPED = { explicit: 0.85, suggestive: 0.98 };
const REASON = 'Sorry — our safety check stopped this result: it looks like sexual content or nudity.';

function scoresAt(data: Float32Array, row: number): PictureScores {
  const scores = CLASSES.map((name, i) => [name, data[row * CLASSES.length + i]] as const);
  return Object.fromEntries(scores) as unknown as PictureScores;
}

/** Runs the picture classifier; anything but finite scores in time is an unavailable check. @throws CHECK_UNAVAILABLE */
export async function createOutputChecker(options: OutputCheckerOptions): Promise<OutputChecker> {
  let graph: GraphSession;
  try {
    graph = await GraphSession.load(
      join(options.modelsDir, 'pictures.onnx'),
      { device: 'cpu' },
      options.meter,
    );
    graph.expect(['image'], []);
  } catch (error) {
    throw new NodeError(
      'CHECK_UNAVAILABLE',
      `the picture classifier cannot be loaded: ${asNodeError(error).message}`,
      {
        cause: error,
        hint: 'Run: npx zsky-node setup',
      },
    );
  }
  const output = graph.outputs[0].name;

  async function classify(image: RgbImage): Promise<PictureScores[]> {
    const crops = cropsOf(image);
    const batch = new Float32Array(crops.length * PIXELS);
    crops.forEach((crop, i) => writeScaled(image, crop, SIDE, batch, i * PIXELS));
    const { [output]: result } = await graph.run({ image: floats(batch, crops.length, SIDE, SIDE, 3) });
    if (result.data.length !== crops.length * CLASSES.length || !result.data.every(Number.isFinite)) {
      throw new NodeError('CHECK_UNAVAILABLE', 'the picture classifier gave values that are not scores');
    }
    return crops.map((_, i) => scoresAt(result.data, i));
  }

  return {
    async checkPicture(image) {
      const abort = new AbortController();
      const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
      const late = sleep(timeoutMs, undefined, { signal: abort.signal, ref: false }).then(() => {
        throw new NodeError('CHECK_UNAVAILABLE', `the picture classifier took longer than ${timeoutMs} ms`);
      });
      try {
        const [whole, ...crops] = await Promise.race([classify(image), late]);
        const over = (scores: PictureScores, limit: typeof WHOLE) =>
          scores.porn + scores.hentai >= limit.explicit ||
          scores.porn + scores.hentai + scores.sexy >= limit.suggestive;
        const refused = over(whole, WHOLE) || crops.some((scores) => over(scores, CROPPED));
        return refused
          ? { allowed: false, category: 'sexual', reason: REASON, scores: whole }
          : { allowed: true, scores: whole };
      } catch (error) {
        throw asNodeError(error, 'CHECK_UNAVAILABLE');
      } finally {
        abort.abort();
        late.catch(() => undefined);
      }
    },
  };
}
