import { describe, expect, it } from 'vitest';
import { addressOfLists, draftOf, EVERY_ENTRY, EXPIRY_DAYS, expiresAt, expiryText, filterFromParams, type ListForm } from './lists';

const NOW_MS = Date.parse('2026-03-01T12:00:00Z');
const form: ListForm = { kind: 'ip', value: ' 203.0.113.0/24 ', effect: 'block', note: ' ', days: 0 };

describe('the end of an entry', () => {
  it.each([[0, null], [1, '2026-03-02T12:00:00.000Z'], [7, '2026-03-08T12:00:00.000Z'], [180, '2026-08-28T12:00:00.000Z']] as const)('in %s days is %s', (days, at) => {
    expect(expiresAt(days, NOW_MS)).toBe(at);
  });

  it('is said in words', () => {
    expect(EXPIRY_DAYS.map(expiryText)).toEqual(['never', 'in 1 day', 'in 7 days', 'in 30 days', 'in 180 days']);
  });
});

describe('what is sent', () => {
  it('has nothing of what was left empty', () => {
    expect(draftOf(form, NOW_MS)).toEqual({ kind: 'ip', value: '203.0.113.0/24', effect: 'block' });
    expect(draftOf({ ...form, note: ' proxy ', days: 1 }, NOW_MS)).toEqual({
      kind: 'ip', value: '203.0.113.0/24', effect: 'block', note: 'proxy', expires_at: '2026-03-02T12:00:00.000Z',
    });
  });
});

describe('the filter', () => {
  it('is the address', () => {
    expect(addressOfLists(EVERY_ENTRY)).toBe('/fraud/lists');
    const filter = { kind: 'ip', effect: 'block', q: 'a b' } as const;
    expect(filterFromParams(new URLSearchParams(addressOfLists(filter).split('?')[1]))).toEqual(filter);
  });

  it('ignores what nobody knows', () => {
    expect(filterFromParams(new URLSearchParams('kind=moon&effect=smile'))).toEqual(EVERY_ENTRY);
  });
});
