import { expect, it } from 'vitest';
import { change, failedShare, revenueChanges } from './changes';

it.each([
  [108, 100, { share: 0.08, direction: 1 }],
  [50, 100, { share: 0.5, direction: -1 }],
  [100, 100, { share: 0, direction: 0 }],
  [0, 0, null],
  [5, 0, null],
  [null, 412, null],
  [undefined, 412, null],
  [412, null, null],
])('%s against %s', (now, before, expected) => {
  const found = change(now, before);
  if (expected === null || found === null) expect(found).toBe(expected);
  else expect({ ...found, share: Math.round(found.share * 1000) / 1000 }).toEqual(expected);
});

it('without payments there is no share of failed ones', () => {
  expect(failedShare({ transactions: 0, failed_transactions: 0 })).toBeNull();
  expect(failedShare({ transactions: 8, failed_transactions: 2 })).toBe(0.25);
});

it('revenue is compared currency by currency, the largest first', () => {
  const amount = (currency: string, value: number): { currency: string; amount: number } => ({ currency, amount: value });
  const found = revenueChanges([amount('USD', 100), amount('EUR', 150), amount('CHF', 1), amount('GBP', 50)], [amount('EUR', 100), amount('JPY', 9)]);
  expect(found.map(({ amount: { currency }, change: changed }) => [currency, changed?.share ?? null])).toEqual([['EUR', 0.5], ['USD', null], ['GBP', null]]);
  expect(revenueChanges([], [amount('EUR', 1)])).toEqual([]);
});
