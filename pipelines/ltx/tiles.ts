/** Decoded stretch of film, `[1, 3, frames, height, width] float32`, range about -1..1. */
export interface Clip {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

/** Size of the tiles that a large picture is decoded in, and their distance, both in cells. */
export interface TileSize {
  readonly cells: number;
  readonly strideCells: number;
}

type DecodeCells = (cells: {
  readonly row: number;
  readonly column: number;
  readonly rows: number;
  readonly columns: number;
}) => Promise<Clip>;

/** Fades the upper rows of `lower` in over the last rows of `upper`. */
function blendRows(upper: Clip, lower: Clip, extent: number): void {
  const rows = Math.min(upper.height, lower.height, extent);
  for (let plane = 0; plane < 3 * lower.frames; plane++) {
    for (let row = 0; row < rows; row++) {
      const part = row / rows;
      const from = (plane * upper.height + upper.height - rows + row) * upper.width;
      const to = (plane * lower.height + row) * lower.width;
      for (let x = 0; x < lower.width; x++) {
        lower.data[to + x] = upper.data[from + x] * (1 - part) + lower.data[to + x] * part;
      }
    }
  }
}

/** Fades the first columns of `right` in over the last columns of `left`. */
function blendColumns(left: Clip, right: Clip, extent: number): void {
  const columns = Math.min(left.width, right.width, extent);
  for (let line = 0; line < 3 * right.frames * right.height; line++) {
    for (let x = 0; x < columns; x++) {
      const part = x / columns;
      const from = line * left.width + left.width - columns + x;
      const to = line * right.width + x;
      right.data[to] = left.data[from] * (1 - part) + right.data[to] * part;
    }
  }
}

/**
 * Decodes a picture of `rows` by `columns` cells in overlapping tiles, each blended into the one above and the one
 * to its left, so that memory follows the tile and not the picture.
 */
export async function decodeTiled(
  rows: number,
  columns: number,
  pixelsPerCell: number,
  tile: TileSize,
  decode: DecodeCells,
): Promise<Clip> {
  if (rows <= tile.cells && columns <= tile.cells) return decode({ row: 0, column: 0, rows, columns });
  const stride = tile.strideCells * pixelsPerCell;
  const extent = (tile.cells - tile.strideCells) * pixelsPerCell;
  let whole: Clip | undefined;
  let above: Clip[] = [];
  for (let row = 0; row < rows; row += tile.strideCells) {
    const current: Clip[] = [];
    for (let column = 0; column < columns; column += tile.strideCells) {
      const piece = await decode({
        row,
        column,
        rows: Math.min(tile.cells, rows - row),
        columns: Math.min(tile.cells, columns - column),
      });
      const upper = above[current.length];
      const left = current.at(-1);
      if (upper !== undefined) blendRows(upper, piece, extent);
      if (left !== undefined) blendColumns(left, piece, extent);
      current.push(piece);
      const height = rows * pixelsPerCell;
      const width = columns * pixelsPerCell;
      whole ??= {
        frames: piece.frames,
        height,
        width,
        data: new Float32Array(3 * piece.frames * height * width),
      };
      paste(piece, whole, row * pixelsPerCell, column * pixelsPerCell, stride);
    }
    above = current;
  }
  if (whole === undefined) throw new RangeError('a picture has at least one cell');
  return whole;
}

function paste(piece: Clip, whole: Clip, top: number, left: number, stride: number): void {
  const height = Math.min(piece.height, stride, whole.height - top);
  const width = Math.min(piece.width, stride, whole.width - left);
  for (let plane = 0; plane < 3 * piece.frames; plane++) {
    for (let y = 0; y < height; y++) {
      const from = (plane * piece.height + y) * piece.width;
      const to = (plane * whole.height + top + y) * whole.width + left;
      whole.data.set(piece.data.subarray(from, from + width), to);
    }
  }
}
