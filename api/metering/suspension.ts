/** Attempts of the last 30 minutes decide. */
export const SUSPENSION_WINDOW_MS = 30 * 60_000;
/** Fewer attempts than this never suspend. */
const SUSPENSION_MIN_ATTEMPTS = 10;
/** How long an automatic suspension lasts. */
export const SUSPENSION_MS = 24 * 3600_000;

/** More than half of enough attempts were rejected by safety. */
export function mustSuspend(attempts: number, rejected: number): boolean {
  return attempts >= SUSPENSION_MIN_ATTEMPTS && rejected * 2 > attempts;
}
