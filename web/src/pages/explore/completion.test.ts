import { describe, expect, it } from 'vitest';
import { applied, completionTarget } from './completion';
import type { Suggestion } from './types';

/** `|` is the caret. */
function target(text: string): string {
  const caret = text.indexOf('|');
  const plain = text.replace('|', '');
  const found = completionTarget(plain, caret);
  const field = found.kind === 'value' ? `${found.field}=` : '';
  return `${found.kind} ${field}${found.prefix} ${found.start}-${found.end}`;
}

describe('what is at the caret', () => {
  const check = (text: string, expected: string): void => expect(target(text)).toBe(expected);

  it('is a field where a word begins', () => {
    check('|', 'field  0-0');
    check('lev|', 'field lev 0-3');
    check('le|vel', 'field le 0-5');
    check('a AND ser|', 'field ser 6-9');
    check('(ser|', 'field ser 1-4');
    check('level:error |', 'field  12-12');
    check('level:error ser|', 'field ser 12-15');
    check('(level:error) ser|', 'field ser 14-17');
  });

  it('is a value after a field', () => {
    check('level:|', 'value level= 6-6');
    check('level:er|', 'value level=er 6-8');
    check('level: er|', 'value level=er 7-9');
    check('service:"cart a|', 'value service=cart a 8-15');
    check('service:"ca|rt"', 'value service=ca 8-14');
    check('level:(error OR w|', 'value level=w 16-17');
    check('level:(error OR |', 'value level= 16-16');
    check('a:b AND service.name:p|', 'value service.name=p 21-22');
  });
});

describe('a taken suggestion', () => {
  function take(text: string, suggestion: Suggestion): string {
    const caret = text.indexOf('|');
    const plain = text.replace('|', '');
    const result = applied(plain, completionTarget(plain, caret), suggestion);
    return `${result.text.slice(0, result.caret)}|${result.text.slice(result.caret)}`;
  }
  const field = (text: string): Suggestion => ({ text, kind: 'field', count: null });
  const value = (text: string): Suggestion => ({ text, kind: 'value', count: 1 });

  it('replaces the word and puts the caret behind it', () => {
    expect(take('lev|', field('level'))).toBe('level:|');
    expect(take('lev|:error', field('level'))).toBe('level|:error');
    expect(take('level:er|', value('ERROR'))).toBe('level:ERROR |');
    expect(take('service:"ca|rt"', value('cart api'))).toBe('service:"cart api" |');
    expect(take('level:er| AND a', value('ERROR'))).toBe('level:ERROR| AND a');
  });
});
