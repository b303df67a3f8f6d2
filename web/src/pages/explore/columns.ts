/**
 * The table's columns: which, in which order, how wide. Pure.
 *
 * The time column is always first and is not in this list; a field appears at most once.
 */
import type { Column } from './types';

export const TIME_FIELD = '@timestamp';
export const COLUMNS_MAX = 40;
export const WIDTH_MIN_PX = 56;
export const WIDTH_MAX_PX = 1600;
/** How much one key press moves a column's edge. */
export const WIDTH_STEP_PX = 16;

export const STANDARD_COLUMNS: readonly Column[] = [
  { field: 'level', width_px: null },
  { field: 'service', width_px: null },
  { field: 'message', width_px: null },
];

const STANDARD_WIDTHS_PX: Readonly<Record<string, number>> = {
  level: 84,
  service: 112,
  log_type: 112,
  host: 104,
  environment: 104,
  client_ip: 124,
  status_code: 88,
  amount: 120,
  currency: 76,
};

/** Fields whose text is long: they take what space is left. */
const GREEDY_FIELDS: ReadonlySet<string> = new Set(['message', 'error_message', 'stack_trace', 'url', 'user_agent.original']);

export function hasColumn(columns: readonly Column[], field: string): boolean {
  return columns.some((column) => column.field === field);
}

/** Adds the field at the end, or takes it away. */
export function toggledColumn(columns: readonly Column[], field: string): Column[] {
  if (field === TIME_FIELD) return [...columns];
  if (hasColumn(columns, field)) return columns.filter((column) => column.field !== field);
  if (columns.length >= COLUMNS_MAX) return [...columns];
  return [...columns, { field, width_px: null }];
}

/** Moves the field by `step` places; at an edge nothing happens. */
export function movedColumn(columns: readonly Column[], field: string, step: number): Column[] {
  const from = columns.findIndex((column) => column.field === field);
  return placedColumn(columns, field, from + step);
}

/** Puts the field at the place `to`. */
export function placedColumn(columns: readonly Column[], field: string, to: number): Column[] {
  const from = columns.findIndex((column) => column.field === field);
  const moved = columns[from];
  if (moved === undefined || to < 0 || to >= columns.length || to === from) return [...columns];
  const rest = columns.filter((_, index) => index !== from);
  rest.splice(to, 0, moved);
  return rest;
}

export function clampedWidth(width_px: number): number {
  return Math.round(Math.min(WIDTH_MAX_PX, Math.max(WIDTH_MIN_PX, width_px)));
}

export function resizedColumn(columns: readonly Column[], field: string, width_px: number | null): Column[] {
  const width = width_px === null ? null : clampedWidth(width_px);
  return columns.map((column) => (column.field === field ? { field, width_px: width } : column));
}

/** The width a column is drawn with when the person has not set one; `null` when it takes what is left. */
export function standardWidth(field: string): number | null {
  if (GREEDY_FIELDS.has(field)) return null;
  return STANDARD_WIDTHS_PX[field] ?? Math.min(220, Math.max(104, field.length * 7 + 44));
}

/**
 * The tracks of the CSS grid, time first. Exactly the greedy columns without a set width stretch; when there is
 * none, the last column does, so that rows always reach the right edge.
 */
export function gridTracks(columns: readonly Column[], timeWidth_px: number): string {
  const widths = columns.map((column) => column.width_px ?? standardWidth(column.field));
  const stretches = widths.some((width) => width === null);
  const tracks = widths.map((width, index) => {
    if (width === null) return 'minmax(280px, 1fr)';
    const isStretchedLast = !stretches && index === widths.length - 1;
    return isStretchedLast ? `minmax(${width}px, 1fr)` : `${width}px`;
  });
  if (tracks.length === 0) return `minmax(${timeWidth_px}px, 1fr)`;
  return [`${timeWidth_px}px`, ...tracks].join(' ');
}

/** The least width of all columns together: below it the table scrolls sideways. */
export function minTableWidth(columns: readonly Column[], timeWidth_px: number): number {
  return columns.reduce((sum, column) => sum + (column.width_px ?? standardWidth(column.field) ?? 280), timeWidth_px);
}

/** Columns in the address: `level,service*120,message` (a set width after `*`). */
export function columnsToken(columns: readonly Column[]): string {
  if (columns.length === 0) return '-';
  return columns
    .map(({ field, width_px }) => {
      const name = field.replace(/[%,*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
      return width_px === null ? name : `${name}*${width_px}`;
    })
    .join(',');
}

/** Reads `columnsToken` back, forgiving: what makes no sense is left out. */
export function columnsFromToken(token: string): Column[] {
  if (token === '-') return [];
  const columns: Column[] = [];
  for (const part of token.split(',')) {
    const [name = '', width] = part.split('*');
    const field = name.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    if (field === '' || field === TIME_FIELD || hasColumn(columns, field) || columns.length >= COLUMNS_MAX) continue;
    const px = width === undefined ? Number.NaN : Number(width);
    columns.push({ field, width_px: Number.isFinite(px) && px > 0 ? clampedWidth(px) : null });
  }
  return columns;
}

export function sameColumns(a: readonly Column[], b: readonly Column[]): boolean {
  return columnsToken(a) === columnsToken(b);
}
