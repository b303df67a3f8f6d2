/** The overview's numbers against those of the period before. Pure. */
import type { Amount, PeriodStats } from '../../api/types';
import { change, type Change } from '../../change';

/** Share of payments that failed among those that were decided: a pending one is no failure yet. Without any there is none. */
export function failedShare(stats: Pick<PeriodStats, 'completed_transactions' | 'failed_transactions'>): number | null {
  const decided = stats.completed_transactions + stats.failed_transactions;
  return decided === 0 ? null : stats.failed_transactions / decided;
}

/** Most currencies shown; more would not fit a card. */
const CURRENCIES_MAX = 3;

/** The largest amounts, each compared with the same currency only. */
export function revenueChanges(now: readonly Amount[], before: readonly Amount[]): { amount: Amount; change: Change | null }[] {
  return [...now]
    .sort((a, b) => b.amount - a.amount)
    .slice(0, CURRENCIES_MAX)
    .map((amount) => ({ amount, change: change(amount.amount, before.find(({ currency }) => currency === amount.currency)?.amount) }));
}
