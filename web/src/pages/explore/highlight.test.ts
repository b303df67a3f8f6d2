import { describe, expect, it } from 'vitest';
import { aroundFirstMark, markedParts, MARK_END as E, MARK_START as S } from './highlight';

const shown = (value: string, fragments?: string[]): string =>
  markedParts(value, fragments)
    .map((part) => (part.isMarked ? `[${part.text}]` : part.text))
    .join('');

describe('marks', () => {
  const check = (value: string, fragments: string[] | undefined, expected: string): void => expect(shown(value, fragments)).toBe(expected);

  it('are found again in the whole value', () => {
    check('timeout PSP after', undefined, 'timeout PSP after');
    check('timeout PSP after', [`${S}timeout${E} ${S}PSP${E} after`], '[timeout] [PSP] after');
    check('a long text with timeout in it', [`… with ${S}timeout${E} in …`], 'a long text with [timeout] in it');
    check('x timeout y', [`${S}timeout${E}`, `x ${S}timeout y${E}`], 'x [timeout y]');
  });

  it('that do not fit the value change nothing', () => {
    check('abc', [`${S}zzz${E}`], 'abc');
    check('abc', [`${S}abc`], 'abc');
    check('abc', [`abc${E}`], 'abc');
    check('', [`${S}${E}`], '');
  });

  it('keep log text as text', () => {
    check('<img src=x onerror=alert(1)> boom', [`<img src=x onerror=alert(1)> ${S}boom${E}`], '<img src=x onerror=alert(1)> [boom]');
  });
});

describe('the window around the first mark', () => {
  it('cuts a long lead and a long tail', () => {
    const parts = markedParts(`${'a'.repeat(300)}hit${'b'.repeat(300)}`, [`${S}hit${E}`]);
    const text = aroundFirstMark(parts, 80, 120).map((part) => part.text).join('|');
    expect(text).toBe(`… |${'a'.repeat(40)}|hit|${'b'.repeat(77)}| …`);
  });

  it('leaves short text whole', () => {
    expect(aroundFirstMark([{ text: 'abc', isMarked: false }], 80, 120)).toEqual([{ text: 'abc', isMarked: false }]);
  });
});
