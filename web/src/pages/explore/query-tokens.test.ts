import { describe, expect, it } from 'vitest';
import { queryTokens, withErrors } from './query-tokens';

const shown = (text: string): string =>
  queryTokens(text)
    .filter((token) => token.kind !== 'space')
    .map((token) => `${token.kind}:${token.text}`)
    .join(' ');

describe('colours', () => {
  const check = (text: string, expected: string): void => expect(shown(text)).toBe(expected);

  it('tell fields, operators, keywords, strings, numbers and wildcards apart', () => {
    check('level:error', 'field:level operator:: word:error');
    check('amount>=100', 'field:amount operator:>= number:100');
    check('a AND "b c" OR NOT x*', 'word:a keyword:AND string:"b c" keyword:OR keyword:NOT wildcard:x*');
    check('(geo.country:FR)', 'bracket:( field:geo.country operator:: word:FR bracket:)');
    check('service:"cart \\" api', 'field:service operator:: string:"cart \\" api');
    check('amount:[1 TO 5}', 'field:amount operator:: bracket:[ number:1 keyword:TO number:5 bracket:}');
    check('', '');
  });

  it('lose no character, whatever is typed', () => {
    for (const text of ['a:b', '"', '\\', ':::', 'x\\ y:z', ' <img onerror=1> ', '💶:"é', ')(', '\u0000&&||!']) {
      expect(queryTokens(text).map((token) => token.text).join('')).toBe(text);
    }
  });
});

describe('errors', () => {
  const wrong = (text: string, ...spans: [number, number][]): string =>
    withErrors(text, queryTokens(text), spans).map((piece) => (piece.isWrong ? `[${piece.text}]` : piece.text)).join('');

  it('stand under their span', () => {
    expect(wrong('a AND', [2, 5])).toBe('a [AND]');
    expect(wrong('level:error', [3, 8])).toBe('lev[el][:][er]ror');
    expect(wrong('abc', [3, 3])).toBe('ab[c]');
    expect(wrong('abc', [0, 99])).toBe('[abc]');
    expect(wrong('', [0, 0])).toBe('');
  });
});
