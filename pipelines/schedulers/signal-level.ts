const f = Math.fround;

/** Signal α, noise σ and half the log of their power ratio λ = log α - log σ of a step, in float32. */
export interface SignalLevel {
  readonly alpha: number;
  readonly sigma: number;
  readonly lambda: number;
}

/**
 * The level of a variance-preserving diffusion with noise-to-signal `ratio` (Kingma et al. 2021, "Variational
 * Diffusion Models", section 3), or of a straight flow at time `ratio`. Rounded step by step like the reference:
 * solvers subtract neighbouring λ, which lays rounding bare.
 */
export function signalLevel(ratio: number, flow = false): SignalLevel {
  const alpha = flow ? f(1 - ratio) : f(1 / f(Math.sqrt(f(f(ratio * ratio) + 1))));
  const sigma = flow ? ratio : f(ratio * alpha);
  return { alpha, sigma, lambda: f(f(Math.log(alpha)) - f(Math.log(sigma))) };
}
