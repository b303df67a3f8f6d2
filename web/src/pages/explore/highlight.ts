/**
 * Splits log text into plain and marked parts, for text nodes and `<mark>`. Pure; never makes HTML.
 *
 * The server marks a hit with two private-use characters. A fragment may be a cut-out of the value, with `…` at
 * its ends: its marks are then found again within the whole value.
 */

export const MARK_START = '\uE000';
export const MARK_END = '\uE001';

export interface Part {
  text: string;
  isMarked: boolean;
}

interface MarkRange {
  start: number;
  end: number;
}

/** A fragment without its marks, and where they stood. */
export function unmarked(fragment: string): { text: string; ranges: MarkRange[] } {
  let text = '';
  let start: number | null = null;
  const ranges: MarkRange[] = [];
  for (const piece of fragment.split(/([\uE000\uE001])/)) {
    if (piece === MARK_START) {
      start = text.length;
    } else if (piece === MARK_END) {
      if (start !== null && text.length > start) ranges.push({ start, end: text.length });
      start = null;
    } else {
      text += piece;
    }
  }
  return { text, ranges };
}

/** The fragment's own text with its ellipses taken off, and its marks moved along. */
function trimmed(fragment: string): { text: string; ranges: MarkRange[] } {
  const { text, ranges } = unmarked(fragment);
  const lead = /^…\s?/.exec(text)?.[0].length ?? 0;
  const tail = /\s?…$/.exec(text.slice(lead))?.[0].length ?? 0;
  const core = text.slice(lead, text.length - tail);
  return { text: core, ranges: ranges.map(({ start, end }) => ({ start: start - lead, end: end - lead })) };
}

function merged(ranges: MarkRange[]): MarkRange[] {
  const sorted = [...ranges].sort((a, b) => a.start - b.start);
  const out: MarkRange[] = [];
  for (const range of sorted) {
    const last = out[out.length - 1];
    if (last !== undefined && range.start <= last.end) last.end = Math.max(last.end, range.end);
    else out.push({ ...range });
  }
  return out;
}

/** The value in parts, with what the fragments mark set apart. */
export function markedParts(value: string, fragments: readonly string[] | undefined): Part[] {
  if (fragments === undefined || fragments.length === 0) return [{ text: value, isMarked: false }];
  const found: MarkRange[] = [];
  for (const fragment of fragments) {
    const whole = unmarked(fragment);
    const piece = whole.text === value ? whole : trimmed(fragment);
    const at = piece.text === '' ? -1 : value.indexOf(piece.text);
    if (at === -1) continue;
    for (const { start, end } of piece.ranges) {
      if (start >= 0 && end <= piece.text.length) found.push({ start: at + start, end: at + end });
    }
  }
  const parts: Part[] = [];
  let position = 0;
  for (const { start, end } of merged(found)) {
    if (start > position) parts.push({ text: value.slice(position, start), isMarked: false });
    parts.push({ text: value.slice(start, end), isMarked: true });
    position = end;
  }
  if (position < value.length || parts.length === 0) parts.push({ text: value.slice(position), isMarked: false });
  return parts;
}

/** A window of `length_max` characters around the first mark, so that a cell shows why the row was found. */
export function aroundFirstMark(parts: readonly Part[], lead_max: number, length_max: number): Part[] {
  let position = 0;
  let cut = 0;
  for (const part of parts) {
    if (part.isMarked) {
      cut = position > lead_max ? position - Math.floor(lead_max / 2) : 0;
      break;
    }
    position += part.text.length;
  }
  const out: Part[] = cut > 0 ? [{ text: '… ', isMarked: false }] : [];
  let at = 0;
  for (const part of parts) {
    const from = Math.max(0, cut - at);
    const to = Math.min(part.text.length, cut + length_max - at);
    if (to > from) out.push({ text: part.text.slice(from, to), isMarked: part.isMarked });
    at += part.text.length;
  }
  if (at > cut + length_max) out.push({ text: ' …', isMarked: false });
  return out;
}
