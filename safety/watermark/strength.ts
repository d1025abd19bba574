import { emptyPlane, type Plane } from './planes.js';

/** How strong a mark may be: the same everywhere, more where the picture is lively, never above the cap (levels RMS). */
export interface StrengthRule {
  readonly floor: number;
  readonly perDeviation: number;
  readonly cap: number;
  /** What is left of it in black: below a luma of 40 the eye sees noise most and displays add to it. */
  readonly inBlack: number;
}

/** Strength of a mark at the middle of each block of `block` pixels square; between the middles it changes evenly. */
export interface StrengthMap extends Plane {
  readonly block: number;
  /** Mean square of the strengths. */
  readonly power: number;
  /** Share of blocks in which nothing moves at all: most of a drawn picture, next to nothing of a photograph. */
  readonly still: number;
  /** What a mark of this strength takes from the structural similarity (SSIM) of luma, by estimate. */
  readonly ssimLoss: number;
}

const DARK = 40;
const BRIGHT = 235;
/** Deviations below this are noise or slopes and hide little. */
const CALM = 5;
/** Below this deviation a block holds nothing but rounding. */
const STILL = 0.3;
/** The share of its own liveliness that a block next to a calm one keeps. */
const BESIDE_CALM = 0.3;
/** The constant of structural similarity that counts in calm places: (0.03 * 255)^2, Wang et al. 2004, eq. 13. */
const SSIM_C2 = 58.5;

/** Cells along a block: about 8 pixels, the window of structural similarity. */
function blockCells(factor: number): number {
  return Math.max(4, Math.round(8 / factor));
}

/** Luma's mean and standard deviation in each block, `[rows, columns]`; the last ones may be smaller. */
function blockStatistics(luma: Plane, cells: number): { mean: Plane; deviation: Plane } {
  const columns = Math.ceil(luma.width / cells);
  const rows = Math.ceil(luma.height / cells);
  const mean = emptyPlane(columns, rows);
  const deviation = emptyPlane(columns, rows);
  const sums = new Float64Array(columns);
  const squares = new Float64Array(columns);
  for (let row = 0, at = 0; row < rows; row++) {
    const end = Math.min(luma.height, (row + 1) * cells);
    sums.fill(0);
    squares.fill(0);
    for (let y = row * cells; y < end; y++) {
      let i = y * luma.width;
      for (let column = 0; column < columns; column++) {
        const span = i + Math.min(cells, luma.width - column * cells);
        let sum = 0;
        let square = 0;
        for (; i < span; i++) {
          const value = luma.data[i];
          sum += value;
          square += value * value;
        }
        sums[column] += sum;
        squares[column] += square;
      }
    }
    for (let column = 0; column < columns; column++, at++) {
      const count = (end - row * cells) * Math.min(cells, luma.width - column * cells);
      const average = sums[column] / count;
      mean.data[at] = average;
      deviation.data[at] = Math.sqrt(Math.max(0, squares[column] / count - average * average));
    }
  }
  return { mean, deviation };
}

/**
 * How strong a mark may be over a picture whose luma is given in cells of `factor` pixels. A block counts as lively as
 * the calmest of its four neighbours and itself, or little more, so that edges have no halo.
 */
export function strengthMap(luma: Plane, factor: number, rule: StrengthRule): StrengthMap {
  const cells = blockCells(factor);
  const { mean, deviation } = blockStatistics(luma, cells);
  const { width, height, data } = emptyPlane(mean.width, mean.height);
  let power = 0;
  let ssimLoss = 0;
  let still = 0;
  for (let y = 0, i = 0; y < height; y++) {
    const up = y === 0 ? 0 : -width;
    const down = y === height - 1 ? 0 : width;
    for (let x = 0; x < width; x++, i++) {
      const own = deviation.data[i];
      const calmest = Math.min(
        own,
        deviation.data[i + up],
        deviation.data[i + down],
        deviation.data[x === 0 ? i : i - 1],
        deviation.data[x === width - 1 ? i : i + 1],
      );
      const lively = Math.max(calmest, BESIDE_CALM * own);
      if (own < STILL) still += 1;
      const level = mean.data[i];
      const shade =
        level < DARK
          ? rule.inBlack + ((1 - rule.inBlack) * level) / DARK
          : level > BRIGHT
            ? 1 - (0.3 * (level - BRIGHT)) / (255 - BRIGHT)
            : 1;
      const wanted = rule.floor + (rule.perDeviation * lively * lively) / (lively + CALM);
      const strength = shade * Math.min(rule.cap, wanted);
      const square = strength * strength;
      data[i] = strength;
      power += square;
      ssimLoss += square / (2 * own * own + SSIM_C2 + square);
    }
  }
  const blocks = data.length;
  return {
    ...{ width, height, data, block: cells * factor },
    power: power / blocks,
    still: still / blocks,
    ssimLoss: ssimLoss / blocks,
  };
}
