const f = Math.fround;

/**
 * Fused multiply and add, as the compiled reference has it: the product of two float32 is exact in double, so only
 * the sum is rounded.
 */
const fma = (a: number, b: number, c: number): number => f(a * b + c);

const SQRT_HALF = f(0.707106781186547524);
const LN2_HIGH = f(0.693359375);
const LN2_LOW = f(-2.1219444e-4);
const LOG_POLYNOMIAL = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
].map(f);

/**
 * Natural logarithm of `numerator / 2^24` (1 <= numerator <= 2^24) as Cephes' `logf` rounds it: every operation
 * in float32. Moshier, "Methods and Programs for Mathematical Functions", 1989. The numerator is an integer, so its
 * exponent and mantissa are exact.
 */
export function logOfFraction24(numerator: number): number {
  const bits = 32 - Math.clz32(numerator);
  let exponent = bits - 24;
  let x = numerator / 2 ** bits;
  if (x < SQRT_HALF) {
    exponent -= 1;
    x = f(f(x - 1) + x);
  } else x = f(x - 1);
  const z = f(x * x);
  let y = LOG_POLYNOMIAL[0];
  for (let i = 1; i < LOG_POLYNOMIAL.length; i++) y = fma(y, x, LOG_POLYNOMIAL[i]);
  y = fma(f(y * x), z, f(exponent * LN2_LOW));
  y = fma(z, -0.5, y);
  return fma(exponent, LN2_HIGH, f(x + y));
}

const FOUR_OVER_PI = f(1.27323954473516);
/** π/4 in three parts, so that taking multiples off loses nothing. */
const QUARTER_PI_1 = f(0.78515625);
const QUARTER_PI_2 = f(2.4187564849853515625e-4);
const QUARTER_PI_3 = f(3.77489497744594108e-8);
const [SIN_0, SIN_1, SIN_2] = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1].map(f);
const [COS_0, COS_1, COS_2] = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2].map(f);

/** Sine and cosine of an angle in [0, 2π) as Cephes' `sinf` and `cosf` round them, written to `out[0]` and `out[1]`. */
export function sinCosSingle(angle: number, out: Float32Array): void {
  const octant = (Math.trunc(f(angle * FOUR_OVER_PI)) + 1) & ~1;
  const x = fma(octant, -QUARTER_PI_3, fma(octant, -QUARTER_PI_2, fma(octant, -QUARTER_PI_1, angle)));
  const z = f(x * x);
  let cosine = fma(fma(COS_0, z, COS_1), z, COS_2);
  cosine = f(fma(f(cosine * z), z, -0.5 * z) + 1);
  const polynomial = fma(fma(SIN_0, z, SIN_1), z, SIN_2);
  const sine = fma(f(polynomial * z), x, x);
  const swap = (octant & 2) !== 0;
  out[0] = (octant & 4) !== 0 ? -(swap ? cosine : sine) : swap ? cosine : sine;
  // The cosine is negative in the second and third quadrant.
  out[1] = ((octant + 2) & 4) !== 0 ? -(swap ? sine : cosine) : swap ? sine : cosine;
}
