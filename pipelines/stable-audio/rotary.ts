/** `[places, width] float32` tables. */
export interface RotaryTables {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  readonly dims: readonly [number, number];
}

const THETA = 10_000;

/**
 * Rotary tables of one axis (Su et al., "RoFormer", eq. 34), the frequencies listed once for the first and once
 * more for the second half of the width.
 */
export function audioRotary(places: number, width: number): RotaryTables {
  const half = width / 2;
  const cos = new Float32Array(places * width);
  const sin = new Float32Array(places * width);
  for (let place = 0; place < places; place++) {
    for (let index = 0; index < half; index++) {
      const angle = Math.fround(
        place * Math.fround(1 / Math.fround(THETA ** Math.fround((2 * index) / width))),
      );
      for (const at of [place * width + index, place * width + half + index]) {
        cos[at] = Math.cos(angle);
        sin[at] = Math.sin(angle);
      }
    }
  }
  return { cos, sin, dims: [places, width] };
}
