import type { RgbImage } from '../../core/media.js';

const CELLS = 16;
/** Cells along a side of the blocks that are compared one by one. */
const BLOCK = 4;
/** Mean change of a 16x16 thumbnail, of 255, that makes a frame worth a look at once. */
const CHANGED = 14;
/** Frames that are kept for a look at the end, because they differ most from what was looked at. */
const MOST_DIFFERENT = 4;

function thumbnail({ width, height, data }: RgbImage): Float32Array {
  const out = new Float32Array(CELLS * CELLS);
  for (let row = 0; row < CELLS; row++) {
    for (let column = 0; column < CELLS; column++) {
      const y = Math.floor(((row + 0.5) * height) / CELLS);
      const x = Math.floor(((column + 0.5) * width) / CELLS);
      const at = (y * width + x) * 3;
      out[row * CELLS + column] = (data[at] + data[at + 1] + data[at + 2]) / 3;
    }
  }
  return out;
}

function meanChange(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, cell) => sum + Math.abs(value - b[cell]), 0) / a.length;
}

/** The largest mean change of any block: what happens in a corner only. */
function localChange(a: Float32Array, b: Float32Array): number {
  const blocks = CELLS / BLOCK;
  const sums = new Float32Array(blocks * blocks);
  a.forEach((value, cell) => {
    const block = Math.floor(cell / CELLS / BLOCK) * blocks + Math.floor((cell % CELLS) / BLOCK);
    sums[block] += Math.abs(value - b[cell]);
  });
  return Math.max(...sums) / (BLOCK * BLOCK);
}

interface Kept {
  readonly frame: RgbImage;
  readonly small: Float32Array;
  readonly change: number;
}

/**
 * Chooses the frames of a film that the output check looks at: the first, the last, two a second, every sudden change as
 * they go by, and of the rest the few that differ most, wherever in the picture, from the frame looked at before them.
 */
export class FrameSampler {
  private index = 0;
  private lastChosen: Float32Array | undefined;
  private kept: Kept[] = [];

  constructor(
    private readonly frameCount: number,
    private readonly every: number,
  ) {}

  /** Whether this next frame is to be looked at now. */
  wants(frame: RgbImage): boolean {
    const small = thumbnail(frame);
    const before = this.lastChosen;
    const due = this.index % this.every === 0 || this.index === this.frameCount - 1;
    this.index += 1;
    if (due || before === undefined || meanChange(small, before) >= CHANGED) {
      this.lastChosen = small;
      return true;
    }
    this.keep({ frame, small, change: localChange(small, before) });
    return false;
  }

  /** Frames kept for a look at the end, the most different first. */
  mostDifferent(): RgbImage[] {
    return this.kept.map(({ frame }) => frame);
  }

  /** Of frames that are much alike, as neighbours are, only the most different is kept. */
  private keep(next: Kept): void {
    const alike = ({ small }: Kept): boolean => localChange(small, next.small) < CHANGED / 2;
    if (this.kept.some((each) => alike(each) && each.change >= next.change)) return;
    this.kept = [...this.kept.filter((each) => !alike(each)), next]
      .sort((a, b) => b.change - a.change)
      .slice(0, MOST_DIFFERENT);
  }
}
