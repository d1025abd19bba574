/** Integral of the density's kernel u^(a-1) (1-u)^(a-1) from 0 to x <= 1/2, by its power series in x. */
function kernelIntegral(x: number, a: number): number {
  let coefficient = 1;
  let sum = 0;
  for (let n = 0; n < 80; n++) {
    sum += (coefficient * x ** n) / (a + n);
    coefficient *= (n + 1 - a) / (n + 1);
  }
  return x ** a * sum;
}

/**
 * The value below which a Beta(a, a) variable falls with probability p. The series is Abramowitz & Stegun 1964,
 * 26.5.4; the equation is solved by Newton steps that bisection keeps in bounds.
 */
export function symmetricBetaQuantile(p: number, a: number): number {
  if (p <= 0) return 0;
  if (p >= 1) return 1;
  if (p > 0.5) return 1 - symmetricBetaQuantile(1 - p, a);
  const target = p * 2 * kernelIntegral(0.5, a);
  let [low, high] = [0, 0.5];
  let x = Math.min(0.5, (target * a) ** (1 / a));
  for (let i = 0; i < 200 && high - low > 1e-16; i++) {
    const excess = kernelIntegral(x, a) - target;
    if (excess > 0) high = x;
    else low = x;
    const newton = x - excess / (x * (1 - x)) ** (a - 1);
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    if (Math.abs(next - x) <= 1e-16 * x) break;
    x = next;
  }
  return x;
}
