/** Noise levels spaced by the ρ = 7 rule, falling. Karras et al. 2022, eq. 5. */
export function karrasSigmas(sigmaMin: number, sigmaMax: number, steps: number): number[] {
  const rho = 7;
  const low = sigmaMin ** (1 / rho);
  const high = sigmaMax ** (1 / rho);
  return Array.from(
    { length: steps },
    (_, i) => (high + (steps > 1 ? i / (steps - 1) : 0) * (low - high)) ** rho,
  );
}

/** Where a noise level stands among the training levels, interpolated in log space. */
export function sigmaToTimestep(sigma: number, trainSigmas: readonly number[]): number {
  const target = Math.log(Math.max(sigma, 1e-10));
  let low = 0;
  while (low < trainSigmas.length - 2 && Math.log(trainSigmas[low + 1]) <= target) low++;
  const a = Math.log(trainSigmas[low]);
  const b = Math.log(trainSigmas[low + 1]);
  return low + Math.min(1, Math.max(0, (target - a) / (b - a)));
}
