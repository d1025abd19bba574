import type { Limits } from '../../core/config/settings.js';
import { limitsFor, type ApiKind } from './limits.js';
import { startOfNextDay, startOfNextMonth } from './calendar.js';
import type { OverageBudget } from './overage-budget.js';

/** What an account has used when it asks for one more. */
export interface Standing {
  readonly usedThisMonth: number;
  readonly usedToday: number;
  readonly active: number;
  readonly dailyCapLifted: boolean;
}

/** Limits that answer 429. */
export type LimitCode =
  | 'monthly_allowance_reached'
  | 'overage_budget_reached'
  | 'daily_cap_reached'
  | 'concurrent_jobs_limit'
  | 'burst_limit';

/** One more is granted: within the allowance, or beyond it at a price. */
export interface Grant {
  readonly granted: true;
  readonly overage: 0 | 1;
  readonly cents: number;
}

/** One more is refused, and until when asking again is pointless. */
export interface LimitRefusal {
  readonly granted: false;
  readonly code: LimitCode;
  readonly limit: number;
  readonly retryAt: number;
}

/** A slot may free at any moment; asking every few seconds is polite enough. */
const CONCURRENCY_RETRY_MS = 5000;

/** Decides about one more job. The longest-lasting refusal is told first; the budget is only asked if needed. */
export async function decide(
  limits: Limits,
  kind: ApiKind,
  standing: Standing,
  budget: () => Promise<OverageBudget>,
  now: number,
): Promise<Grant | LimitRefusal> {
  const { perMonth, perDay, cents } = limitsFor(limits, kind);
  let grant: Grant = { granted: true, overage: 0, cents: 0 };
  if (standing.usedThisMonth >= perMonth) {
    const { capCents, totalCents, remainingCents } = await budget();
    const retryAt = startOfNextMonth(now);
    if (capCents === null) {
      return { granted: false, code: 'monthly_allowance_reached', limit: perMonth, retryAt };
    }
    if (remainingCents < cents) {
      return { granted: false, code: 'overage_budget_reached', limit: totalCents, retryAt };
    }
    grant = { granted: true, overage: 1, cents };
  }
  if (standing.usedToday >= perDay && !standing.dailyCapLifted) {
    return { granted: false, code: 'daily_cap_reached', limit: perDay, retryAt: startOfNextDay(now) };
  }
  if (standing.active >= limits.concurrentJobs) {
    return {
      granted: false,
      code: 'concurrent_jobs_limit',
      limit: limits.concurrentJobs,
      retryAt: now + CONCURRENCY_RETRY_MS,
    };
  }
  return grant;
}
