import { describe, expect, it } from 'vitest';
import type { Difference } from '../../api/types';
import { emptyText, factorText } from './differences';

const DIFFERENCE: Difference = { field: 'service', value: 'payment', count: 9, share: 0.9, elsewhere_count: 1, elsewhere_share: 0.01, factor: 90, score: 80 };

describe('differences', () => {
  it('are told by how many times more often a value is there', () => {
    const check = (factor: number | null, expected: string): void => expect(factorText({ factor })).toBe(expected);
    check(1.25, '× 1.3');
    check(9.96, '× 10');
    check(12.4, '× 12');
    check(2_345.6, '× 2,346');
    check(null, 'only here');
  });

  it('that are not there are told why', () => {
    const check = (count: number, elsewhere_total: number, against: 'others' | 'before', expected: RegExp | null): void => {
      const text = emptyText({ differences: Array.from({ length: count }, () => DIFFERENCE), elsewhere_total }, against);
      if (expected === null) expect(text).toBeNull();
      else expect(text).toMatch(expected);
    };
    check(1, 5, 'others', null);
    check(0, 5, 'others', /^Nothing stands out/);
    check(0, 5, 'before', /^Nothing stands out/);
    check(0, 0, 'others', /there are no others/);
    check(0, 0, 'before', /in the period before/);
  });
});
