/**
 * Explore's state as a query string and back. Pure.
 *
 * What has its standard value is left out, so that a fresh address stays short; unknown text falls back to the
 * standard value and never throws.
 */
import { columnsFromToken, columnsToken } from './columns';
import { distinct, filterFromToken, filterToken } from './filters';
import type { Density, DetailTab, ExploreState, Filter, SortOrder } from './types';
import { VIEWS } from './view-tabs';

export const STANDARD_FROM = 'now-15m';
export const STANDARD_TO = 'now';
/** More pills than this in an address are ignored. */
export const FILTERS_MAX = 50;

export const STANDARD_STATE: ExploreState = {
  from: STANDARD_FROM,
  to: STANDARD_TO,
  q: '',
  filters: [],
  columns: null,
  sort: 'newest',
  density: 'normal',
  interval: null,
  refresh_s: 0,
  live: false,
  view: 'logs',
  row: null,
  tab: 'table',
};

function oneOf<T extends string>(text: string | null, allowed: readonly T[], standard: T): T {
  return allowed.find((value) => value === text) ?? standard;
}

const SORTS: readonly SortOrder[] = ['newest', 'oldest'];
const DENSITIES: readonly Density[] = ['compact', 'normal', 'wrapped'];
const TABS: readonly DetailTab[] = ['table', 'json', 'around'];

/** More often than this, an address cannot make a browser ask. */
const REFRESH_MIN_S = 5;

function refreshFrom(text: string | null): number {
  const seconds = Math.floor(Number(text ?? 0));
  return seconds > 0 && Number.isFinite(seconds) ? Math.max(REFRESH_MIN_S, seconds) : 0;
}

/** Reads the state from an address' parameters. */
export function stateFromParams(params: URLSearchParams): ExploreState {
  const columns = params.get('cols');
  const filters = params
    .getAll('f')
    .slice(0, FILTERS_MAX)
    .map(filterFromToken)
    .filter((filter): filter is Filter => filter !== null);
  return {
    from: params.get('from') ?? STANDARD_FROM,
    to: params.get('to') ?? STANDARD_TO,
    q: params.get('q') ?? '',
    filters: distinct(filters),
    columns: columns === null ? null : columnsFromToken(columns),
    sort: oneOf(params.get('sort'), SORTS, 'newest'),
    density: oneOf(params.get('density'), DENSITIES, 'normal'),
    interval: params.get('interval'),
    refresh_s: refreshFrom(params.get('refresh')),
    live: params.get('live') === '1',
    view: oneOf(params.get('view'), VIEWS, 'logs'),
    row: params.get('row'),
    tab: oneOf(params.get('tab'), TABS, 'table'),
  };
}

/** Writes the state as parameters, in a fixed order. */
export function paramsFromState(state: ExploreState): URLSearchParams {
  const params = new URLSearchParams();
  if (state.from !== STANDARD_FROM || state.to !== STANDARD_TO) {
    params.set('from', state.from);
    params.set('to', state.to);
  }
  if (state.q !== '') params.set('q', state.q);
  for (const filter of state.filters) params.append('f', filterToken(filter));
  if (state.columns !== null) params.set('cols', columnsToken(state.columns));
  if (state.sort !== 'newest') params.set('sort', state.sort);
  if (state.density !== 'normal') params.set('density', state.density);
  if (state.interval !== null) params.set('interval', state.interval);
  if (state.refresh_s > 0) params.set('refresh', String(state.refresh_s));
  if (state.live) params.set('live', '1');
  if (state.view !== 'logs') params.set('view', state.view);
  if (state.row !== null) params.set('row', state.row);
  if (state.row !== null && state.tab !== 'table') params.set('tab', state.tab);
  return params;
}

/** What decides which events are found; when it is unchanged, nothing is asked again. The zone decides what a day is. */
export function searchKey(state: ExploreState, zone: string): string {
  return JSON.stringify([zone, state.from, state.to, state.q, state.filters, state.sort, state.live]);
}
