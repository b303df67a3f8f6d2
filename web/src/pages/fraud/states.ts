/** How far a case is, in words. Pure. */
import type { FraudCase } from '../../api/types';
import { formatAgo } from '../../format';
import { m } from '../../i18n';

export const OUTCOMES = ['confirmed', 'valuable', 'false_positive'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const outcomeText = (outcome: Outcome): string =>
  ({ confirmed: m.fraud_confirmed(), valuable: m.fraud_valuable(), false_positive: m.fraud_false_positive() })[outcome];

/** A case that was closed, and what was done with it. */
export interface Closed {
  case_id: string;
  transaction_id: string;
  outcome: Outcome;
  /** Whether somebody held it before. */
  wasHeld: boolean;
  /** What was put on a list with it; null for nothing. */
  entry_id: string | null;
}

/** For how long a case may be put off. */
export const PUT_OFF = ['1d', '7d', '30d'] as const;

export const isPutOff = ({ state, snoozed_until }: Pick<FraudCase, 'state' | 'snoozed_until'>, now_ms: number): boolean =>
  state !== 'closed' && snoozed_until != null && Date.parse(snoozed_until) > now_ms;

/** When a case is due, and whether that is past; nothing once it is closed. */
export function dueText({ state, due_at }: Pick<FraudCase, 'state' | 'due_at'>, now_ms: number): string | null {
  if (state === 'closed') return null;
  const when = formatAgo(due_at, now_ms);
  return Date.parse(due_at) < now_ms ? m.fraud_due_late({ when }) : when;
}

export function stateText({ state, holder, outcome, escalation }: Pick<FraudCase, 'state' | 'holder' | 'outcome' | 'escalation'>): string {
  if (state === 'closed') return m.fraud_state_closed({ outcome: outcomeText(OUTCOMES.find((known) => known === outcome) ?? 'valuable') });
  if (state === 'taken') return m.fraud_state_taken({ holder: holder ?? '' });
  return escalation == null ? m.fraud_state_open() : m.fraud_state_escalated();
}
