import { NodeError } from '../../core/errors.js';
import type { RgbImage } from '../../core/media.js';
import type { RunMeter } from '../../models/run-meter.js';
import { GraphSession } from '../../models/session.js';
import { floats } from '../../models/tensor/tensor.js';
import { writeScaled, type Crop } from './crops.js';

/** Order of the classifiers' outputs. */
const CLASSES = ['drawing', 'hentai', 'neutral', 'porn', 'sexy'] as const;
export type PictureScores = Readonly<Record<(typeof CLASSES)[number], number>>;

/**
 * One number in 0..1 for how sexual a picture is: what is explicit counts whole, what is only suggestive by half,
 * since the classifiers say it of beaches and sport too.
 */
export function sexualScore({ porn, hentai, sexy }: PictureScores): number {
  return Math.min(1, porn + hentai + sexy / 2);
}

/** One of the two converted picture classifiers: `image [N, side, side, 3] float32 RGB 0..1` → `[N, 5]`. */
export class PictureClassifier {
  private constructor(
    private readonly graph: GraphSession,
    private readonly side: number,
  ) {}

  static async load(path: string, side: number, meter: RunMeter): Promise<PictureClassifier> {
    const graph = await GraphSession.load(path, { device: 'cpu' }, meter);
    graph.expect(['image'], []);
    return new PictureClassifier(graph, side);
  }

  /** Scores of each part of a picture, all in one run. @throws CHECK_UNAVAILABLE when they are no scores */
  async classify(image: RgbImage, crops: readonly Crop[]): Promise<PictureScores[]> {
    const { side, graph } = this;
    const pixels = side * side * 3;
    const batch = new Float32Array(crops.length * pixels);
    crops.forEach((crop, i) => writeScaled(image, crop, side, batch, i * pixels));
    const { [graph.outputs[0].name]: result } = await graph.run({
      image: floats(batch, crops.length, side, side, 3),
    });
    const { data } = result;
    // NaN passes every comparison with a threshold as "not above".
    if (data.length !== crops.length * CLASSES.length || !data.every(Number.isFinite))
      throw new NodeError('CHECK_UNAVAILABLE', 'the picture classifier gave values that are not scores');
    return crops.map((_, row) => {
      const scores = CLASSES.map((name, i) => [name, data[row * CLASSES.length + i]] as const);
      return Object.fromEntries(scores) as unknown as PictureScores;
    });
  }
}
