import type { RgbImage } from '../../core/media.js';
import { rgbTile, withMark, type RgbTile } from './add-mark.js';
import { filmCarriersOf, type Carriers } from './carriers.js';
import { AS_MADE_Z, payloadOf, pilotZ, whitenRings } from './demodulate.js';
import type { Detection } from './detection.js';
import { informed, readerGain } from './informed.js';
import { FILM_TILES, layoutOf, radiusFor, type Layout } from './layout.js';
import { whitened, worthTo, type Whitened } from './local-contrast.js';
import { lumaPlane, type Plane } from './planes.js';
import { codedBits } from './message.js';
import { searchPlanes, type SearchResult } from './search.js';
import { strengthMap, type StrengthMap, type StrengthRule } from './strength.js';
import { folded, projected, synthesised, type Values } from './tile.js';

/**
 * Invisible watermark of a film: the pattern of pictures in luma alone, half the short side wide and the same in
 * every frame. It stands still, so that a codec pays for it once in each group of pictures, and a reader that
 * adds frames up gains on whatever moves.
 */
const STRENGTH: StrengthRule = { floor: 0.84, perDeviation: 0.2, cap: 4.8, inBlack: 0.6 };

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
  const [carriers] = filmCarriersOf(key);
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

/** Whitened frames added up: the mark stands still and what moves does not. */
class FrameSum {
  private sum: Whitened | undefined;

  add(luma: Whitened): void {
    if (this.sum === undefined) {
      this.sum = { ...luma, data: luma.data.slice() };
      return;
    }
    const { data } = this.sum;
    for (let i = 0; i < data.length; i++) data[i] += luma.data[i];
  }

  get plane(): Whitened | undefined {
    return this.sum;
  }
}

/**
 * Reads the mark of a film, or of an excerpt of two seconds or so, from the sum of its frames. Where the camera moves
 * and bits are few, a codec carries the mark along with what it copies from frame to frame, and only key frames hold
 * it in its place: these are tried by themselves.
 */
export class FilmReader {
  private readonly all = new FrameSum();
  private readonly keys = new FrameSum();
  private width = 0;
  private height = 0;

  constructor(private readonly key: Uint8Array) {}

  /** Takes in one frame; all must have one size. */
  add(frame: RgbImage, isKeyFrame = false): void {
    this.width = frame.width;
    this.height = frame.height;
    const { factor, side } = layoutOf(frame.width, frame.height, FILM_TILES);
    const luma = whitened(lumaPlane(frame, factor), radiusFor(side));
    if (isKeyFrame) this.keys.add(luma);
    else this.all.add(luma);
  }

  /** What the frames so far hold. `full` also looks for films that were scaled or cropped; takes seconds. */
  read(search: 'as-made' | 'full' = 'full'): Detection {
    const planes = [this.all.plane, this.keys.plane].filter((plane) => plane !== undefined);
    const plan = filmCarriersOf(this.key);
    let confidence = 0;
    for (const look of search === 'full' ? (['as-made', 'full'] as const) : (['as-made'] as const)) {
      for (const plane of planes) {
        const found = look === 'full' ? this.searched(plane, plan) : this.asMade(plane, plan);
        if (found.payload !== undefined) return { found: true, payload: found.payload, confidence: found.z };
        confidence = Math.max(confidence, found.z);
      }
    }
    return { found: false, confidence };
  }

  private asMade(plane: Whitened, plan: readonly Carriers[]): SearchResult {
    const { side } = layoutOf(this.width, this.height, FILM_TILES);
    const values: Values[] = [projected(folded(plane, side), side, plan[0])];
    whitenRings(values[0], plan[0]);
    const z = pilotZ(values, plan);
    return { z, payload: z < AS_MADE_Z ? undefined : payloadOf(values, plan) };
  }

  private searched(plane: Whitened, plan: readonly Carriers[]): SearchResult {
    const { width, height } = this;
    return searchPlanes({ planes: [plane], width, height, tiles: FILM_TILES }, plan);
  }
}
