/** Queries as text, and addresses of Explore that show what they find. Pure. */

const PLAIN_WORD = /^[A-Za-z0-9_]+$/;
const RESERVED_WORD = /^(and|or|not|to)$/i;

/** A value as query text: bare when nothing in it has a meaning of its own, else in quotes. */
export function quoted(value: string): string {
  if (PLAIN_WORD.test(value) && !RESERVED_WORD.test(value)) return value;
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** Explore with a query and a range of time. */
export const exploreLink = (q: string, from: string, to: string): string => `/explore?${new URLSearchParams({ q, from, to })}`;
