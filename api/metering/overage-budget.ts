import { nextMonth } from './calendar.js';

/** The account's owner set a monthly cap in this month; null turns overage off. */
export interface CapChange {
  readonly month: string;
  readonly capCents: number | null;
}

/** Overage money of one month. */
export interface OverageBudget {
  /** Null: overage is off, nothing beyond the allowance is made. */
  readonly capCents: number | null;
  /** Saved from earlier months. */
  readonly carriedCents: number;
  /** Cap and savings together. */
  readonly totalCents: number;
  readonly chargedCents: number;
  readonly remainingCents: number;
}

/**
 * The budget of a month: each month brings the cap that was set last, and what a month did not use is saved
 * for the next. Turning overage off stops spending at once and keeps what was saved.
 */
export function overageBudget(
  changes: readonly CapChange[],
  chargedByMonth: ReadonlyMap<string, number>,
  month: string,
): OverageBudget {
  let capCents: number | null = null;
  let carriedCents = 0;
  for (let at = changes[0]?.month ?? month; ; at = nextMonth(at)) {
    const change = changes.findLast((candidate) => candidate.month === at);
    if (change !== undefined) capCents = change.capCents;
    const totalCents = carriedCents + (capCents ?? 0);
    const chargedCents = chargedByMonth.get(at) ?? 0;
    const unused = Math.max(0, totalCents - chargedCents);
    if (at >= month) {
      const remainingCents = capCents === null ? 0 : unused;
      return { capCents, carriedCents, totalCents, chargedCents, remainingCents };
    }
    carriedCents = unused;
  }
}
