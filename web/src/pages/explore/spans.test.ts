import { describe, expect, it } from 'vitest';
import { unitSpan } from './spans';

describe('a span in bytes', () => {
  const check = (text: string, bytes: [number, number], marked: string): void => {
    const [start, end] = unitSpan(text, bytes);
    expect(text.slice(start, end)).toBe(marked);
  };

  it('marks the same characters in the browser', () => {
    check('level:(error', [6, 12], '(error');
    check('échéé 💶 AND (abc', [18, 22], '(abc');
    check('💶', [0, 4], '💶');
    check('é', [0, 99], 'é');
    check('', [0, 0], '');
    check('中文 AND', [7, 10], 'AND');
  });
});
