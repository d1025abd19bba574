/** Where the latent cells of a film lie, for the transformer's rotary positions. */
export interface RotaryPlaces {
  readonly frames: number;
  readonly rows: number;
  readonly columns: number;
  /** Step from cell to cell: seconds in time, pixels in height and width. */
  readonly scale: readonly [timeStep: number, rowStep: number, columnStep: number];
  /** Width of the transformer's hidden states. */
  readonly width: number;
}

/** `[1, S, width] float32` tables, S = frames * rows * columns. */
export interface RotaryTables {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  readonly dims: readonly [1, number, number];
}

/** Extents that positions are measured against: 20 seconds, 2048 pixels either way. */
const BASE = [20, 2048, 2048] as const;
const THETA = 10_000;

const f32 = Math.fround;

/**
 * Rotary tables of three axes (Su et al., "RoFormer", eq. 34, with a third of the width for time, height and
 * width each, interleaved by frequency). Angles reach 15,000 radians, where float32 shows in the third digit, so
 * each step is rounded as the transformer was trained with.
 */
export function ltxRotary(places: RotaryPlaces): RotaryTables {
  const { frames, rows, columns, scale, width } = places;
  const perAxis = Math.floor(width / 6);
  const padding = width % 6;
  const count = frames * rows * columns;
  const cos = new Float32Array(count * width);
  const sin = new Float32Array(count * width);
  const frequencies = Float32Array.from({ length: perAxis }, (_, index) => {
    const exponent = perAxis === 1 ? 0 : f32(index / (perAxis - 1));
    return f32(f32(THETA ** exponent) * (Math.PI / 2));
  });
  const position = (index: number, axis: 0 | 1 | 2): number =>
    f32(f32(f32(f32(index) * scale[axis]) / BASE[axis]) * 2 - 1);

  let at = 0;
  for (let frame = 0; frame < frames; frame++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const placed = [position(frame, 0), position(row, 1), position(column, 2)];
        cos.fill(1, at, at + padding);
        let out = at + padding;
        for (let index = 0; index < perAxis; index++) {
          for (const each of placed) {
            const angle = f32(frequencies[index] * each);
            cos[out] = cos[out + 1] = Math.cos(angle);
            sin[out] = sin[out + 1] = Math.sin(angle);
            out += 2;
          }
        }
        at += width;
      }
    }
  }
  return { cos, sin, dims: [1, count, width] };
}
