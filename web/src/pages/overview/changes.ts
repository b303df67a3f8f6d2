/** Numbers against those of the period before. Pure. */
import type { Amount, PeriodStats } from '../../api/types';

export interface Change {
  /** Size of the change, 0.08 for 8 %, never negative. */
  share: number;
  direction: -1 | 0 | 1;
}

/** Changes below this are shown as none. */
const NOISE = 0.0005;

/** `null` when one of them is missing, or when there was nothing before: a growth from nothing has no size. */
export function change(now: number | null | undefined, before: number | null | undefined): Change | null {
  if (now === null || now === undefined || before === null || before === undefined || before === 0) return null;
  const share = (now - before) / Math.abs(before);
  if (Math.abs(share) < NOISE) return { share: 0, direction: 0 };
  return { share: Math.abs(share), direction: share > 0 ? 1 : -1 };
}

/** Share of payments that failed; without payments there is none. */
export const failedShare = (stats: Pick<PeriodStats, 'transactions' | 'failed_transactions'>): number | null =>
  stats.transactions === 0 ? null : stats.failed_transactions / stats.transactions;

/** Most currencies shown; more would not fit a card. */
const CURRENCIES_MAX = 3;

/** The largest amounts, each compared with the same currency only. */
export function revenueChanges(now: readonly Amount[], before: readonly Amount[]): { amount: Amount; change: Change | null }[] {
  return [...now]
    .sort((a, b) => b.amount - a.amount)
    .slice(0, CURRENCIES_MAX)
    .map((amount) => ({ amount, change: change(amount.amount, before.find(({ currency }) => currency === amount.currency)?.amount) }));
}
