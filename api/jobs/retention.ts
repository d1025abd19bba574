/** Results and their jobs are deleted this long after the job ended. */
export const RETENTION_MS = 7 * 24 * 3600_000;
/** A download link is good for this long. */
export const LINK_SECONDS = 24 * 3600;
/** An Idempotency-Key is remembered this long. */
export const IDEMPOTENCY_MS = 24 * 3600_000;
