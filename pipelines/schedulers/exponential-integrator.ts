import type { SignalLevel } from './signal-level.js';

const f = Math.fround;

/** The solvers of the DPM family: predicting noise or (`++`) data, of the ODE or (`sde-`) the SDE. */
export type DpmAlgorithm = 'dpmsolver' | 'dpmsolver++' | 'sde-dpmsolver' | 'sde-dpmsolver++';

/** Factors of a step from one level to another: of the sample, of the prediction and its derivatives, of noise. */
interface IntegratorWeights {
  readonly sample: number;
  readonly prediction: number;
  /** First derivative by the midpoint rule, in which the second-order step is the first-order one halved. */
  readonly midpoint: number;
  /** First and second derivative, exact in the exponential. */
  readonly first: number;
  readonly second: number;
  readonly noise: number;
}

/**
 * Exact integrals of the linear part with polynomials for the network. Lu et al. 2022, "DPM-Solver", eqs. 3.7 and
 * B.4; Lu et al. 2022, "DPM-Solver++", eqs. 9 and 12, and section 6 for the SDE. Differences of nearly equal numbers
 * are rounded in float32 as the reference rounds them.
 */
export function integratorWeights(
  algorithm: DpmAlgorithm,
  from: SignalLevel,
  to: SignalLevel,
): IntegratorWeights {
  const h = f(to.lambda - from.lambda);
  switch (algorithm) {
    case 'dpmsolver++': {
      const grown = f(f(Math.exp(-h)) - 1);
      return {
        sample: f(to.sigma / from.sigma),
        prediction: f(-to.alpha * grown),
        midpoint: f(-0.5 * to.alpha * grown),
        first: f(to.alpha * f(f(grown / h) + 1)),
        second: f(-to.alpha * f(f(f(grown + h) / f(h * h)) - 0.5)),
        noise: 0,
      };
    }
    case 'dpmsolver': {
      const grown = f(f(Math.exp(h)) - 1);
      return {
        sample: f(to.alpha / from.alpha),
        prediction: f(-to.sigma * grown),
        midpoint: f(-0.5 * to.sigma * grown),
        first: f(-to.sigma * f(f(grown / h) - 1)),
        second: f(-to.sigma * f(f(f(grown - h) / f(h * h)) - 0.5)),
        noise: 0,
      };
    }
    case 'sde-dpmsolver++': {
      const twice = f(2 * h);
      const lost = f(1 - f(Math.exp(-twice)));
      return {
        sample: f((to.sigma / from.sigma) * f(Math.exp(-h))),
        prediction: f(to.alpha * lost),
        midpoint: f(0.5 * to.alpha * lost),
        first: f(to.alpha * f(f(lost / -twice) + 1)),
        second: f(to.alpha * f(f(f(lost - twice) / f(twice * twice)) - 0.5)),
        noise: f(to.sigma * Math.sqrt(lost)),
      };
    }
    case 'sde-dpmsolver': {
      const grown = f(f(Math.exp(h)) - 1);
      return {
        sample: f(to.alpha / from.alpha),
        prediction: f(-2 * to.sigma * grown),
        midpoint: f(-to.sigma * grown),
        first: f(-2 * to.sigma * f(f(grown / h) - 1)),
        second: 0,
        noise: f(to.sigma * Math.sqrt(f(f(Math.exp(f(2 * h))) - 1))),
      };
    }
  }
}
