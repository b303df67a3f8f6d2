/** The shapes that Explore keeps in its address, and those of the API that it reads. No behaviour. */

export type { ContextAnswer, Facet, FacetsAnswer, FieldInfo, FieldStats, FieldValues, Hit, NumberStats, RecentSearch, SavedSearch, SearchAnswer, SearchContent, Suggestion } from '../../api/types';

/** The server's word about a query, its place counted in the units of the text that was typed. */
export interface QueryProblem {
  message: string;
  span: [number, number] | null;
}

export type SortOrder = 'newest' | 'oldest';
export type Density = 'compact' | 'normal' | 'wrapped';
/** What the events found are shown as. */
export type View = 'logs' | 'patterns' | 'fields';
export type DetailTab = 'table' | 'json' | 'around';

/** A pill: `field` is (or is not) `value`; `value === null` asks only whether the field is there. */
export interface Filter {
  field: string;
  value: string | null;
  negated: boolean;
  disabled: boolean;
}

/** A column of the table; `width_px === null` lets the layout choose. */
export interface Column {
  field: string;
  width_px: number | null;
}

/** Everything that a link to Explore carries. */
export interface ExploreState {
  from: string;
  to: string;
  q: string;
  filters: readonly Filter[];
  /** `null`: the address does not say, the person's last choice (or the standard set) holds. */
  columns: readonly Column[] | null;
  sort: SortOrder;
  density: Density;
  /** `null` lets the server choose (about 60 bars). */
  interval: string | null;
  /** Asks again every so many seconds; 0 is off. */
  refresh_s: number;
  /** New events come by themselves, whatever the range. */
  live: boolean;
  view: View;
  row: string | null;
  tab: DetailTab;
}
