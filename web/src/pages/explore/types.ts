/** The shapes that Explore reads from the API and keeps in its address. No behaviour. */

/** One event as the search answers it. */
export interface Hit {
  _id: string;
  _index: string;
  _source: Record<string, unknown>;
  highlight?: Record<string, string[]> | null;
}

export interface SearchAnswer {
  hits: Hit[];
  total: number;
  took_ms: number;
  rows_scanned: number;
  bytes_read: number;
  next_cursor: string | null;
}

export interface FieldInfo {
  name: string;
  kind: string;
  log_types: string[];
  aliases: string[];
}

export interface FieldValues {
  field: string;
  values: { value: string | number | boolean; count: number }[];
  total: number;
  other_count: number;
}

export interface Suggestion {
  text: string;
  kind: 'field' | 'value';
  count: number | null;
  detail?: string | null;
}

export interface QueryProblem {
  message: string;
  span: [number, number] | null;
}

export interface ContextAnswer {
  before: Hit[];
  event: Hit;
  after: Hit[];
}

export type SortOrder = 'newest' | 'oldest';
export type Density = 'compact' | 'normal' | 'wrapped';
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
  row: string | null;
  tab: DetailTab;
}
