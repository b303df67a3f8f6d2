import { expect, it } from 'vitest';
import { failedShare, revenueChanges } from './changes';

it('without payments there is no share of failed ones', () => {
  expect(failedShare({ completed_transactions: 0, failed_transactions: 0 })).toBeNull();
  expect(failedShare({ completed_transactions: 6, failed_transactions: 2 })).toBe(0.25);
});

it('revenue is compared currency by currency, the largest first', () => {
  const amount = (currency: string, value: number): { currency: string; amount: number } => ({ currency, amount: value });
  const found = revenueChanges([amount('USD', 100), amount('EUR', 150), amount('CHF', 1), amount('GBP', 50)], [amount('EUR', 100), amount('JPY', 9)]);
  expect(found.map(({ amount: { currency }, change: changed }) => [currency, changed?.share ?? null])).toEqual([['EUR', 0.5], ['USD', null], ['GBP', null]]);
  expect(revenueChanges([], [amount('EUR', 1)])).toEqual([]);
});
