/** What the page says of decisions. Pure. */
import type { FraudDecision } from '../../api/types';
import { formatAmount } from '../../format';
import { language, m } from '../../i18n';
import { exploreLink, quoted } from '../../query-text';
import type { Velocity } from './contract';

/** How far around a payment its neighbourhood is shown. */
const AROUND_MS = 24 * 3_600_000;

export type Level = 'allow' | 'review' | 'block';

export const levelOf = (decision: string): Level => (decision === 'block' || decision === 'review' ? decision : 'allow');

/** The sentence of a reason in the reader's language. */
export const sentence = (reason: { text: string; text_fr: string }): string => (language() === 'fr' && reason.text_fr !== '' ? reason.text_fr : reason.text);

export const decisionWord = (decision: string): string =>
  ({ allow: m.fraud_allow(), review: m.fraud_review(), block: m.fraud_block() })[levelOf(decision)];

export function amountText({ amount, currency }: Pick<FraudDecision, 'amount' | 'currency'>): string {
  if (amount === null || amount === undefined) return '–';
  return currency === null || currency === undefined ? String(amount) : formatAmount(amount, currency);
}

export type Mode = 'active' | 'shadow' | 'off';

/** A mode that nobody knows decides nothing. */
export const modeOf = (mode: string): Mode => (mode === 'active' || mode === 'shadow' ? mode : 'off');

/** A part of a rule's sentence: words, or the name of the value that stands there. */
export interface SentencePart {
  text: string;
  isName: boolean;
}

/** A rule's sentence, cut at the names in braces. */
export const sentenceParts = (text: string): SentencePart[] =>
  text
    .split(/(\{[\w.]+\})/)
    .filter((part) => part !== '')
    .map((part) => (/^\{[\w.]+\}$/.test(part) ? { text: part.slice(1, -1), isName: true } : { text: part, isName: false }));

/** What a list of what is refused can name. */
export type Blockable = Pick<Velocity, 'kind' | 'value'> & { kind: 'card' | 'user' };

/** What of a payment is refused from now on when it was fraud: its card, else its customer. */
export function blockableOf(named: readonly Pick<Velocity, 'kind' | 'value'>[]): Blockable | null {
  const of = (kind: Blockable['kind']): Blockable[] => named.filter((one) => one.kind === kind).map(({ value }) => ({ kind, value }));
  return [...of('card'), ...of('user')][0] ?? null;
}

/** Links from a payment to the raw events around it. */
export function neighbourhood(decision: FraudDecision): { label: string; href: string }[] {
  const at_ms = Date.parse(decision.at);
  const [from, to] = [at_ms - AROUND_MS, at_ms + AROUND_MS].map((ms) => new Date(ms).toISOString()) as [string, string];
  const link = (label: string, field: string, value: string | null | undefined): { label: string; href: string }[] =>
    value === null || value === undefined || value === '' ? [] : [{ label, href: exploreLink(`${field}:${quoted(value)}`, from, to) }];
  return [
    ...link(m.fraud_events_payment(), 'transaction_id', decision.transaction_id),
    ...link(m.fraud_events_customer(), 'user_id', decision.user_id),
    ...link(m.fraud_events_address(), 'client_ip', decision.client_ip),
  ];
}
