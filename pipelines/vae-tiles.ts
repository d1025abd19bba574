/** One stretch of an axis: where a tile starts and how long it is, in latents. */
export interface Stretch {
  readonly start: number;
  readonly length: number;
}

/** Stretches of at most `tile` that cover `length`, evenly spread, each overlapping the next by at least `overlap`. */
export function stretches(length: number, tile: number, overlap: number): Stretch[] {
  if (length <= tile) return [{ start: 0, length }];
  const count = Math.ceil((length - overlap) / (tile - overlap));
  return Array.from({ length: count }, (_, i) => ({
    start: Math.round((i * (length - tile)) / (count - 1)),
    length: tile,
  }));
}

/**
 * Weight of every pixel along one side of a tile: 1 in its own part, raised-cosine ramps where it overlaps its
 * neighbours, so that the weights of two overlapping tiles add up smoothly.
 */
function ramp(
  stretch: Stretch,
  before: Stretch | undefined,
  after: Stretch | undefined,
  scale: number,
): Float32Array {
  const weights = new Float32Array(stretch.length * scale).fill(1);
  const rise = before === undefined ? 0 : (before.start + before.length - stretch.start) * scale;
  const fall = after === undefined ? 0 : (stretch.start + stretch.length - after.start) * scale;
  const smooth = (at: number, over: number) => 0.5 - 0.5 * Math.cos((Math.PI * (at + 0.5)) / over);
  for (let i = 0; i < rise; i++) weights[i] *= smooth(i, rise);
  for (let i = 0; i < fall; i++) weights[weights.length - 1 - i] *= smooth(i, fall);
  return weights;
}

export interface TileOptions {
  /** Side of a tile in latents. */
  readonly tile: number;
  /** Least overlap of two tiles in latents. */
  readonly overlap: number;
  /** Pixels per latent. */
  readonly scale: number;
}

/**
 * Decodes latents `[C, h, w]` tile by tile and blends the pictures where they overlap. `decode` turns latents
 * `[C, th, tw]` into `[3, th * scale, tw * scale]`.
 */
export async function decodeTiled(
  latents: Float32Array,
  channels: number,
  h: number,
  w: number,
  { tile, overlap, scale }: TileOptions,
  decode: (tile: Float32Array, h: number, w: number, index: number, count: number) => Promise<Float32Array>,
): Promise<Float32Array> {
  const rows = stretches(h, tile, overlap);
  const columns = stretches(w, tile, overlap);
  const width = w * scale;
  const area = h * scale * width;
  const sum = new Float32Array(3 * area);
  const weight = new Float32Array(area);
  for (const [r, row] of rows.entries()) {
    const down = ramp(row, rows[r - 1], rows[r + 1], scale);
    for (const [c, column] of columns.entries()) {
      const across = ramp(column, columns[c - 1], columns[c + 1], scale);
      const part = cut(latents, channels, h, w, row, column);
      const index = r * columns.length + c;
      const pixels = await decode(part, row.length, column.length, index, rows.length * columns.length);
      const tileArea = down.length * across.length;
      for (let y = 0; y < down.length; y++) {
        let to = (row.start * scale + y) * width + column.start * scale;
        let from = y * across.length;
        for (let x = 0; x < across.length; x++, to++, from++) {
          const share = down[y] * across[x];
          weight[to] += share;
          sum[to] += share * pixels[from];
          sum[area + to] += share * pixels[tileArea + from];
          sum[2 * area + to] += share * pixels[2 * tileArea + from];
        }
      }
    }
  }
  for (let i = 0; i < area; i++) {
    sum[i] /= weight[i];
    sum[area + i] /= weight[i];
    sum[2 * area + i] /= weight[i];
  }
  return sum;
}

function cut(
  latents: Float32Array,
  channels: number,
  h: number,
  w: number,
  row: Stretch,
  column: Stretch,
): Float32Array {
  const part = new Float32Array(channels * row.length * column.length);
  let o = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = row.start; y < row.start + row.length; y++) {
      const from = (c * h + y) * w + column.start;
      part.set(latents.subarray(from, from + column.length), o);
      o += column.length;
    }
  }
  return part;
}
