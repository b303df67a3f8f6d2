/**
 * What can be tried when nothing was found: each try with the query to count before it is offered. Pure.
 */
import { fullQuery } from './filters';
import type { ExploreState, Filter } from './types';

/** Pills beyond this are not tried one by one. */
const FILTER_TRIES_MAX = 4;

export type Attempt =
  | { kind: 'widen'; from: string; to: string }
  | { kind: 'without_filter'; filter: Filter }
  | { kind: 'without_query' };

export interface CountedAttempt {
  attempt: Attempt;
  state: ExploreState;
}

/** The changes worth counting, most harmless first. `widened` is the range to try, if there is a wider one. */
export function attempts(state: ExploreState, widened: { from: string; to: string } | null): CountedAttempt[] {
  const out: CountedAttempt[] = [];
  if (widened !== null) out.push({ attempt: { kind: 'widen', ...widened }, state: { ...state, ...widened, row: null } });
  const enabled = state.filters.filter((filter) => !filter.disabled);
  for (const filter of enabled.slice(0, FILTER_TRIES_MAX)) {
    out.push({
      attempt: { kind: 'without_filter', filter },
      state: { ...state, filters: state.filters.filter((other) => other !== filter), row: null },
    });
  }
  if (state.q.trim() !== '') out.push({ attempt: { kind: 'without_query' }, state: { ...state, q: '', row: null } });
  return out;
}

/** The query text that an attempt is counted with. */
export function attemptQuery({ state }: CountedAttempt): string {
  return fullQuery(state.q, state.filters);
}
