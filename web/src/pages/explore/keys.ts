/**
 * Which key means what on this page. Pure; single letters mean nothing while one types.
 */

export type KeyAction =
  | 'query'
  | 'run'
  | 'time'
  | 'earlier'
  | 'later'
  | 'next_row'
  | 'previous_row'
  | 'open_row'
  | 'around'
  | 'fields'
  | 'live'
  | 'copy_link'
  | 'save'
  | 'saved'
  | 'back'
  | 'help';

const PLAIN: Readonly<Record<string, KeyAction>> = {
  '/': 'query',
  t: 'time',
  '[': 'earlier',
  ']': 'later',
  j: 'next_row',
  k: 'previous_row',
  c: 'around',
  f: 'fields',
  l: 'live',
  y: 'copy_link',
  s: 'save',
  o: 'saved',
  '?': 'help',
};

export interface PressedKey {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/** Where the key was pressed: in a field, on a control that has its own use for Enter, or elsewhere. */
export type KeyPlace = 'field' | 'control' | 'page';

export function keyAction({ key, ctrlKey, metaKey, altKey }: PressedKey, place: KeyPlace): KeyAction | null {
  if (key === 'Enter' && (ctrlKey || metaKey)) return 'run';
  // AltGr arrives as Ctrl+Alt: on many keyboards that is how [ and ] are typed.
  const isAltGr = ctrlKey && altKey;
  if ((ctrlKey || metaKey || altKey) && !isAltGr) return null;
  if (place === 'field') return null;
  if (key === 'Escape') return 'back';
  if (key === 'Enter') return place === 'page' ? 'open_row' : null;
  return PLAIN[key] ?? null;
}

/** The place an event came from. */
export function placeOf(target: EventTarget | null): KeyPlace {
  if (!(target instanceof Element)) return 'page';
  if (target.closest('input:not([type="checkbox"]), textarea, select, [contenteditable]')) return 'field';
  return target.closest('button, a[href], [role="tab"], [role="option"], summary') ? 'control' : 'page';
}
