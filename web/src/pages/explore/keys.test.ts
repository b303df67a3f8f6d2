import { describe, expect, it } from 'vitest';
import { keyAction, type KeyAction, type KeyPlace } from './keys';

describe('keys', () => {
  const check = (key: string, place: KeyPlace, expected: KeyAction | null, more: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey', boolean>> = {}): void =>
    expect(keyAction({ key, ctrlKey: false, metaKey: false, altKey: false, ...more }, place)).toBe(expected);

  it('act on the page and never while typing', () => {
    check('/', 'page', 'query');
    check('j', 'control', 'next_row');
    check('j', 'field', null);
    check('s', 'page', 'save');
    check('o', 'page', 'saved');
    check('l', 'page', 'live');
    check('/', 'field', null);
    check('Escape', 'field', null);
    check('z', 'page', null);
  });

  it('leave Enter to controls; Ctrl+Enter always runs', () => {
    check('Enter', 'page', 'open_row');
    check('Enter', 'control', null);
    check('Enter', 'field', 'run', { ctrlKey: true });
    check('Enter', 'page', 'run', { metaKey: true });
  });

  it("leave the browser's own combinations alone, but take AltGr", () => {
    check('f', 'page', null, { ctrlKey: true });
    check('k', 'page', null, { metaKey: true });
    check('ArrowLeft', 'page', null, { altKey: true });
    check('[', 'page', 'earlier', { ctrlKey: true, altKey: true });
  });
});
