/**
 * Colours for the query text. Pure, forgiving: it colours what is typed so far and judges nothing.
 *
 * The grammar lives in the server alone (`/api/search/validate`); this knows only the look of words, so that a
 * mistake here is a wrong colour and never a wrong answer. The tokens' texts joined are the input itself.
 */

export type TokenKind = 'field' | 'operator' | 'keyword' | 'string' | 'number' | 'bracket' | 'wildcard' | 'word' | 'space';

export interface Token {
  kind: TokenKind;
  text: string;
  start: number;
}

const RULES: readonly [TokenKind, RegExp][] = [
  ['space', /\s+/y],
  ['string', /"(?:\\.|[^"\\])*"?/y],
  ['bracket', /[()[\]{}]/y],
  ['operator', /[:<>=]=?|&&|\|\||!/y],
  ['word', /(?:\\.|[^\s"()[\]{}:<>=])+/y],
];

const KEYWORD = /^(AND|OR|NOT|TO|and|or|not)$/;
const NUMBER = /^-?\d+(\.\d+)?$/;
const AFTER_FIELD = /^\s*(:|>=?|<=?|=)/;

function wordKind(text: string, rest: string): TokenKind {
  if (AFTER_FIELD.test(rest)) return 'field';
  if (KEYWORD.test(text)) return 'keyword';
  if (NUMBER.test(text)) return 'number';
  return /[*?]/.test(text.replace(/\\./g, '')) ? 'wildcard' : 'word';
}

function matchAt(text: string, start: number): Token {
  for (const [kind, rule] of RULES) {
    rule.lastIndex = start;
    const match = rule.exec(text)?.[0];
    if (match === undefined || match === '') continue;
    return { kind: kind === 'word' ? wordKind(match, text.slice(start + match.length)) : kind, text: match, start };
  }
  return { kind: 'word', text: text.charAt(start), start };
}

/** The query in coloured pieces. */
export function queryTokens(text: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  while (position < text.length) {
    const token = matchAt(text, position);
    tokens.push(token);
    position += token.text.length;
  }
  return tokens;
}

/** A piece of a token, and whether an error stands under it. */
export interface Piece {
  kind: TokenKind;
  text: string;
  isWrong: boolean;
}

/** The tokens cut at the ends of the errors' spans; an empty span takes the character at (or before) its place. */
export function withErrors(text: string, tokens: readonly Token[], spans: readonly (readonly [number, number])[]): Piece[] {
  const widened = spans.map(([start, end]): [number, number] => {
    if (end > start) return [start, Math.min(end, text.length)];
    return start >= text.length ? [Math.max(0, text.length - 1), text.length] : [start, start + 1];
  });
  const cuts = new Set(widened.flat());
  const pieces: Piece[] = [];
  for (const token of tokens) {
    const end = token.start + token.text.length;
    const inner = [...cuts].filter((cut) => cut > token.start && cut < end).sort((a, b) => a - b);
    const bounds = [token.start, ...inner, end];
    for (let i = 0; i + 1 < bounds.length; i += 1) {
      const from = bounds[i] ?? 0;
      const to = bounds[i + 1] ?? from;
      pieces.push({
        kind: token.kind,
        text: text.slice(from, to),
        isWrong: widened.some(([start, stop]) => from >= start && to <= stop),
      });
    }
  }
  return pieces;
}
