import { expect, it } from 'vitest';
import { change, failedShare } from './changes';

it.each([
  [108, 100, { share: 0.08, direction: 1 }],
  [50, 100, { share: 0.5, direction: -1 }],
  [100, 100, { share: 0, direction: 0 }],
  [0, 0, null],
  [5, 0, null],
])('%d against %d', (now, before, expected) => {
  const found = change(now, before);
  if (expected === null || found === null) expect(found).toBe(expected);
  else expect({ ...found, share: Math.round(found.share * 1000) / 1000 }).toEqual(expected);
});

it('no payments means no failed ones', () => {
  expect(failedShare({ transactions: 0, failed_transactions: 0 })).toBe(0);
  expect(failedShare({ transactions: 8, failed_transactions: 2 })).toBe(0.25);
});
