/** How far a case is, in words. Pure. */
import type { FraudCase } from '../../api/types';
import { m } from '../../i18n';

export const OUTCOMES = ['confirmed', 'valuable', 'false_positive'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const outcomeText = (outcome: Outcome): string =>
  ({ confirmed: m.fraud_confirmed(), valuable: m.fraud_valuable(), false_positive: m.fraud_false_positive() })[outcome];

export function stateText({ state, holder, outcome }: Pick<FraudCase, 'state' | 'holder' | 'outcome'>): string {
  if (state === 'closed') return m.fraud_state_closed({ outcome: outcomeText(OUTCOMES.find((known) => known === outcome) ?? 'valuable') });
  return state === 'taken' ? m.fraud_state_taken({ holder: holder ?? '' }) : m.fraud_state_open();
}
