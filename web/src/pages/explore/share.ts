/**
 * Links to what is on the screen. Pure.
 *
 * "This moment" carries instants and shows the same events to everyone, whenever it is opened; "live" carries the
 * relative range and moves on. Both name their columns, so that the reader's own habits do not change the picture.
 */
import type { Column, ExploreState } from './types';
import { paramsFromState, STANDARD_FROM, STANDARD_TO } from './url-state';

export interface ResolvedRange {
  from: string;
  to: string;
}

/** A link whose range is fixed. */
export function momentLink(base: string, state: ExploreState, range: ResolvedRange, columns: readonly Column[]): string {
  return linkTo(base, { ...state, from: range.from, to: range.to, refresh_s: 0, columns });
}

/** A link whose range is as the person wrote it. */
export function liveLink(base: string, state: ExploreState, columns: readonly Column[]): string {
  return linkTo(base, { ...state, columns });
}

function linkTo(base: string, state: ExploreState): string {
  const params = paramsFromState(state);
  if (!params.has('from')) {
    params.set('from', STANDARD_FROM);
    params.set('to', STANDARD_TO);
  }
  return `${base}?${params.toString()}`;
}

/** Whether a range moves with the clock. */
export function isRelative(state: Pick<ExploreState, 'from' | 'to'>): boolean {
  return /now/.test(state.from) || /now/.test(state.to);
}
