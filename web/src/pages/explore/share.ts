/**
 * Links to what is on the screen. Pure.
 *
 * "This moment" carries instants and shows the same events to everyone, whenever it is opened; "live" carries the
 * relative range and moves on. Both name their columns, so that the reader's own habits do not change the picture.
 */
import { withZone } from '../../links';
import type { Column, ExploreState } from './types';
import { paramsFromState, STANDARD_FROM, STANDARD_TO } from './url-state';

/** Where a link leads to, and the zone it shows its clocks in. */
export interface LinkPlace {
  /** The page's address without its parameters. */
  base: string;
  /** Empty: that of the reader's browser. */
  zone: string;
}

export interface ResolvedRange {
  from: string;
  to: string;
}

/** A link whose range is fixed. */
export function momentLink(place: LinkPlace, state: ExploreState, range: ResolvedRange, columns: readonly Column[]): string {
  return linkTo(place, { ...state, from: range.from, to: range.to, refresh_s: 0, columns });
}

/** A link whose range is as the person wrote it. */
export function liveLink(place: LinkPlace, state: ExploreState, columns: readonly Column[]): string {
  return linkTo(place, { ...state, columns });
}

function linkTo({ base, zone }: LinkPlace, state: ExploreState): string {
  const params = paramsFromState(state);
  if (!params.has('from')) {
    params.set('from', STANDARD_FROM);
    params.set('to', STANDARD_TO);
  }
  return withZone(`${base}?${params.toString()}`, zone);
}

/** Whether a range moves with the clock. */
export function isRelative(state: Pick<ExploreState, 'from' | 'to'>): boolean {
  return /now/.test(state.from) || /now/.test(state.to);
}
