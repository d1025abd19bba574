const f = Math.fround;

/** Noise to signal σ = √((1-ᾱ)/ᾱ) at every training timestep, and the ways between the two. */
export class TrainingLevels {
  /** `[T]`, float32 values, rising; only the last may lie lower, where it is capped. */
  readonly sigmas: Float32Array;
  readonly #logs: Float32Array;

  /** `capped`: with zero terminal SNR the last ᾱ is 0 and its σ infinite; ᾱ = 2^-24 stands for it. */
  constructor(alphasCumprod: Float32Array, capped = false) {
    this.sigmas = alphasCumprod.map((alpha, i) => {
      const a = capped && i === alphasCumprod.length - 1 ? 2 ** -24 : alpha;
      return Math.sqrt(f(f(1 - a) / a));
    });
    this.#logs = this.sigmas.map(Math.log);
  }

  get lowest(): number {
    return this.sigmas[0];
  }

  get highest(): number {
    return this.sigmas[this.sigmas.length - 1];
  }

  /** σ at a timestep that need not be whole; beyond the ends the end itself. */
  at(timestep: number): number {
    const last = this.sigmas.length - 1;
    if (timestep >= last) return this.sigmas[last];
    if (timestep <= 0) return this.sigmas[0];
    const low = Math.floor(timestep);
    return this.sigmas[low] + (this.sigmas[low + 1] - this.sigmas[low]) * (timestep - low);
  }

  /** The timestep of a σ, interpolated in log σ. */
  timestepOf(sigma: number): number {
    const logs = this.#logs;
    const target = Math.log(Math.max(sigma, 1e-10));
    let low = logs.length - 1;
    while (low > 0 && logs[low] > target) low--;
    low = Math.min(low, logs.length - 2);
    const part = Math.min(1, Math.max(0, (logs[low] - target) / f(logs[low] - logs[low + 1])));
    return (1 - part) * low + part * (low + 1);
  }
}
