/**
 * The field sidebar's groups and its search. Pure.
 */
import type { FieldInfo, Hit } from './types';
import { leavesOf, type Aliases } from './values';

/** The sample that decides whether a field is "available": at most this many loaded events are looked at. */
export const SAMPLE_MAX = 500;

export interface FieldGroups {
  selected: FieldInfo[];
  available: FieldInfo[];
  empty: FieldInfo[];
}

/** Canonical name → the other names it is sent under. */
export function aliasesOf(fields: readonly FieldInfo[]): Aliases {
  return new Map(fields.filter((field) => field.aliases.length > 0).map((field) => [field.name, field.aliases]));
}

/** The canonical name of a name as it was sent. */
export function canonicalNames(fields: readonly FieldInfo[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const field of fields) for (const alias of field.aliases) names.set(alias, field.name);
  for (const field of fields) names.delete(field.name);
  return names;
}

/** How many of the sampled events have each field, by canonical name. */
export function presence(hits: readonly Hit[], canonical: ReadonlyMap<string, string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const hit of hits.slice(0, SAMPLE_MAX)) {
    const seen = new Set<string>();
    for (const leaf of leavesOf(hit._source)) {
      if (leaf.value !== null) seen.add(canonical.get(leaf.path) ?? leaf.path);
    }
    for (const name of seen) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

const folded = (text: string): string =>
  text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase();

/** Whether every word of the search is in the field's name or in one of its aliases ("geo dest"). */
export function matchesSearch(field: FieldInfo, search: string): boolean {
  const words = folded(search).split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const text = folded(`${field.name} ${field.aliases.join(' ')}`);
  return words.every((word) => text.includes(word));
}

/** By code point: quick with thousands of names, and the same everywhere. */
const byNameOrder = (a: FieldInfo, b: FieldInfo): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** Fields in their groups, in the order the sidebar shows them. */
export function groupedFields(
  fields: readonly FieldInfo[],
  selectedNames: readonly string[],
  counts: ReadonlyMap<string, number>,
  search: string,
): FieldGroups {
  const byName = new Map(fields.map((field) => [field.name, field]));
  const selected = selectedNames
    .map((name) => byName.get(name) ?? { name, kind: 'unknown', log_types: [], aliases: [] })
    .filter((field) => matchesSearch(field, search));
  const chosen = new Set(selectedNames);
  const rest = fields.filter((field) => !chosen.has(field.name) && matchesSearch(field, search));
  const count = (field: FieldInfo): number => counts.get(field.name) ?? 0;
  return {
    selected,
    available: rest.filter((field) => count(field) > 0).sort((a, b) => count(b) - count(a) || byNameOrder(a, b)),
    empty: rest.filter((field) => count(field) === 0).sort(byNameOrder),
  };
}

export type FieldSign = 'text' | 'keyword' | 'number' | 'boolean' | 'instant' | 'address' | 'place' | 'unknown';

/** Which sign stands before a field of this kind. */
export function signOfKind(kind: string): FieldSign {
  const name = kind.toLowerCase();
  if (/^text/.test(name)) return 'text';
  if (/keyword|string/.test(name)) return 'keyword';
  if (/int|long|float|double|decimal|number/.test(name)) return 'number';
  if (/bool/.test(name)) return 'boolean';
  if (/instant|date|timestamp|time/.test(name)) return 'instant';
  if (/ip|address/.test(name)) return 'address';
  if (/geo|point/.test(name)) return 'place';
  return 'unknown';
}
