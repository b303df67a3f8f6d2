/** The numbers of a backtest's report, put side by side. Pure. */
import type { Amount } from '../../api/types';
import { formatNumber, formatPercent } from '../../format';
import type { DecisionCounts, RuleResult } from './contract';
import type { Level } from './decisions';

/** What a rule saves and what it costs in one currency; sums of several currencies are never added. */
export interface MoneyRow {
  currency: string;
  saved: number;
  blocked: number;
  balance: number;
}

const sumOf = (amounts: readonly Amount[], wanted: string): number => amounts.filter(({ currency }) => currency === wanted).reduce((sum, { amount }) => sum + amount, 0);

/** One row for each currency, those first that saved money names first. */
export function moneyRows({ money_saved, good_money_blocked }: Pick<RuleResult, 'money_saved' | 'good_money_blocked'>): MoneyRow[] {
  const currencies = [...new Set([...money_saved, ...good_money_blocked].map(({ currency }) => currency))];
  return currencies.map((currency) => {
    const [saved, blocked] = [sumOf(money_saved, currency), sumOf(good_money_blocked, currency)];
    return { currency, saved, blocked, balance: saved - blocked };
  });
}

export interface DecisionRow {
  decision: Level;
  before: number;
  after: number;
  change: number;
}

export const decisionRows = (before: DecisionCounts, after: DecisionCounts): DecisionRow[] =>
  (['allow', 'review', 'block'] as const).map((decision) => ({ decision, before: before[decision], after: after[decision], change: after[decision] - before[decision] }));

/** A count with its sign; none is a plain 0. */
export const changeText = (change: number): string => (change > 0 ? `+${formatNumber(change)}` : formatNumber(change).replace('-', '−'));

/** A share from 0 to 1; a dash where there was nothing to take it of. */
export const ratioText = (ratio: number | null | undefined): string => (ratio == null ? '–' : formatPercent(ratio));
