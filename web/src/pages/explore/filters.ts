/**
 * Filter pills and their query text. Pure.
 *
 * Pills of one field that include values are alternatives (`service:a OR service:b`); everything else must hold
 * together. A disabled pill stays in the address and out of the query.
 */
import { quoted } from '../../query-text';
import type { Filter } from './types';

/** Whether two pills speak of the same field and value, whatever their sign. */
export function sameTarget(a: Filter, b: Filter): boolean {
  return a.field === b.field && a.value === b.value;
}

/** A text that two pills share exactly when they have the same target. */
export function targetKey(filter: Filter): string {
  return JSON.stringify([filter.field, filter.value]);
}

/** Each target once: of several pills for one, the last stands, in the first one's place. */
export function distinct(filters: readonly Filter[]): Filter[] {
  return [...new Map(filters.map((filter) => [targetKey(filter), filter])).values()];
}

/**
 * The list after a click on + (`negated` false) or − (`negated` true): a new pill is added, the same sign
 * again takes it away, the other sign flips it, and a disabled one comes back.
 */
export function clicked(filters: readonly Filter[], field: string, value: string | null, negated: boolean): Filter[] {
  const wanted: Filter = { field, value, negated, disabled: false };
  const index = filters.findIndex((filter) => sameTarget(filter, wanted));
  const found = filters[index];
  if (found === undefined) return [...filters, wanted];
  if (found.negated === negated && !found.disabled) return filters.filter((_, i) => i !== index);
  return filters.map((filter, i) => (i === index ? wanted : filter));
}

/** Which sign, if any, an enabled pill gives this value. */
export function signOf(filters: readonly Filter[], field: string, value: string | null): '+' | '-' | null {
  const found = filters.find((filter) => filter.field === field && filter.value === value && !filter.disabled);
  if (found === undefined) return null;
  return found.negated ? '-' : '+';
}

/** A field name as query text: what the language gives a meaning to is escaped. */
export function escapedField(field: string): string {
  return field.replace(/^-|[\s:()"<>=\\*?[\]{}!+&|,~^']/g, '\\$&');
}

function clause(filter: Filter): string {
  return `${escapedField(filter.field)}:${filter.value === null ? '*' : quoted(filter.value)}`;
}

/** The pills as one query; empty when none is enabled. */
export function filtersQuery(filters: readonly Filter[]): string {
  const included = new Map<string, string[]>();
  const parts: (() => string)[] = [];
  for (const filter of filters) {
    if (filter.disabled) continue;
    if (filter.negated) {
      parts.push(() => `NOT ${clause(filter)}`);
      continue;
    }
    if (filter.value === null) {
      parts.push(() => clause(filter));
      continue;
    }
    const known = included.get(filter.field);
    if (known !== undefined) {
      known.push(clause(filter));
      continue;
    }
    const alternatives = [clause(filter)];
    included.set(filter.field, alternatives);
    parts.push(() => (alternatives.length === 1 ? (alternatives[0] ?? '') : `(${alternatives.join(' OR ')})`));
  }
  return parts.map((part) => part()).join(' AND ');
}

/** What is typed and what is pinned as pills, as the one text that is sent; typed text alone goes out untouched. */
export function fullQuery(q: string, filters: readonly Filter[]): string {
  const pinned = filtersQuery(filters);
  if (pinned === '') return q;
  if (q.trim() === '') return pinned;
  return `(${q}) AND ${pinned}`;
}

/** How far the typed text stands from the start of `fullQuery`: spans of errors are moved back by it. */
export function typedOffset(q: string, filters: readonly Filter[]): number {
  return filtersQuery(filters) === '' || q.trim() === '' ? 0 : 1;
}

const escapeToken = (text: string): string => text.replace(/[%:~!]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

function unescapeToken(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** A pill in the address: `~` disabled, `!` negated, `field:value`, or `field` alone for "is there". */
export function filterToken(filter: Filter): string {
  const sign = `${filter.disabled ? '~' : ''}${filter.negated ? '!' : ''}`;
  const field = escapeToken(filter.field);
  return filter.value === null ? `${sign}${field}` : `${sign}${field}:${filter.value}`;
}

/** Reads `filterToken` back; `null` for text that names no field. */
export function filterFromToken(token: string): Filter | null {
  const sign = /^~?!?/.exec(token)?.[0] ?? '';
  const rest = token.slice(sign.length);
  const colon = rest.indexOf(':');
  const field = unescapeToken(colon === -1 ? rest : rest.slice(0, colon));
  if (field === '') return null;
  return {
    field,
    value: colon === -1 ? null : rest.slice(colon + 1),
    negated: sign.includes('!'),
    disabled: sign.includes('~'),
  };
}
