/**
 * How many rows the table offers to scroll, and which page is asked for next. Pure.
 *
 * Pages come by cursor, so rows are always the first `loaded_count` of the answer, without holes. Up to
 * `ROWS_MAX` the scroll bar speaks of every event found; beyond it the table ends and says so.
 */

/** The table ends here; older events are reached by moving the time range. */
export const ROWS_MAX = 50_000;
/** The first page: enough to fill any screen, little enough to come at once. */
export const FIRST_PAGE_SIZE = 100;
const NEXT_PAGE_SIZE = 300;
/** The server's bound. */
const PAGE_SIZE_MAX = 1_000;
/** Pages are asked for this many rows before their first row is in sight. */
export const PREFETCH_ROWS = 120;

export interface LoadedRows {
  loaded_count: number;
  total: number;
  /** The server has no further page. */
  isComplete: boolean;
}

/** Rows that the scroll area has room for. */
export function scrollRows({ loaded_count, total, isComplete }: LoadedRows): number {
  if (isComplete) return loaded_count;
  return Math.min(ROWS_MAX, Math.max(total, loaded_count));
}

/** Whether the table ends before the answer does. */
export function endsEarly({ loaded_count, total, isComplete }: LoadedRows): boolean {
  return total > ROWS_MAX && !(isComplete && loaded_count >= total);
}

/** The size of the next page towards `wanted_index`; 0 when nothing is to be asked. */
export function nextPageSize(rows: LoadedRows, wanted_index: number): number {
  const { loaded_count, isComplete } = rows;
  if (isComplete || loaded_count >= ROWS_MAX) return 0;
  const target = Math.min(wanted_index + PREFETCH_ROWS, scrollRows(rows) - 1);
  if (target < loaded_count) return 0;
  const missing = target + 1 - loaded_count;
  const size = missing > NEXT_PAGE_SIZE ? PAGE_SIZE_MAX : NEXT_PAGE_SIZE;
  return Math.min(size, ROWS_MAX - loaded_count);
}
