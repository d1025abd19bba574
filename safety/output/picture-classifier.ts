import { NodeError } from '../../core/errors.js';
import type { RgbImage } from '../../core/media.js';
import type { RunMeter } from '../../models/run-meter.js';
import { GraphSession } from '../../models/session.js';
import { floats } from '../../models/tensor/tensor.js';
import { wholeOf, writeScaled, type Crop } from './crops.js';

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

/** A part of a picture, or the whole, and what was said of it. */
export interface JudgedPart {
  readonly part: Crop;
  readonly scores: PictureScores;
}

const FIRST_SIDE = 224;
/** Looked at with this side, a picture shows 4 x 4 overlapping windows of 224, each 70% of its side. */
const WINDOWED_SIDE = 320;
const WINDOWS = 4;
const STRICT_SIDE = 299;

/** A converted picture classifier: `image [N, H, W, 3] float32 RGB 0..1` → `[N, windows, 5]`. */
class PictureGraph {
  private constructor(private readonly graph: GraphSession) {}

  static async load(path: string, meter: RunMeter): Promise<PictureGraph> {
    const graph = await GraphSession.load(path, { device: 'cpu' }, meter);
    graph.expect(['image'], []);
    return new PictureGraph(graph);
  }

  /** `windows` scores of each part, row by row. @throws CHECK_UNAVAILABLE when they are no scores */
  async scores(
    image: RgbImage,
    parts: readonly Crop[],
    side: number,
    windows: number,
  ): Promise<PictureScores[]> {
    const pixels = side * side * 3;
    const batch = new Float32Array(parts.length * pixels);
    parts.forEach((part, i) => writeScaled(image, part, side, batch, i * pixels));
    const { [this.graph.outputs[0].name]: result } = await this.graph.run({
      image: floats(batch, parts.length, side, side, 3),
    });
    const { data } = result;
    const rows = parts.length * windows;
    // NaN passes every comparison with a threshold as "not above".
    if (data.length !== rows * CLASSES.length || !data.every(Number.isFinite))
      throw new NodeError('CHECK_UNAVAILABLE', 'the picture classifier gave values that are not scores');
    return Array.from({ length: rows }, (_, row) => {
      const scores = CLASSES.map((name, i) => [name, data[row * CLASSES.length + i]] as const);
      return Object.fromEntries(scores) as unknown as PictureScores;
    });
  }
}

/** The quick classifier, MobileNet v2: of the whole picture and of 16 windows of it. */
export class QuickClassifier {
  private constructor(private readonly graph: PictureGraph) {}

  static async load(path: string, meter: RunMeter): Promise<QuickClassifier> {
    return new QuickClassifier(await PictureGraph.load(path, meter));
  }

  /** The whole first. The windows cost two looks at the whole, not sixteen: they share what they have in common. */
  async judge(image: RgbImage): Promise<JudgedPart[]> {
    const whole = wholeOf(image);
    const [scores] = await this.graph.scores(image, [whole], FIRST_SIDE, 1);
    const windows = await this.graph.scores(image, [whole], WINDOWED_SIDE, WINDOWS ** 2);
    return [
      { part: whole, scores },
      ...windows.map((each, i) => ({ part: windowOf(image, i), scores: each })),
    ];
  }
}

/** Where in the picture a window lies. */
function windowOf({ width, height }: RgbImage, index: number): Crop {
  const share = FIRST_SIDE / WINDOWED_SIDE;
  const step = (1 - share) / (WINDOWS - 1);
  return {
    left: Math.floor((index % WINDOWS) * step * width),
    top: Math.floor(Math.floor(index / WINDOWS) * step * height),
    width: Math.floor(share * width),
    height: Math.floor(share * height),
  };
}

/** The stricter and slower classifier, Inception v3. */
export class StrictClassifier {
  private constructor(private readonly graph: PictureGraph) {}

  static async load(path: string, meter: RunMeter): Promise<StrictClassifier> {
    return new StrictClassifier(await PictureGraph.load(path, meter));
  }

  judge(image: RgbImage, parts: readonly Crop[]): Promise<PictureScores[]> {
    return this.graph.scores(image, parts, STRICT_SIDE, 1);
  }
}
