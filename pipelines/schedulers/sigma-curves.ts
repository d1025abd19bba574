import { z } from 'zod';
import { symmetricBetaQuantile } from './beta-quantile.js';
import { option } from './option.js';
import { linspace } from './timestep-spacing.js';

/** Options that put another curve of noise levels in place of the trained one. */
export const curveConfig = z.object({
  use_karras_sigmas: option(z.boolean(), false),
  use_exponential_sigmas: option(z.boolean(), false),
  use_beta_sigmas: option(z.boolean(), false),
  sigma_min: z.number().nullish(),
  sigma_max: z.number().nullish(),
});
export type CurveConfig = z.output<typeof curveConfig>;

/** Fails a config that asks for two curves at once. */
export function oneCurve(options: CurveConfig, context: z.RefinementCtx): void {
  const asked = (['use_karras_sigmas', 'use_exponential_sigmas', 'use_beta_sigmas'] as const).filter(
    (name) => options[name],
  );
  if (asked.length > 1)
    context.addIssue({ code: 'custom', path: [asked[1]], message: `cannot be used with ${asked[0]}` });
}

/** Noise levels spaced by the ρ rule, falling. Karras et al. 2022, eq. 5. */
export function karrasSigmas(low: number, high: number, steps: number, rho = 7): number[] {
  const [lowRoot, highRoot] = [low ** (1 / rho), high ** (1 / rho)];
  return linspace(0, 1, steps).map((ramp) => (highRoot + ramp * (lowRoot - highRoot)) ** rho);
}

/** Noise levels of one ratio, falling. Song & Ermon 2019, "Generative Modeling by Estimating Gradients", section 4. */
function exponentialSigmas(low: number, high: number, steps: number): number[] {
  return linspace(Math.log(high), Math.log(low), steps).map(Math.exp);
}

/** Noise levels at quantiles of Beta(0.6, 0.6), falling. Lee et al. 2024, "Beta Sampling is All You Need". */
function betaSigmas(low: number, high: number, steps: number): number[] {
  return linspace(0, 1, steps).map((ramp) => low + symmetricBetaQuantile(1 - ramp, 0.6) * (high - low));
}

/** The levels that the config asks for between `low` and `high`, or undefined where it leaves the trained ones. */
export function askedCurve(
  options: CurveConfig,
  low: number,
  high: number,
  steps: number,
): number[] | undefined {
  const [from, to] = [options.sigma_min ?? low, options.sigma_max ?? high];
  if (options.use_karras_sigmas) return karrasSigmas(from, to, steps);
  if (options.use_exponential_sigmas) return exponentialSigmas(from, to, steps);
  if (options.use_beta_sigmas) return betaSigmas(from, to, steps);
  return undefined;
}
