interface Tables {
  readonly reversed: Uint32Array;
  readonly cos: Float64Array;
  readonly sin: Float64Array;
}

const tables = new Map<number, Tables>();

function tablesOf(length: number): Tables {
  let known = tables.get(length);
  if (known === undefined) {
    const bits = Math.log2(length);
    const reversed = Uint32Array.from({ length }, (_, i) => {
      let out = 0;
      for (let bit = 0; bit < bits; bit++) out |= ((i >> bit) & 1) << (bits - 1 - bit);
      return out;
    });
    const angle = (i: number): number => (2 * Math.PI * i) / length;
    known = {
      reversed,
      cos: Float64Array.from({ length: length / 2 }, (_, i) => Math.cos(angle(i))),
      sin: Float64Array.from({ length: length / 2 }, (_, i) => -Math.sin(angle(i))),
    };
    tables.set(length, known);
  }
  return known;
}

/** One line of complex numbers (real and imaginary in turn), forward, in place. Cooley and Tukey 1965. */
function line(data: Float32Array, start: number, length: number, { reversed, cos, sin }: Tables): void {
  for (let i = 0; i < length; i++) {
    const j = reversed[i];
    if (j <= i) continue;
    const a = start + 2 * i;
    const b = start + 2 * j;
    const re = data[a];
    const im = data[a + 1];
    data[a] = data[b];
    data[a + 1] = data[b + 1];
    data[b] = re;
    data[b + 1] = im;
  }
  for (let half = 1; half < length; half *= 2) {
    const turn = length / (2 * half);
    for (let block = 0; block < length; block += 2 * half) {
      for (let k = 0; k < half; k++) {
        const c = cos[k * turn];
        const s = sin[k * turn];
        const a = start + 2 * (block + k);
        const b = a + 2 * half;
        const x = data[b] * c - data[b + 1] * s;
        const y = data[b] * s + data[b + 1] * c;
        data[b] = data[a] - x;
        data[b + 1] = data[a + 1] - y;
        data[a] += x;
        data[a + 1] += y;
      }
    }
  }
}

function transposed(data: Float32Array, columns: number, rows: number): Float32Array {
  const out = new Float32Array(data.length);
  const BLOCK = 16;
  for (let y0 = 0; y0 < rows; y0 += BLOCK) {
    for (let x0 = 0; x0 < columns; x0 += BLOCK) {
      for (let y = y0; y < y0 + BLOCK; y++) {
        for (let x = x0; x < x0 + BLOCK; x++) {
          out[2 * (x * rows + y)] = data[2 * (y * columns + x)];
          out[2 * (x * rows + y) + 1] = data[2 * (y * columns + x) + 1];
        }
      }
    }
  }
  return out;
}

/** Two-dimensional forward transform in place, unscaled; both sides powers of two, at least 16. */
export function forward(data: Float32Array, columns: number, rows: number): void {
  const across = tablesOf(columns);
  // Lines of nothing stay nothing.
  for (let y = 0; y < rows; y++) {
    const start = 2 * y * columns;
    let empty = true;
    for (let i = start; i < start + 2 * columns && empty; i++) empty = data[i] === 0;
    if (!empty) line(data, start, columns, across);
  }
  const turned = transposed(data, columns, rows);
  const down = tablesOf(rows);
  for (let x = 0; x < columns; x++) line(turned, 2 * x * rows, rows, down);
  data.set(transposed(turned, rows, columns));
}
