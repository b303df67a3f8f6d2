/**
 * What is being typed at the caret, and what the text becomes when a suggestion is taken. Pure.
 */
import { escapedField } from './filters';
import { quoted } from '../../query-text';
import { queryTokens, type Token, type TokenKind } from './query-tokens';
import type { Suggestion } from './types';

/** What to complete, and which part of the text the suggestion replaces. */
export type CompletionTarget =
  | { kind: 'field'; prefix: string; start: number; end: number }
  | { kind: 'value'; field: string; prefix: string; start: number; end: number };

const unquoted = (text: string): string => text.replace(/^"/, '').replace(/"$/, '').replace(/\\(.)/g, '$1');

const isOpen = (text: string): boolean => text.startsWith('"') && !/^"(?:\\.|[^"\\])*"$/.test(text);

const unescapedField = (text: string): string => text.replace(/\\(.)/g, '$1');

/** The field whose operator ends at `index`, if one does: `level:` or `amount>=`. */
function fieldEndingAt(tokens: readonly Token[], index: number): string | null {
  const before = tokens[index - 1];
  return tokens[index]?.kind === 'operator' && before?.kind === 'field' ? unescapedField(before.text) : null;
}

/** The field that a value after these tokens belongs to: just before it, or before the open group it stands in. */
function fieldFor(tokensBefore: readonly Token[]): string | null {
  const tokens = tokensBefore.filter((token) => token.kind !== 'space');
  const direct = fieldEndingAt(tokens, tokens.length - 1);
  if (direct !== null) return direct;
  let closed = 0;
  for (let i = tokens.length - 1; i >= 0; i -= 1) {
    const text = tokens[i]?.text;
    if (text === ')') closed += 1;
    if (text !== '(') continue;
    if (closed === 0) {
      const field = fieldEndingAt(tokens, i - 1);
      if (field !== null) return field;
    } else {
      closed -= 1;
    }
  }
  return null;
}

const VALUE_KINDS: ReadonlySet<TokenKind> = new Set(['word', 'number', 'wildcard', 'keyword']);

/** What stands at the caret. */
export function completionTarget(text: string, caret: number): CompletionTarget {
  const tokens = queryTokens(text.slice(0, caret));
  const last = tokens[tokens.length - 1];
  const isTyping = last !== undefined && (last.kind === 'string' ? isOpen(last.text) : VALUE_KINDS.has(last.kind));
  if (last === undefined || !isTyping) {
    const field = fieldFor(tokens);
    const place = { prefix: '', start: caret, end: caret };
    return field === null ? { kind: 'field', ...place } : { kind: 'value', field, ...place };
  }
  const field = fieldFor(tokens.slice(0, -1));
  const tail = last.kind === 'string' ? /^[^"]*"?/ : /^[^\s"()[\]{}:<>=]*/;
  const end = caret + (tail.exec(text.slice(caret))?.[0].length ?? 0);
  const place = { prefix: unquoted(last.text), start: last.start, end };
  return field === null ? { kind: 'field', ...place } : { kind: 'value', field, ...place };
}

/** The text and the caret after a suggestion is taken. */
export function applied(text: string, target: CompletionTarget, suggestion: Suggestion): { text: string; caret: number } {
  const before = text.slice(0, target.start);
  const after = text.slice(target.end);
  if (suggestion.kind === 'field') {
    const hasColon = /^\s*[:<>=]/.test(after);
    const inserted = `${escapedField(suggestion.text)}${hasColon ? '' : ':'}`;
    return { text: `${before}${inserted}${after}`, caret: before.length + inserted.length };
  }
  const value = quoted(suggestion.text);
  const space = after === '' ? ' ' : '';
  return { text: `${before}${value}${space}${after}`, caret: before.length + value.length + space.length };
}
