const WINDOW_MS = 60_000;

/** What the burst limit says about one more request. */
export interface BurstDecision {
  readonly allowed: boolean;
  readonly remaining: number;
  /** When the next request becomes possible, or one more than now does. */
  readonly resetAt: number;
  /** The window after this request, to be remembered. */
  readonly stamps: readonly number[];
}

/**
 * An exact sliding window: never more than `limit` accepted requests in any 60 seconds. A refused request is
 * not counted, so that waiting for `resetAt` is always enough.
 */
export function decideBurst(stamps: readonly number[], limit: number, now: number): BurstDecision {
  // A clock that stepped back must not lock an account out: stamps from the future are dropped.
  const recent = stamps.filter((stamp) => stamp > now - WINDOW_MS && stamp <= now);
  const allowed = recent.length < limit;
  const kept = allowed ? [...recent, now] : recent;
  return {
    allowed,
    remaining: limit - kept.length,
    resetAt: (kept[0] ?? now) + WINDOW_MS,
    stamps: kept,
  };
}
