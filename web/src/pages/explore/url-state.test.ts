import { describe, expect, it } from 'vitest';
import { paramsFromState, searchKey, STANDARD_STATE, stateFromParams } from './url-state';
import type { ExploreState } from './types';

const state = (more: Partial<ExploreState>): ExploreState => ({ ...STANDARD_STATE, ...more });
const roundTrip = (s: ExploreState): ExploreState => stateFromParams(new URLSearchParams(paramsFromState(s).toString()));

describe('the address', () => {
  it('of the standard state is empty', () => {
    expect(paramsFromState(STANDARD_STATE).toString()).toBe('');
    expect(stateFromParams(new URLSearchParams())).toEqual(STANDARD_STATE);
  });

  it('carries everything and gives it back', () => {
    const full = state({
      from: '2026-11-23T13:00:00.000Z',
      to: '2026-11-23T14:00:00.000Z',
      q: 'level:error & "a+b" #é',
      filters: [
        { field: 'service', value: 'a b', negated: false, disabled: false },
        { field: 'tags', value: null, negated: true, disabled: true },
      ],
      columns: [{ field: 'level', width_px: 99 }],
      sort: 'oldest',
      density: 'wrapped',
      interval: '30s',
      refresh_s: 10,
      live: true,
      row: '~1a+b/c',
      view: 'fields',
      tab: 'json',
    });
    expect(roundTrip(full)).toEqual(full);
  });

  it('with nonsense in it falls back', () => {
    const read = stateFromParams(new URLSearchParams('refresh=-3&sort=up&density=9&tab=x&f=&f=~'));
    expect(read).toEqual(STANDARD_STATE);
  });

  it('asks again only when the found events can differ', () => {
    const key = searchKey(STANDARD_STATE, '');
    expect(searchKey(state({ density: 'compact', row: 'x', columns: [] }), '')).toBe(key);
    expect(searchKey(state({ sort: 'oldest' }), '')).not.toBe(key);
    expect(searchKey(state({ q: 'a' }), '')).not.toBe(key);
    expect(searchKey(STANDARD_STATE, 'UTC')).not.toBe(key);
  });
});
