import { describe, expect, it } from 'vitest';
import { contentOf, foundRecent, foundSaved, mergedRecent, proposedName, RECENT_MAX, remembered, sameContent, stateWith, type RecentEntry } from './saved-search';
import type { Filter, SavedSearch, SearchContent } from './types';
import { STANDARD_STATE } from './url-state';

const pill = (field: string, value: string | null, more: Partial<Filter> = {}): Filter => ({ field, value, negated: false, disabled: false, ...more });
const entry = (query: string, ...filters: Filter[]): RecentEntry => ({ query, filters });
const content = (query: string): SearchContent => ({ query, filters: [], columns: null, sort: 'newest', from: null, to: null });
const saved = (id: string, name: string, query = '', owner = 'anne'): SavedSearch => ({ id, name, version: 1, shared: false, owner_id: owner, owner, search: content(query), created_at: '', updated_at: '' });

describe('a kept search', () => {
  const state = { ...STANDARD_STATE, q: 'level:error', filters: [pill('service', 'cart', { negated: true }), pill('amount', null)], from: 'now-1h', to: 'now', sort: 'oldest' as const };
  const columns = [{ field: 'message', width_px: 320 }, { field: 'service', width_px: null }];

  it('comes back as it was typed, with no row open', () => {
    const kept = contentOf(state, columns);
    expect(stateWith({ ...STANDARD_STATE, q: 'other', row: 'e1', density: 'compact' }, kept)).toEqual({ ...state, columns, density: 'compact' });
  });

  it('leaves what it does not say as it is', () => {
    const next = stateWith({ ...state, columns }, content('refund'));
    expect([next.q, next.filters, next.columns, next.from, next.to, next.sort]).toEqual(['refund', [], columns, 'now-1h', 'now', 'newest']);
  });

  it('is told from a changed one, order of words and widths included', () => {
    const kept = contentOf(state, columns);
    expect(sameContent(kept, contentOf(state, columns))).toBe(true);
    for (const other of [{ q: 'x' }, { filters: [] }, { from: 'now-2h' }, { sort: 'newest' as const }]) {
      expect(sameContent(kept, contentOf({ ...state, ...other }, columns)), JSON.stringify(other)).toBe(false);
    }
    expect(sameContent(kept, contentOf(state, columns.slice(1)))).toBe(false);
  });

  it('is proposed a name that fits', () => {
    expect(proposedName(contentOf(state, null))).toBe('level:error · NOT service:cart · amount');
    expect(proposedName(content(''))).toBe('');
    expect([...proposedName(content('é'.repeat(500)))]).toHaveLength(60);
  });
});

describe('saved searches', () => {
  it('are found by every typed word in name, query or owner, accents and case aside, by name', () => {
    const all = [saved('1', 'Paiements échoués', 'log_type:transaction'), saved('2', 'Errors', 'level:error', 'bruno'), saved('3', 'errors of the cart', 'service:cart')];
    const ids = (typed: string): string => foundSaved(all, typed).map(({ id }) => id).join('');
    expect([ids(''), ids('ECHOUE'), ids('error bru'), ids('cart err'), ids('zzz')]).toEqual(['231', '1', '2', '3', '']);
  });
});

describe('recent searches', () => {
  it('are kept once each, the newest first, and bounded', () => {
    expect(remembered([entry('a'), entry('b')], entry(' b '))).toEqual([entry('b'), entry('a')]);
    expect(remembered([entry('a')], entry('  '))).toEqual([entry('a')]);
    expect(remembered([entry('')], entry('', pill('f', 'v')))).toHaveLength(2);
    const many = Array.from({ length: 80 }, (_, i) => entry(`q${i}`)).reduce<RecentEntry[]>((recent, one) => remembered(recent, one), []);
    expect([many.length, many[0]?.query]).toEqual([RECENT_MAX, 'q79']);
  });

  it('of the server come before those of this browser alone', () => {
    const kept = ['a', 'b'].map((query) => ({ search: content(query), ran_at: '' }));
    expect(mergedRecent(kept, [entry('b'), entry('c')]).map(({ query }) => query)).toEqual(['a', 'b', 'c']);
  });

  it('are offered when they say more than what is typed', () => {
    const recent = [entry('level:error AND cart'), entry('level:error'), entry('refund')];
    const found = (typed: string): string[] => foundRecent(recent, typed, 2).map(({ query }) => query);
    expect([found(''), found('level:error'), found('LEVEL'), found('zzz')]).toEqual([[], ['level:error AND cart'], ['level:error AND cart', 'level:error'], []]);
  });
});
