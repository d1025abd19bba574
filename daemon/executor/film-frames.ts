import type { RgbImage } from '../../core/media.js';

const CELLS = 16;
/** Mean change of a 16x16 thumbnail, of 255, that makes a frame worth a look of its own. */
const CHANGED = 14;

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

/** Chooses the frames of a film that the output check looks at: the first, the last, two a second, every sudden change. */
export class FrameSampler {
  private index = 0;
  private lastChosen: Float32Array | undefined;

  constructor(
    private readonly frameCount: number,
    private readonly every: number,
  ) {}

  /** Whether this next frame is to be looked at. */
  wants(frame: RgbImage): boolean {
    const current = thumbnail(frame);
    const before = this.lastChosen;
    const change =
      before === undefined
        ? Infinity
        : current.reduce((sum, value, cell) => sum + Math.abs(value - before[cell]), 0) / current.length;
    const due = this.index % this.every === 0 || this.index === this.frameCount - 1;
    this.index += 1;
    if (!due && change < CHANGED) return false;
    this.lastChosen = current;
    return true;
  }
}
