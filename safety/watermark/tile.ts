import type { Carriers } from './carriers.js';
import type { Plane } from './planes.js';

/** Complex values, one for each carrier. */
export interface Values {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

export function emptyValues(count: number): Values {
  return { re: new Float64Array(count), im: new Float64Array(count) };
}

interface Waves {
  readonly cos: Float64Array;
  readonly sin: Float64Array;
}

const tables = new Map<string, Waves>();

/** cos and sin of `2 pi u (x + 1/2) / side`, `[outer + 1, side]`; cells' middles count. */
function waves(outer: number, side: number): Waves {
  const name = `${outer} ${side}`;
  let known = tables.get(name);
  if (known === undefined) {
    // Sizes come and go; a node makes few of them at a time.
    if (tables.size > 32) tables.clear();
    known = { cos: new Float64Array((outer + 1) * side), sin: new Float64Array((outer + 1) * side) };
    for (let u = 0; u <= outer; u++) {
      for (let x = 0; x < side; x++) {
        known.cos[u * side + x] = Math.cos((2 * Math.PI * u * (x + 0.5)) / side);
        known.sin[u * side + x] = Math.sin((2 * Math.PI * u * (x + 0.5)) / side);
      }
    }
    tables.set(name, known);
  }
  return known;
}

/** The plane laid in tiles upon one another: the mark adds up and the picture does not. `[side, side]`. */
export function folded({ width, height, data }: Plane, side: number): Float32Array {
  const tile = new Float32Array(side * side);
  for (let y = 0, p = 0; y < height; y++) {
    const row = (y % side) * side;
    for (let x0 = 0; x0 < width; x0 += side) {
      const span = Math.min(side, width - x0);
      for (let x = 0; x < span; x++) tile[row + x] += data[p++];
    }
  }
  return tile;
}

/** How much of each carrier's harmonic a folded tile holds. */
export function projected(tile: Float32Array, side: number, carriers: Carriers): Values {
  const { outer } = carriers;
  const { cos, sin } = waves(outer, side);
  const re = new Float64Array((outer + 1) * side);
  const im = new Float64Array((outer + 1) * side);
  const half = side >> 1;
  const even = new Float64Array(half + 1);
  const odd = new Float64Array(half + 1);
  for (let y = 0; y < side; y++) {
    // cos is the same and sin the opposite at mirrored places, which halves the work.
    for (let x = 0; x < half; x++) {
      const a = tile[y * side + x];
      const b = tile[y * side + side - 1 - x];
      even[x] = a + b;
      odd[x] = a - b;
    }
    for (let u = 0; u <= outer; u++) {
      let c = side % 2 === 1 ? tile[y * side + half] * cos[u * side + half] : 0;
      let s = 0;
      for (let x = 0, w = u * side; x < half; x++, w++) {
        c += even[x] * cos[w];
        s += odd[x] * sin[w];
      }
      re[u * side + y] = c;
      im[u * side + y] = -s;
    }
  }
  const out = emptyValues(carriers.count);
  for (let i = 0; i < carriers.count; i++) {
    const row = carriers.u[i] * side;
    const v = carriers.v[i];
    const wave = Math.abs(v) * side;
    const sign = v < 0 ? -1 : 1;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let y = 0; y < side; y++) {
      a += re[row + y] * cos[wave + y];
      b += im[row + y] * sin[wave + y];
      c += im[row + y] * cos[wave + y];
      d += re[row + y] * sin[wave + y];
    }
    out.re[i] = a + sign * b;
    out.im[i] = c - sign * d;
  }
  return out;
}

/** The sum of all harmonics with the given complex amplitudes, `[side, side]`. */
export function synthesised(values: Values, side: number, carriers: Carriers): Float32Array {
  const { outer } = carriers;
  const { cos, sin } = waves(outer, side);
  const re = new Float64Array((outer + 1) * side);
  const im = new Float64Array((outer + 1) * side);
  for (let i = 0; i < carriers.count; i++) {
    const row = carriers.u[i] * side;
    const wave = Math.abs(carriers.v[i]) * side;
    const sign = carriers.v[i] < 0 ? -1 : 1;
    const a = values.re[i];
    const b = values.im[i];
    for (let y = 0; y < side; y++) {
      const c = cos[wave + y];
      const s = sign * sin[wave + y];
      re[row + y] += a * c - b * s;
      im[row + y] += a * s + b * c;
    }
  }
  const tile = new Float32Array(side * side);
  const half = (side + 1) >> 1;
  const even = new Float64Array(half);
  const odd = new Float64Array(half);
  for (let y = 0; y < side; y++) {
    even.fill(0);
    odd.fill(0);
    for (let u = 0; u <= outer; u++) {
      const a = re[u * side + y];
      const b = im[u * side + y];
      for (let x = 0, w = u * side; x < half; x++, w++) {
        even[x] += a * cos[w];
        odd[x] += b * sin[w];
      }
    }
    for (let x = 0; x < half; x++) {
      tile[y * side + x] = even[x] - odd[x];
      tile[y * side + side - 1 - x] = even[x] + odd[x];
    }
  }
  return tile;
}
