/** Which key does what with the open case. Pure; letters mean nothing while one types. */
import type { KeyPlace, PressedKey } from '../explore/keys';

/** What is done, and the letter for it. */
export const CASE_KEYS = {
  false_positive: 'a',
  valuable: 'v',
  confirmed: 'd',
  block: 'b',
  escalate: 'e',
  take: 't',
  next: 'n',
  undo: 'u',
} as const;
export type CaseKey = keyof typeof CASE_KEYS;

const MEANINGS = new Map<string, CaseKey>(Object.entries(CASE_KEYS).map(([meaning, key]) => [key, meaning as CaseKey]));

export function caseKey({ key, ctrlKey, metaKey, altKey }: PressedKey, place: KeyPlace): CaseKey | null {
  return ctrlKey || metaKey || altKey || place === 'field' ? null : (MEANINGS.get(key) ?? null);
}
