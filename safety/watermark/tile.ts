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

export function scaled({ re, im }: Values, by: number): Values {
  return { re: re.map((each) => each * by), im: im.map((each) => each * by) };
}

interface Waves {
  /** cos and sin of `2 pi u (x + 1/2) / side`, `[outer + 1, side]`; cells' middles count. */
  readonly cos: Float64Array;
  readonly sin: Float64Array;
  /** The same, `[side, outer + 1]`. */
  readonly cosAt: Float64Array;
  readonly sinAt: Float64Array;
}

const tables = new Map<string, Waves>();

function waves(outer: number, side: number): Waves {
  const name = `${outer} ${side}`;
  let known = tables.get(name);
  if (known === undefined) {
    // Sizes come and go; a node makes few of them at a time.
    if (tables.size > 32) tables.clear();
    const [cos, sin, cosAt, sinAt] = Array.from({ length: 4 }, () => new Float64Array((outer + 1) * side));
    for (let u = 0; u <= outer; u++) {
      for (let x = 0; x < side; x++) {
        const angle = (2 * Math.PI * u * (x + 0.5)) / side;
        cos[u * side + x] = cosAt[x * (outer + 1) + u] = Math.cos(angle);
        sin[u * side + x] = sinAt[x * (outer + 1) + u] = Math.sin(angle);
      }
    }
    known = { cos, sin, cosAt, sinAt };
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

/**
 * How much of each carrier's harmonic a folded tile holds. Row by row, then column by column. At mirrored places cos is
 * the same and sin the opposite, and half a tile further a harmonic of odd `u` is the opposite of what it was: what
 * the four places hold is added up before it is multiplied.
 */
export function projected(tile: Float32Array, side: number, carriers: Carriers): Values {
  const { outer } = carriers;
  const { cos, sin } = waves(outer, side);
  const half = side >> 1;
  const odd = side % 2 === 1;
  // An odd side has no place half a tile further.
  const part = odd ? half : (half + 1) >> 1;
  const re = new Float64Array((outer + 1) * side);
  const im = new Float64Array((outer + 1) * side);
  // Sums for cos and sin of even u, then of odd u.
  const [cosEven, sinEven, cosOdd, sinOdd] = Array.from({ length: 4 }, () => new Float64Array(part));
  for (let y = 0; y < side; y++) {
    const row = y * side;
    for (let x = 0; x < part; x++) {
      const a = tile[row + x];
      const b = tile[row + side - 1 - x];
      const other = half - 1 - x;
      const single = odd || other === x;
      const c = single ? 0 : tile[row + other];
      const d = single ? 0 : tile[row + side - 1 - other];
      cosEven[x] = a + b + (c + d);
      cosOdd[x] = a + b - (c + d);
      sinEven[x] = a - b - (c - d);
      sinOdd[x] = a - b + (c - d);
    }
    for (let u = 0; u <= outer; u++) {
      const forCos = u % 2 === 0 ? cosEven : cosOdd;
      const forSin = u % 2 === 0 ? sinEven : sinOdd;
      // The middle cell of an odd side is its own mirror image.
      let c = odd ? tile[row + half] * cos[u * side + half] : 0;
      let s = 0;
      for (let x = 0, w = u * side; x < part; x++, w++) {
        c += forCos[x] * cos[w];
        s += forSin[x] * sin[w];
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
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let y = 0; y < side; y++) {
      const wc = cos[wave + y];
      const ws = sin[wave + y];
      a += re[row + y] * wc;
      b += im[row + y] * ws;
      c += im[row + y] * wc;
      d += re[row + y] * ws;
    }
    out.re[i] = v < 0 ? a - b : a + b;
    out.im[i] = v < 0 ? c + d : c - d;
  }
  return out;
}

/** The sum of all harmonics with the given complex amplitudes, `[side, side]`; four places share their work. */
export function synthesised(values: Values, side: number, carriers: Carriers): Float32Array {
  const { outer } = carriers;
  const { cos, sin, cosAt, sinAt } = waves(outer, side);
  const half = (side + 1) >> 1;
  // Columns of each u: parts that are the same and the opposite in the lower half.
  const evenRe = new Float64Array((outer + 1) * half);
  const evenIm = new Float64Array((outer + 1) * half);
  const oddRe = new Float64Array((outer + 1) * half);
  const oddIm = new Float64Array((outer + 1) * half);
  for (let i = 0; i < carriers.count; i++) {
    const row = carriers.u[i] * half;
    const v = carriers.v[i];
    const wave = Math.abs(v) * side;
    const a = values.re[i];
    const b = values.im[i];
    const turned = v < 0 ? -1 : 1;
    for (let y = 0; y < half; y++) {
      const c = cos[wave + y];
      const s = turned * sin[wave + y];
      evenRe[row + y] += a * c;
      evenIm[row + y] += b * c;
      oddRe[row + y] -= b * s;
      oddIm[row + y] += a * s;
    }
  }
  const tile = new Float32Array(side * side);
  const re = new Float64Array(outer + 1);
  const im = new Float64Array(outer + 1);
  const step = outer + 1;
  const odd = side % 2 === 1;
  const part = odd ? half : (half + 1) >> 1;
  for (let y = 0; y < side; y++) {
    const lower = y >= half;
    const line = lower ? side - 1 - y : y;
    const sign = lower ? -1 : 1;
    for (let u = 0; u < step; u++) {
      const at = u * half + line;
      re[u] = evenRe[at] + sign * oddRe[at];
      im[u] = evenIm[at] + sign * oddIm[at];
    }
    const row = y * side;
    for (let x = 0, w = 0; x < part; x++, w += step) {
      let cosEven = 0;
      let sinEven = 0;
      let cosOdd = 0;
      let sinOdd = 0;
      for (let u = 0; u < step; u += 2) {
        cosEven += re[u] * cosAt[w + u];
        sinEven += im[u] * sinAt[w + u];
      }
      for (let u = 1; u < step; u += 2) {
        cosOdd += re[u] * cosAt[w + u];
        sinOdd += im[u] * sinAt[w + u];
      }
      const cosine = cosEven + cosOdd;
      const sine = sinEven + sinOdd;
      tile[row + x] = cosine - sine;
      tile[row + side - 1 - x] = cosine + sine;
      if (odd) continue;
      const other = half - 1 - x;
      tile[row + other] = cosEven - cosOdd + sinEven - sinOdd;
      tile[row + side - 1 - other] = cosEven - cosOdd - sinEven + sinOdd;
    }
  }
  return tile;
}
