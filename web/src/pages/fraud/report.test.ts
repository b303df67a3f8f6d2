import { describe, expect, it } from 'vitest';
import { changeText, decisionRows, moneyRows, ratioText } from './report';

describe('money', () => {
  it('stands side by side in each currency and is never added across', () => {
    const money_saved = [{ currency: 'EUR', amount: 100.5 }, { currency: 'USD', amount: 20 }];
    const good_money_blocked = [{ currency: 'GBP', amount: 7 }, { currency: 'EUR', amount: 40 }];
    expect(moneyRows({ money_saved, good_money_blocked })).toEqual([
      { currency: 'EUR', saved: 100.5, blocked: 40, balance: 60.5 },
      { currency: 'USD', saved: 20, blocked: 0, balance: 20 },
      { currency: 'GBP', saved: 0, blocked: 7, balance: -7 },
    ]);
    expect(moneyRows({ money_saved: [], good_money_blocked: [] })).toEqual([]);
  });
});

describe('decisions', () => {
  it('are told before and after', () => {
    expect(decisionRows({ allow: 10, review: 2, block: 1 }, { allow: 8, review: 2, block: 3 })).toEqual([
      { decision: 'allow', before: 10, after: 8, change: -2 },
      { decision: 'review', before: 2, after: 2, change: 0 },
      { decision: 'block', before: 1, after: 3, change: 2 },
    ]);
  });
});

describe('numbers', () => {
  it.each([[1_200, '+1,200'], [0, '0'], [-3, '−3']])('a change of %s is %s', (change, text) => {
    expect(changeText(change)).toBe(text);
  });

  it('a share of nothing is a dash', () => {
    expect([ratioText(null), ratioText(0), ratioText(0.756)]).toEqual(['–', '0%', '75.6%']);
  });
});
