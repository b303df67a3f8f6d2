import { expect, it } from 'vitest';
import { change, failedShare, revenueChange } from './changes';

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

it('revenue is compared with the same currency only', () => {
  const euro = { currency: 'EUR', amount: 150 };
  const dollar = { currency: 'USD', amount: 100 };
  expect(revenueChange([euro], [dollar, { currency: 'EUR', amount: 100 }])).toEqual({ share: 0.5, direction: 1 });
  expect(revenueChange([euro], [dollar])).toBeNull();
  expect(revenueChange([euro, dollar], [euro])).toBeNull();
  expect(revenueChange([], [euro])).toBeNull();
});
