/**
 * An event's body as coloured lines of JSON. Pure; the lines' texts joined by newlines are the pretty JSON itself,
 * up to the named bounds.
 */
import { inert } from './values';

export type JsonKind = 'key' | 'string' | 'number' | 'literal' | 'punctuation';

export interface JsonPiece {
  kind: JsonKind;
  text: string;
}

/** Lines beyond this are counted and not drawn. */
export const JSON_LINES_MAX = 2_000;
/** A string longer than this is cut in the view; copying gives all of it. */
export const JSON_STRING_MAX = 20_000;

export interface JsonView {
  lines: JsonPiece[][];
  hidden_lines: number;
}

const PIECES = /("(?:\\.|[^"\\])*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null)|([\s{}[\],]+)/g;

function linePieces(line: string): JsonPiece[] {
  const pieces: JsonPiece[] = [];
  for (const match of line.matchAll(PIECES)) {
    const [, string, colon, number, literal, punctuation] = match;
    if (string !== undefined) {
      const cut = string.length > JSON_STRING_MAX ? `${string.slice(0, JSON_STRING_MAX)}…"` : string;
      pieces.push({ kind: colon === undefined ? 'string' : 'key', text: inert(cut) });
      if (colon !== undefined) pieces.push({ kind: 'punctuation', text: colon });
    } else if (number !== undefined) pieces.push({ kind: 'number', text: number });
    else if (literal !== undefined) pieces.push({ kind: 'literal', text: literal });
    else if (punctuation !== undefined) pieces.push({ kind: 'punctuation', text: punctuation });
  }
  return pieces;
}

/** The JSON that "copy" gives. */
export function prettyJson(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

/** The lines to draw. */
export function jsonView(value: unknown): JsonView {
  const lines = prettyJson(value).split('\n');
  return {
    lines: lines.slice(0, JSON_LINES_MAX).map(linePieces),
    hidden_lines: Math.max(0, lines.length - JSON_LINES_MAX),
  };
}
