/**
 * What is kept of a search, and what a kept one makes of the page. Pure.
 *
 * Kept is what was typed: relative times stay relative.
 */
import type { Column, ExploreState, Filter, RecentSearch, SavedSearch, SearchContent } from './types';
import { distinct } from './filters';
import { STANDARD_COLUMNS } from './columns';

/** What the page asks for now. */
export function contentOf(state: ExploreState, columns: readonly Column[] | null): SearchContent {
  return {
    query: state.q,
    filters: state.filters.map((filter) => ({ ...filter })),
    columns: columns === null ? null : columns.map((column) => ({ ...column })),
    sort: state.sort,
    from: state.from,
    to: state.to,
  };
}

export function filtersOf(content: SearchContent): Filter[] {
  const filter = ({ field, value, negated, disabled }: NonNullable<SearchContent['filters']>[number]): Filter => ({
    field,
    value: value ?? null,
    negated: negated ?? false,
    disabled: disabled ?? false,
  });
  return distinct((content.filters ?? []).map(filter));
}

/** The page with the kept search: what it does not say stays as it is, and no row is open. */
export function stateWith(state: ExploreState, content: SearchContent): ExploreState {
  const columns = content.columns?.map(({ field, width_px }) => ({ field, width_px: width_px ?? null })) ?? null;
  return {
    ...state,
    q: content.query ?? '',
    filters: filtersOf(content),
    columns: columns ?? state.columns,
    sort: content.sort ?? 'newest',
    from: content.from ?? state.from,
    to: content.to ?? state.to,
    row: null,
  };
}

/** A search as one remembers it: its text and its pills. */
export interface RecentEntry {
  query: string;
  filters: readonly Filter[];
}

/** As many as the server keeps. */
export const RECENT_MAX = 50;

const entryKey = ({ query, filters }: RecentEntry): string => JSON.stringify([query, filters.map(({ field, value, negated, disabled }) => [field, value, negated, disabled])]);

/** The newest first, each once; one that asks nothing is left out. */
export function remembered(recent: readonly RecentEntry[], entry: RecentEntry): RecentEntry[] {
  const newest = { query: entry.query.trim(), filters: entry.filters };
  if (newest.query === '' && newest.filters.length === 0) return [...recent];
  const key = entryKey(newest);
  return [newest, ...recent.filter((earlier) => entryKey(earlier) !== key)].slice(0, RECENT_MAX);
}

/** What the server kept, and after it what only this browser did. */
export function mergedRecent(kept: readonly RecentSearch[], here: readonly RecentEntry[]): RecentEntry[] {
  const entries = kept.map(({ search }) => ({ query: search.query ?? '', filters: filtersOf(search) }));
  const known = new Set(entries.map(entryKey));
  return [...entries, ...here.filter((entry) => !known.has(entryKey(entry)))].slice(0, RECENT_MAX);
}

const folded = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

/** Whether every typed word stands in the texts, accents and case aside. */
function hasWords(texts: readonly string[], typed: string): boolean {
  const text = folded(texts.join(' '));
  return folded(typed).split(/\s+/).every((word) => text.includes(word));
}

/** The saved searches that hold every typed word in name, query or owner, by name. */
export function foundSaved(saved: readonly SavedSearch[], typed: string): SavedSearch[] {
  const texts = ({ name, search, owner }: SavedSearch): string[] => [name, search.query ?? '', owner];
  return saved
    .filter((search) => hasWords(texts(search), typed))
    .sort((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id));
}

/** The recent ones that hold the typed text and say more than it, newest first. */
export function foundRecent(recent: readonly RecentEntry[], typed: string, count_max: number): RecentEntry[] {
  const text = typed.trim();
  if (text === '') return [];
  return recent.filter(({ query }) => query !== text && hasWords([query], text)).slice(0, count_max);
}

/** What a name may be at most, as the server has it. */
export const NAME_CHARS_MAX = 100;

/** A name for a search that has none yet: its text, or its pills, cut short. */
export function proposedName(content: SearchContent): string {
  const pills = (content.filters ?? []).map(({ field, value, negated }) => `${negated ? 'NOT ' : ''}${field}${value === null || value === undefined ? '' : `:${value}`}`);
  const name = [content.query ?? '', ...pills].filter((part) => part !== '').join(' · ');
  return [...name.replace(/\s+/g, ' ').trim()].slice(0, 60).join('');
}

/** Whether two contents ask the same in the same looks. */
export function sameContent(a: SearchContent, b: SearchContent): boolean {
  const text = (content: SearchContent): string =>
    JSON.stringify([
      (content.query ?? '').trim(),
      filtersOf(content).map(({ field, value, negated, disabled }) => [field, value, negated, disabled]),
      (content.columns ?? STANDARD_COLUMNS).map(({ field, width_px }) => [field, width_px ?? null]),
      content.sort ?? 'newest',
      content.from ?? null,
      content.to ?? null,
    ]);
  return text(a) === text(b);
}
