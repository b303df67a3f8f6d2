import { describe, expect, it } from 'vitest';
import { ApiProblem } from '../../api/client';
import { SearchLibrary } from './search-library.svelte';
import type { RecentEntry } from './saved-search';
import type { SearchesApi } from './searches-api';
import type { SavedSearch } from './types';
import { STANDARD_STATE } from './url-state';

const content = { query: 'a', filters: [], columns: null, sort: 'newest' as const, from: null, to: null };
const saved = (id: string, version = 1, name = id): SavedSearch => ({ id, name, version, shared: false, owner_id: 'u', owner: 'anne', search: content, created_at: '', updated_at: '' });
const draft = { name: 'new', shared: false, search: content };

function library(api: Partial<SearchesApi>, mayKeep = true): { library: SearchLibrary; kept: () => readonly RecentEntry[] } {
  let kept: readonly RecentEntry[] = [{ query: 'here', filters: [] }];
  const refuse = (): never => {
    throw new Error('not to be asked');
  };
  const whole: SearchesApi = { saved: refuse, save: refuse, change: refuse, remove: refuse, recent: refuse, forget: refuse, ...api };
  return { library: new SearchLibrary({ api: whole, mayKeep: () => mayKeep, recallRecent: () => kept, rememberRecent: (recent) => (kept = recent) }), kept: () => kept };
}

describe('the library', () => {
  it('holds what the server keeps; that recent ones cannot be read harms nothing', async () => {
    const full = library({ saved: async () => [saved('1')], recent: async () => [{ search: { ...content, query: 'there' }, ran_at: '' }] });
    await full.library.load();
    expect([full.library.status, full.library.saved.length, full.kept().map(({ query }) => query)]).toEqual(['done', 1, ['there', 'here']]);
    const half = library({ saved: async () => [], recent: () => Promise.reject(new ApiProblem(500, '', null, null)) });
    await half.library.load();
    expect([half.library.status, half.library.recent.length]).toEqual(['done', 1]);
  });

  it('asks the server nothing for who may not keep searches', async () => {
    const { library: own, kept } = library({}, false);
    await own.load();
    expect(own.ran({ ...STANDARD_STATE, q: 'x' })).toBeNull();
    expect([own.status, kept().map(({ query }) => query)]).toEqual(['idle', ['x', 'here']]);
    await own.forget();
    expect(kept()).toEqual([]);
  });

  it('tells the server what a person typed', () => {
    const { library: own } = library({});
    expect(own.ran({ ...STANDARD_STATE, q: 'x' })).toEqual({ query: 'x', filters: [], columns: null, sort: 'newest', from: 'now-15m', to: 'now' });
  });

  it('reads anew when somebody else was quicker, and tells the refusal all the same', async () => {
    const conflict = new ApiProblem(409, 'version 2', null, null, ['version']);
    const { library: own } = library({ saved: async () => [saved('1', 2, 'theirs')], change: () => Promise.reject(conflict) });
    own.saved = [saved('1')];
    await expect(own.change(saved('1'), draft)).rejects.toBe(conflict);
    expect(own.saved[0]?.name).toBe('theirs');
  });

  it('lets go of a search that is gone already, and keeps one that could not be deleted', async () => {
    const gone = library({ remove: () => Promise.reject(new ApiProblem(404, '', null, null)) }).library;
    gone.saved = [saved('1')];
    gone.opened = saved('1');
    await gone.remove(saved('1'));
    expect([gone.saved, gone.opened]).toEqual([[], null]);
    const held = library({ remove: () => Promise.reject(new ApiProblem(503, '', null, null)) }).library;
    held.saved = [saved('1')];
    await expect(held.remove(saved('1'))).rejects.toBeInstanceOf(ApiProblem);
    expect(held.saved).toHaveLength(1);
  });
});
