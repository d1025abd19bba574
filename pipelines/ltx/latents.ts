/** Shape of a film's latents `[1, channels, frames, rows, columns]`. */
export interface LatentShape {
  readonly channels: number;
  readonly frames: number;
  readonly rows: number;
  readonly columns: number;
}

export const latentCount = (shape: LatentShape): number =>
  shape.channels * shape.frames * shape.rows * shape.columns;

/**
 * Index in `[C, F, rows, columns]` for each element of the tokens `[F * rows/p * columns/p, C * p * p]`, channels
 * before rows before columns within a token.
 */
function tokenOrder({ channels, frames, rows, columns }: LatentShape, patch: number): Int32Array {
  const order = new Int32Array(channels * frames * rows * columns);
  let token = 0;
  for (let frame = 0; frame < frames; frame++) {
    for (let row = 0; row < rows; row += patch) {
      for (let column = 0; column < columns; column += patch) {
        for (let channel = 0; channel < channels; channel++) {
          for (let y = 0; y < patch; y++) {
            for (let x = 0; x < patch; x++) {
              order[token++] = ((channel * frames + frame) * rows + row + y) * columns + column + x;
            }
          }
        }
      }
    }
  }
  return order;
}

/** Latents `[1, C, F, rows, columns]` as tokens `[1, S, C * patch²]`. */
export function packLatents(latents: Float32Array, shape: LatentShape, patch: number): Float32Array {
  return Float32Array.from(tokenOrder(shape, patch), (index) => latents[index]);
}

/** Tokens `[1, S, C * patch²]` as latents `[1, C, F, rows, columns]`. */
export function unpackLatents(tokens: Float32Array, shape: LatentShape, patch: number): Float32Array {
  const latents = new Float32Array(tokens.length);
  tokenOrder(shape, patch).forEach((index, position) => {
    latents[index] = tokens[position];
  });
  return latents;
}

/** Latents back on the autoencoder's own scale: `x * deviation / scaling + mean`, channel by channel. */
export function denormalise(
  latents: Float32Array,
  shape: LatentShape,
  scale: {
    readonly mean: readonly number[];
    readonly deviation: readonly number[];
    readonly scaling: number;
  },
): Float32Array {
  const perChannel = latents.length / shape.channels;
  return latents.map((value, index) => {
    const channel = Math.floor(index / perChannel);
    return (value * (scale.deviation[channel] ?? 1)) / scale.scaling + (scale.mean[channel] ?? 0);
  });
}

/** The part of latents between two frames, `[1, C, to - from, rows, columns]`. */
export function sliceFrames(
  latents: Float32Array,
  shape: LatentShape,
  from: number,
  to: number,
): Float32Array {
  const plane = shape.rows * shape.columns;
  const out = new Float32Array(shape.channels * (to - from) * plane);
  for (let channel = 0; channel < shape.channels; channel++) {
    const start = (channel * shape.frames + from) * plane;
    out.set(latents.subarray(start, start + (to - from) * plane), channel * (to - from) * plane);
  }
  return out;
}

/** A rectangle of every frame, `[1, C, F, height, width]` cells. */
export function sliceCells(
  latents: Float32Array,
  shape: LatentShape,
  cells: { readonly row: number; readonly column: number; readonly rows: number; readonly columns: number },
): Float32Array {
  const out = new Float32Array(shape.channels * shape.frames * cells.rows * cells.columns);
  let at = 0;
  for (let plane = 0; plane < shape.channels * shape.frames; plane++) {
    for (let row = cells.row; row < cells.row + cells.rows; row++) {
      const start = (plane * shape.rows + row) * shape.columns + cells.column;
      out.set(latents.subarray(start, start + cells.columns), at);
      at += cells.columns;
    }
  }
  return out;
}
