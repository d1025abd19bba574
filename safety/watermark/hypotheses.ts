import { layoutOf } from './layout.js';

/** From cycles per tile to cycles per pixel: `fx = a u + b v`, `fy = c u + d v`. */
export interface Mapping {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/** A picture whose tile is so many pixels wide and high, turned by an angle. */
function mapping(across: number, down: number, degrees = 0): Mapping {
  const angle = (degrees * Math.PI) / 180;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  return { a: cos / across, b: -sin / down, c: sin / across, d: cos / down };
}

/** Short sides of pictures that people ask for. */
const USUAL_SIDES = [
  256, 384, 512, 576, 640, 704, 720, 768, 832, 896, 960, 1024, 1080, 1152, 1280, 1536, 2048,
];
const SCALE_STEP = 1.004;
/** A crop leaves a tile that is up to as wide as the short side. */
const WIDEST = 3.1;
const STEEPEST_DEGREES = 10;
const ANGLE_STEP_DEGREES = 0.25;
const CROPPED_ANGLES = [1, -1, 2, -2, 3, -3, 5, -5];
const MOST_STRETCHED = 1.36;

/** Mappings to be tried together. */
export interface Stage {
  readonly mappings: readonly Mapping[];
  /** Positions of the tile to try along each side: all that matter, or where mappings are many, half of them. */
  readonly grid: 64 | 128;
}

/** Stages of a search, likeliest first: scaled, cropped from a usual size, cropped from any, turned, stretched. */
export function* stages(width: number, height: number, tiles: number): Generator<Stage> {
  const native = Math.min(width, height) / tiles;
  const near = [-0.006, -0.003, 0, 0.003, 0.006].map((off) => native * (1 + off));
  yield { mappings: near.map((period) => mapping(period, period)), grid: 128 };

  const usual = USUAL_SIDES.map((side) => layoutOf(side, side, tiles).period).filter(
    (period) => period > native * 0.99 && period < native * WIDEST,
  );
  yield { mappings: usual.map((period) => mapping(period, period)), grid: 128 };

  const scales: Mapping[] = [];
  for (let factor = 0.85; factor < WIDEST; factor *= SCALE_STEP)
    scales.push(mapping(native * factor, native * factor));
  yield { mappings: scales, grid: 128 };

  const turned: Mapping[] = [];
  for (let angle = ANGLE_STEP_DEGREES; angle <= STEEPEST_DEGREES; angle += ANGLE_STEP_DEGREES) {
    const grown = shortBeforeTurning(width, height, angle) / tiles;
    for (const degrees of [angle, -angle]) {
      turned.push(mapping(native, native, degrees));
      if (grown > 0) turned.push(mapping(grown, grown, degrees));
    }
  }
  yield { mappings: turned, grid: 64 };

  const stretched: Mapping[] = [];
  for (let factor = 1 / MOST_STRETCHED; factor < MOST_STRETCHED; factor *= 1.005) {
    stretched.push(
      mapping(width / tiles, (width / tiles) * factor),
      mapping((height / tiles) * factor, height / tiles),
    );
  }
  yield { mappings: stretched, grid: 64 };

  const cropped: Mapping[] = [];
  for (const degrees of CROPPED_ANGLES) {
    for (let factor = 1; factor < 1.6; factor *= 1.006)
      cropped.push(mapping(native * factor, native * factor, degrees));
  }
  yield { mappings: cropped, grid: 64 };
}

/** The short side of a picture whose canvas grew to this size when it was turned. */
function shortBeforeTurning(width: number, height: number, degrees: number): number {
  const angle = (degrees * Math.PI) / 180;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const scale = cos * cos - sin * sin;
  return Math.min((width * cos - height * sin) / scale, (height * cos - width * sin) / scale);
}
