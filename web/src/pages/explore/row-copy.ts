/**
 * Rows as they are copied: for reading, for programs, for a ticket; and what two of them differ in. Pure.
 *
 * Copied values are the values themselves: ISO instants, plain numbers.
 */
import { prettyJson } from './json-view';
import { TIME_FIELD } from './columns';
import type { Hit } from './types';
import { leavesOf, plainText, valueOf, type Aliases } from './values';

export type CopyForm = 'text' | 'json' | 'markdown';

function cellText(hit: Hit, field: string, aliases: Aliases): string {
  const value = valueOf(hit, field, aliases);
  return value === undefined ? '' : plainText(value);
}

const onOneLine = (text: string): string => text.replace(/[\t\r\n]+/g, ' ').trim();

/** A cell of Markdown: nothing in it ends the cell or the row, or is taken for markup. */
const markdownCell = (text: string): string => onOneLine(text).replace(/[\\|`*_<>[\]~]/g, '\\$&');

/** The rows in the columns that are shown, time first; JSON has the whole events. */
export function rowsAs(form: CopyForm, hits: readonly Hit[], columns: readonly string[], aliases: Aliases): string {
  if (form === 'json') return prettyJson(hits.map((hit) => hit._source));
  const fields = [TIME_FIELD, ...columns];
  if (form === 'text') return hits.map((hit) => fields.map((field) => onOneLine(cellText(hit, field, aliases))).join('\t')).join('\n');
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rows = hits.map((hit) => line(fields.map((field) => markdownCell(cellText(hit, field, aliases)))));
  return [line(fields.map(markdownCell)), line(fields.map(() => '---')), ...rows].join('\n');
}

/** What one field holds in each of two events; `null` where it is not there. */
export interface FieldPair {
  field: string;
  left: string | null;
  right: string | null;
  isSame: boolean;
}

/** Every field of either event, by name. */
export function comparedFields(left: Hit, right: Hit): FieldPair[] {
  const textsOf = (hit: Hit): Map<string, string> => new Map(leavesOf(hit._source).map(({ path, value }) => [path, plainText(value)]));
  const [of_left, of_right] = [textsOf(left), textsOf(right)];
  const fields = [...new Set([...of_left.keys(), ...of_right.keys()])].sort();
  return fields.map((field) => {
    const pair = { field, left: of_left.get(field) ?? null, right: of_right.get(field) ?? null };
    return { ...pair, isSame: pair.left === pair.right };
  });
}
