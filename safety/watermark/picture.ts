import type { RgbImage } from '../../core/media.js';
import { rgbTile, withMark } from './add-mark.js';
import { carriersOf, type Carriers } from './carriers.js';
import { AS_MADE_Z, payloadOf, pilotZ, whitenRings } from './demodulate.js';
import type { Detection } from './detection.js';
import { whitened, worthTo, type Whitened } from './local-contrast.js';
import { blockPlanes, type Plane } from './planes.js';
import { withoutEdges } from './edges.js';
import { informed, lowered, readerGain } from './informed.js';
import { layoutOf, radiusFor, type Layout } from './layout.js';
import { codedBits } from './message.js';
import { searchPicture } from './search.js';
import { strengthMap, type StrengthMap, type StrengthRule } from './strength.js';
import { folded, projected, scaled, synthesised, type Values } from './tile.js';

export interface DetectOptions {
  /** `as-made`: not scaled, cropped or turned since it was marked. `full`: searched for; takes about a second. */
  readonly search?: 'as-made' | 'full';
}

const STRENGTH: StrengthRule = { floor: 0.73, perDeviation: 0.17, cap: 3.4, inBlack: 0.75 };
/** The mean square change, in levels of R, G and B, that leaves a peak signal-to-noise ratio of 42.05 dB. */
const MOST_POWER = 3.95;
/** The loss of structural similarity that a mark may make, by estimate. */
const MOST_SSIM_LOSS = 0.009;
/** Mean square of R, G and B for a change of 1 in Cb and in Cr together. */
const COLOUR_POWER = 1.91;
/**
 * Cb and Cr beside luma: codecs and scaling leave little of them, so they give way first where the picture is lively;
 * where it is calm, they hold what luma may not.
 */
const MOST_COLOUR = 0.62;
const LEAST_COLOUR = 0.15;

function whitenedPlanes(planes: readonly Plane[], layout: Layout, edges: boolean): Whitened[] {
  return planes.map((plane, channel) => {
    const radius = radiusFor(channel === 0 ? layout.side : layout.side / 2);
    return whitened(edges ? plane : withoutEdges(plane, radius), radius);
  });
}

function measured(planes: readonly Whitened[], plan: readonly Carriers[], layout: Layout): Values[] {
  return planes.map((plane, channel) => {
    const side = channel === 0 ? layout.side : layout.side / 2;
    return projected(folded(plane, side), side, plan[channel]);
  });
}

/**
 * Pictures with more still blocks than this are drawn ones. Codecs flatten what is still: they leave nothing of colour
 * and of the finer part of a change that may be one level (RMS) over R, G and B, but some of slower waves. So luma
 * takes almost all, most of it below as many cycles per tile.
 */
const DRAWN = 0.3;
const DRAWN_SHARES = { luma: 1.27, colour: 0.1 };
const DRAWN_KNEE = 14;

/** How much of a map's strength luma and colour get, so that the picture keeps its quality. */
function shares({ power, still, ssimLoss }: StrengthMap, emphasis: number): { luma: number; colour: number } {
  const drawn = still > DRAWN;
  const luma = drawn ? DRAWN_SHARES.luma : Math.min(1, Math.sqrt(MOST_SSIM_LOSS / ssimLoss));
  const room = MOST_POWER / power - luma * luma;
  const most = drawn ? DRAWN_SHARES.colour : MOST_COLOUR;
  const colour = Math.min(most, Math.max(LEAST_COLOUR, Math.sqrt(Math.max(0, room) / COLOUR_POWER)));
  const less = Math.min(1, Math.sqrt(MOST_POWER / power / (luma * luma + COLOUR_POWER * colour * colour)));
  return { luma: emphasis * less * luma, colour: emphasis * less * colour };
}

/**
 * Invisible watermark of a picture: a keyed periodic pattern in luma and colour, a third of the short side wide,
 * so that any part of the picture of that size holds the whole payload. Its strength follows the picture's own
 * liveliness; docs/watermark.md tells the design and what it withstands.
 *
 * A copy of the picture that carries the payload (6 bytes). The same picture, payload and key give the same bytes.
 * `emphasis` above 1 is for the rare picture that loses a mark of its due strength in encoding, and may be seen.
 */
export function embedPicture(image: RgbImage, payload: Uint8Array, key: Uint8Array, emphasis = 1): RgbImage {
  const layout = layoutOf(image.width, image.height);
  const plan = carriersOf(key);
  const coded = codedBits(payload);
  const cells = blockPlanes(image, layout.factor);
  const planes = whitenedPlanes(cells, layout, true);
  const host = measured(planes, plan, layout);
  const map = strengthMap(cells[0], layout.factor, STRENGTH);
  const { luma, colour } = shares(map, emphasis);
  const [lumaTile, blue, red] = plan.map((carriers, channel) => {
    const [share, step] = channel === 0 ? [luma, 1] : [colour, 2];
    const worth = share * worthTo(planes[channel], map);
    const tilt = map.still > DRAWN ? lowered(carriers, DRAWN_KNEE) : undefined;
    const gain = readerGain(carriers, layout.side / step, planes[channel].radius, worth, tilt);
    const values = scaled(informed(host[channel], carriers, coded, gain, tilt), share);
    return synthesised(values, layout.period / step, carriers);
  });
  return withMark(image, rgbTile(layout.period, lumaTile, { blue, red }), layout.period, map);
}

/** Looks at the picture as it is, then at what is left without its edges. */
function readAsMade(image: RgbImage, plan: readonly Carriers[]): Detection {
  const layout = layoutOf(image.width, image.height);
  const cells = blockPlanes(image, layout.factor);
  let best = 0;
  for (const edges of [true, false]) {
    const values = measured(whitenedPlanes(cells, layout, edges), plan, layout);
    values.forEach((channel, index) => whitenRings(channel, plan[index]));
    const confidence = pilotZ(values, plan);
    const payload = confidence < AS_MADE_Z ? undefined : payloadOf(values, plan);
    if (payload !== undefined) return { found: true, payload, confidence };
    best = Math.max(best, confidence);
  }
  return { found: false, confidence: best };
}

/** Looks for a mark of this key. */
export function detectPicture(
  image: RgbImage,
  key: Uint8Array,
  { search = 'full' }: DetectOptions = {},
): Detection {
  const plan = carriersOf(key);
  const asMade = readAsMade(image, plan);
  if (asMade.found || search === 'as-made') return asMade;
  const found = searchPicture(image, plan);
  return found.payload === undefined
    ? { found: false, confidence: Math.max(asMade.confidence, found.z) }
    : { found: true, payload: found.payload, confidence: found.z };
}
