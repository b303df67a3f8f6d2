/**
 * What an event's body holds, leaf by leaf, and how a value is shown, compared and copied. Pure.
 *
 * Shown text is inert: control characters and those that turn the writing direction become visible marks.
 * Copied text is the value itself: ISO instants, plain numbers.
 */
import type { Hit } from './types';

export type Scalar = string | number | boolean | null;

/** One leaf: its dotted path and its value; a list of scalars stays together. */
export interface Leaf {
  path: string;
  value: Scalar | Scalar[] | object;
}

/** Deeper than this, an object is shown as JSON. */
const DEPTH_MAX = 20;
/** A cell shows at most this much of a value. */
export const CELL_TEXT_MAX = 600;
/** A row of the detail shows this much before "show all". */
export const DETAIL_TEXT_MAX = 4_000;

const isScalar = (value: unknown): value is Scalar => value === null || typeof value !== 'object';

function collect(path: string, value: unknown, depth: number, out: Leaf[]): void {
  if (isScalar(value)) {
    out.push({ path, value });
    return;
  }
  if (Array.isArray(value)) {
    out.push({ path, value: value.every(isScalar) ? (value as Scalar[]) : value });
    return;
  }
  const entries = Object.entries(value as Record<string, unknown>);
  if (entries.length === 0 || depth >= DEPTH_MAX) {
    out.push({ path, value: value as object });
    return;
  }
  for (const [name, inner] of entries) collect(path === '' ? name : `${path}.${name}`, inner, depth + 1, out);
}

/** Every leaf of a body, in the order it was sent. */
export function leavesOf(source: Record<string, unknown>): Leaf[] {
  const out: Leaf[] = [];
  for (const [name, value] of Object.entries(source)) collect(name, value, 1, out);
  return out;
}

const leafMaps = new WeakMap<Hit, Map<string, Leaf['value']>>();

function leafMap(hit: Hit): Map<string, Leaf['value']> {
  let map = leafMaps.get(hit);
  if (map === undefined) {
    map = new Map(leavesOf(hit._source).map((leaf) => [leaf.path, leaf.value]));
    leafMaps.set(hit, map);
  }
  return map;
}

/** The other names that each canonical field is sent under. */
export type Aliases = ReadonlyMap<string, readonly string[]>;

/** The field's value in this event, under whatever name it was sent; `undefined` when it is not there. */
export function valueOf(hit: Hit, field: string, aliases: Aliases): Leaf['value'] | undefined {
  if (field === '_id') return hit._id;
  const map = leafMap(hit);
  const direct = map.get(field);
  if (direct !== undefined) return direct;
  for (const alias of aliases.get(field) ?? []) {
    const value = map.get(alias);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The highlight fragments for a field, under whatever name they came. */
export function fragmentsOf(hit: Hit, field: string, aliases: Aliases): string[] | undefined {
  const highlight = hit.highlight;
  if (highlight === undefined || highlight === null) return undefined;
  const direct = highlight[field];
  if (direct !== undefined) return direct;
  for (const alias of aliases.get(field) ?? []) {
    const fragments = highlight[alias];
    if (fragments !== undefined) return fragments;
  }
  return undefined;
}

const C0_OR_C1 = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]/g;
const DIRECTION = /[\u200E\u200F\u061C\u202A-\u202E\u2066-\u2069]/g;

/** Text with its invisible commands made visible: ANSI codes, nulls, marks that turn the writing direction. */
export function inert(text: string): string {
  return text
    .replace(C0_OR_C1, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
    .replace(DIRECTION, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Inert text on one line. */
export function oneLine(text: string): string {
  return inert(text.slice(0, CELL_TEXT_MAX * 8).replace(/\r?\n/g, ' ⏎ ').replaceAll('\t', ' '));
}

/** The value as it is copied and as a filter compares it. */
export function plainText(value: Leaf['value']): string {
  if (value === null) return 'null';
  if (Array.isArray(value) && value.every(isScalar)) return value.map((item) => plainText(item)).join(', ');
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}

/** The single values that + and − can take; nothing for nulls and for lists of objects. */
export function filterableValues(value: Leaf['value']): string[] {
  if (value === null) return [];
  if (Array.isArray(value)) return value.filter((item) => isScalar(item) && item !== null).map(String);
  return typeof value === 'object' ? [] : [String(value)];
}

/** How a number is written: money beside its currency, durations, sizes, shares, else a plain count. */
export type NumberStyle =
  | { kind: 'money'; currency: string }
  | { kind: 'duration_ms' }
  | { kind: 'bytes' }
  | { kind: 'percent' }
  | { kind: 'number' }
  | { kind: 'code' };

const CODE_FIELD = /(^|[._])(id|code|port|pid|line|year|zip|bin|asn|last4|version|status_code|error_code)$/;
const MONEY_FIELD = /(^|[._])(amount|price|total|subtotal|revenue|refund)(_amount|_price)?$/;

/** The style of a number, by the field's name and the currency in the same event. */
export function numberStyle(field: string, currency: unknown): NumberStyle {
  if (CODE_FIELD.test(field)) return { kind: 'code' };
  if (/_ms$/.test(field)) return { kind: 'duration_ms' };
  if (/(^|[._])bytes(_sent|_received|_in|_out)?$|_bytes$/.test(field)) return { kind: 'bytes' };
  if (/_percent$/.test(field)) return { kind: 'percent' };
  if (MONEY_FIELD.test(field) && typeof currency === 'string' && /^[A-Z]{3}$/.test(currency)) return { kind: 'money', currency };
  return { kind: 'number' };
}

const durationText = (value: number, locale: string): string => {
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return new Intl.NumberFormat(locale, { style: 'unit', unit: 'millisecond', unitDisplay: 'short', maximumFractionDigits: digits }).format(value);
};

function bytesText(value: number, locale: string): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
  let scaled = value;
  let index = 0;
  while (Math.abs(scaled) >= 1000 && index < units.length - 1) {
    scaled /= 1000;
    index += 1;
  }
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: units[index] ?? 'byte',
    unitDisplay: 'short',
    maximumFractionDigits: scaled < 10 && index > 0 ? 1 : 0,
  }).format(scaled);
}

const formatters = new Map<string, Intl.NumberFormat>();

function cached(key: string, make: () => Intl.NumberFormat): Intl.NumberFormat {
  let formatter = formatters.get(key);
  if (formatter === undefined) {
    formatter = make();
    formatters.set(key, formatter);
  }
  return formatter;
}

/** A number for reading, in the reader's language. */
export function numberText(value: number, style: NumberStyle, locale: string): string {
  switch (style.kind) {
    case 'code':
      return String(value);
    case 'duration_ms':
      return durationText(value, locale);
    case 'bytes':
      return bytesText(value, locale);
    case 'percent':
      return cached(`%${locale}`, () => new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 })).format(value / 100);
    case 'money':
      return cached(`$${locale}${style.currency}`, () => new Intl.NumberFormat(locale, { style: 'currency', currency: style.currency })).format(value);
    case 'number':
      return cached(`#${locale}`, () => new Intl.NumberFormat(locale, { maximumFractionDigits: 6 })).format(value);
  }
}

/** A value for reading, on one line. */
export function shownText(field: string, value: Leaf['value'], currency: unknown, locale: string): string {
  if (typeof value === 'number') return numberText(value, numberStyle(field, currency), locale);
  return oneLine(plainText(value));
}

/** Whether a column of this kind is set flush right. */
export function isNumericKind(kind: string | undefined): boolean {
  return kind !== undefined && /^(int|long|float|double|decimal|number)/i.test(kind);
}
