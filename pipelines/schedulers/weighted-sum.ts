/** A factor and the array it belongs to. */
export type Term = readonly [weight: number, values: Float32Array];

/** Σ weight · values in one pass over arrays of one length: summed in double, rounded once. */
export function weightedSum(...terms: readonly Term[]): Float32Array {
  const [[a, x]] = terms;
  const out = new Float32Array(x.length);
  switch (terms.length) {
    case 1:
      for (let i = 0; i < out.length; i++) out[i] = a * x[i];
      return out;
    case 2: {
      const [b, y] = terms[1];
      for (let i = 0; i < out.length; i++) out[i] = a * x[i] + b * y[i];
      return out;
    }
    case 3: {
      const [[b, y], [c, z]] = [terms[1], terms[2]];
      for (let i = 0; i < out.length; i++) out[i] = a * x[i] + b * y[i] + c * z[i];
      return out;
    }
    case 4: {
      const [[b, y], [c, z], [d, w]] = [terms[1], terms[2], terms[3]];
      for (let i = 0; i < out.length; i++) out[i] = a * x[i] + b * y[i] + c * z[i] + d * w[i];
      return out;
    }
    default: {
      const [[b, y], [c, z], [d, w], [e, v]] = [terms[1], terms[2], terms[3], terms[4]];
      for (let i = 0; i < out.length; i++) out[i] = a * x[i] + b * y[i] + c * z[i] + d * w[i] + e * v[i];
      for (const [weight, values] of terms.slice(5))
        for (let i = 0; i < out.length; i++) out[i] += weight * values[i];
      return out;
    }
  }
}
