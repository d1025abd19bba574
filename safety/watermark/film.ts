import type { RgbImage } from '../../core/media.js';
import { rgbTile, withMark, type RgbTile } from './add-mark.js';
import { carriersOf, type Carriers } from './carriers.js';
import { AS_MADE_Z, payloadOf, pilotZ, whitenRings } from './demodulate.js';
import type { Detection } from './detection.js';
import { informed, readerGain } from './informed.js';
import { FILM_TILES, layoutOf, radiusFor, type Layout } from './layout.js';
import { whitened, worthTo, type Whitened } from './local-contrast.js';
import { lumaPlane, type Plane } from './planes.js';
import { codedBits } from './message.js';
import { searchPlanes } from './search.js';
import { strengthMap, type StrengthMap, type StrengthRule } from './strength.js';
import { folded, projected, synthesised, type Values } from './tile.js';

/**
 * Invisible watermark of a film: the pattern of pictures in luma alone, half the short side wide and the same in
 * every frame. It stands still, so that a codec pays for it once in each group of pictures, and a reader that
 * adds frames up gains on whatever moves.
 */
const STRENGTH: StrengthRule = { floor: 0.5, perDeviation: 0.075, cap: 3.2, inBlack: 0.6 };

/** Marks the frames of one film, one after the other. */
export interface FrameMarker {
  mark(frame: RgbImage): RgbImage;
}

/**
 * A marker for frames of one size; the payload has 6 bytes. The first frame decides which carriers need more, so
 * that a camera that stands still is read as well as one that moves.
 */
export function createFrameMarker(
  width: number,
  height: number,
  payload: Uint8Array,
  key: Uint8Array,
): FrameMarker {
  const layout = layoutOf(width, height, FILM_TILES);
  const [carriers] = carriersOf(key);
  const coded = codedBits(payload);
  let tile: RgbTile | undefined;
  return {
    mark: (frame) => {
      const luma = lumaPlane(frame, layout.factor);
      const strength = strengthMap(luma, layout.factor, STRENGTH);
      tile ??= tileFor(luma, strength, carriers, coded, layout);
      return withMark(frame, tile, layout.period, strength);
    },
  };
}

function tileFor(
  plane: Plane,
  strength: StrengthMap,
  carriers: Carriers,
  coded: readonly number[],
  { side, period }: Layout,
): RgbTile {
  const luma = whitened(plane, radiusFor(side));
  const gain = readerGain(carriers, side, luma.radius, worthTo(luma, strength));
  const values = informed(projected(folded(luma, side), side, carriers), carriers, coded, gain);
  return rgbTile(period, synthesised(values, period, carriers));
}

/** Adds up the frames of a film, or of an excerpt of two seconds or so, and reads the mark from the sum. */
export class FilmReader {
  private sum: Whitened | undefined;
  private width = 0;
  private height = 0;

  constructor(private readonly key: Uint8Array) {}

  /** Takes in one frame; all must have one size. */
  add(frame: RgbImage): void {
    const { factor, side } = layoutOf(frame.width, frame.height, FILM_TILES);
    const luma = whitened(lumaPlane(frame, factor), radiusFor(side));
    if (this.sum === undefined) {
      this.sum = luma;
      this.width = frame.width;
      this.height = frame.height;
      return;
    }
    const { data } = this.sum;
    for (let i = 0; i < data.length; i++) data[i] += luma.data[i];
  }

  /** What the frames so far hold. `full` also looks for films that were scaled or cropped; takes a second. */
  read(search: 'as-made' | 'full' = 'full'): Detection {
    if (this.sum === undefined) return { found: false, confidence: 0 };
    const plan = carriersOf(this.key).slice(0, 1);
    const { side } = layoutOf(this.width, this.height, FILM_TILES);
    const values: Values[] = [projected(folded(this.sum, side), side, plan[0])];
    whitenRings(values[0], plan[0]);
    const confidence = pilotZ(values, plan);
    const payload = confidence < AS_MADE_Z ? undefined : payloadOf(values, plan);
    if (payload !== undefined) return { found: true, payload, confidence };
    if (search === 'as-made') return { found: false, confidence: Math.max(0, confidence) };
    const { width, height } = this;
    const found = searchPlanes({ planes: [this.sum], width, height, tiles: FILM_TILES }, plan);
    return found.payload === undefined
      ? { found: false, confidence: Math.max(confidence, found.z) }
      : { found: true, payload: found.payload, confidence: found.z };
  }
}

/** Reads the mark of a film from its decoded frames. */
export async function detectFilm(frames: AsyncIterable<RgbImage>, key: Uint8Array): Promise<Detection> {
  const reader = new FilmReader(key);
  for await (const frame of frames) reader.add(frame);
  return reader.read();
}
