/** Lists of fraud detection: their kinds and effects, how long an entry counts, and which entries are shown. Pure. */
import { m } from '../../i18n';
import type { ListDraft, ListEffect, ListKind } from './contract';
import { withParams } from './fraud-state';

export const KINDS: readonly ListKind[] = ['card', 'bin', 'ip', 'email_domain', 'device', 'user', 'country'];
export const EFFECTS: readonly ListEffect[] = ['block', 'review', 'allow'];

export const kindText = (kind: ListKind): string =>
  ({
    card: m.fraudlist_card(), bin: m.fraudlist_bin(), ip: m.fraudlist_ip(), email_domain: m.fraudlist_email_domain(),
    device: m.fraudlist_device(), user: m.fraudlist_user(), country: m.fraudlist_country(),
  })[kind];

/** What a value of a kind looks like. */
export const EXAMPLES: Readonly<Record<ListKind, string>> = {
  card: '9f86d081884c7d65', bin: '497010', ip: '203.0.113.0/24', email_domain: 'mail.example', device: 'd-4be1', user: 'u-1042', country: 'FR',
};

/** For how many days an entry counts; 0: it never expires. */
export const EXPIRY_DAYS = [0, 1, 7, 30, 180] as const;
export type ExpiryDays = (typeof EXPIRY_DAYS)[number];

const DAY_MS = 86_400_000;

export function expiryText(days: ExpiryDays): string {
  if (days === 0) return m.fraudlist_never();
  return days === 1 ? m.fraudlist_in_1() : m.fraudlist_in_days({ days });
}

/** From when on an entry counts no more, as the server takes it; `null`: it never expires. */
export const expiresAt = (days: ExpiryDays, now_ms: number): string | null => (days === 0 ? null : new Date(now_ms + days * DAY_MS).toISOString());

/** What was typed into the form. */
export interface ListForm {
  kind: ListKind;
  value: string;
  effect: ListEffect;
  note: string;
  days: ExpiryDays;
}

/** What is sent of it: nothing of what was left empty. */
export function draftOf({ kind, value, effect, note, days }: ListForm, now_ms: number): ListDraft {
  const expires_at = expiresAt(days, now_ms);
  return { kind, value: value.trim(), effect, ...(note.trim() === '' ? {} : { note: note.trim() }), ...(expires_at === null ? {} : { expires_at }) };
}

/** Which entries are shown; empty: all of them. */
export interface ListFilter {
  kind: ListKind | '';
  effect: ListEffect | '';
  q: string;
}

export const EVERY_ENTRY: ListFilter = { kind: '', effect: '', q: '' };

export const filterFromParams = (params: URLSearchParams): ListFilter => ({
  kind: KINDS.find((kind) => kind === params.get('kind')) ?? '',
  effect: EFFECTS.find((effect) => effect === params.get('effect')) ?? '',
  q: params.get('q') ?? '',
});

/** The filter as parameters, of the address and of the question to the server alike. */
export const filterParams = (filter: ListFilter): URLSearchParams => new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== ''));

export const addressOfLists = (filter: ListFilter): string => withParams('/fraud/lists', filterParams(filter));
