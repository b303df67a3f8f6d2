import { describe, expect, it } from 'vitest';
import type { FraudDecision } from '../../api/types';
import { amountText, levelOf, modeOf, neighbourhood, sentence, sentenceParts } from './decisions';
import { addressOf, STANDARD, stateFromParams } from './fraud-state';
import { dueText, isPutOff } from './states';

const decision: FraudDecision = {
  decision_id: 'fraud-t-1', transaction_id: 't-1', at: '2026-11-23T12:00:00.000Z', is_fraud: true, fraud_score: 50, decision: 'review',
  indicators: ['rapid_transactions'], reasons: [], model_version: 'rules', amount: 20.5, currency: 'EUR', user_id: 'u "1"', client_ip: null,
};

describe('the address', () => {
  it('holds the state and leaves out what is standard', () => {
    expect(addressOf(STANDARD)).toBe('/fraud');
    const state = { ...STANDARD, view: 'mine' as const, tag: 'ring: north', case_id: 'fraud-t-1', from: 'now-7d' };
    expect(stateFromParams(new URLSearchParams(addressOf(state).split('?')[1]))).toEqual(state);
  });

  it('reads what nobody knows as the standard', () => {
    expect(stateFromParams(new URLSearchParams('view=lost'))).toEqual(STANDARD);
  });
});

describe('decisions', () => {
  it('have a level, an amount and a sentence', () => {
    expect([levelOf('block'), levelOf('review'), levelOf('allow'), levelOf('?')]).toEqual(['block', 'review', 'allow', 'allow']);
    expect(amountText({ amount: null, currency: 'EUR' })).toBe('–');
    expect(amountText(decision)).toContain('20.50');
    expect(sentence({ text: 'three payments', text_fr: '' })).toBe('three payments');
  });

  it('are not of a currency that nobody named', () => {
    expect(amountText({ amount: 12, currency: null })).toBe('12');
  });

  it('lead to the events around them, with values in quotes', () => {
    const links = neighbourhood(decision).map(({ href }) => new URLSearchParams(href.split('?')[1]));
    expect(links.map((params) => params.get('q'))).toEqual(['transaction_id:"t-1"', 'user_id:"u \\"1\\""']);
    expect(links[0]?.get('from')).toBe('2026-11-22T12:00:00.000Z');
  });
});

describe('cases', () => {
  const due_at = '2026-11-23T12:00:00.000Z';
  const noon = Date.parse(due_at);

  it('are due until they are late, and not once they are closed', () => {
    expect(dueText({ state: 'open', due_at }, noon - 7_200_000)).toBe('in 2 hours');
    expect(dueText({ state: 'taken', due_at }, noon + 7_200_000)).toBe('2 hours ago, late');
    expect(dueText({ state: 'closed', due_at }, noon)).toBeNull();
  });

  it('are put off until then', () => {
    expect([noon - 1, noon].map((now) => isPutOff({ state: 'taken', snoozed_until: due_at }, now))).toEqual([true, false]);
    expect(isPutOff({ state: 'closed', snoozed_until: due_at }, noon - 1)).toBe(false);
    expect(isPutOff({ state: 'open', snoozed_until: null }, noon)).toBe(false);
  });
});

describe('rules', () => {
  it('have a mode; one that nobody knows decides nothing', () => {
    expect(['active', 'shadow', 'off', '?'].map(modeOf)).toEqual(['active', 'shadow', 'off', 'off']);
  });

  it('have a sentence with the names of its values', () => {
    const named = (text: string): string[] => sentenceParts(text).map((part) => (part.isName ? `<${part.text}>` : part.text));
    expect(named('{user.count_10m} payments and {card.count_10m}')).toEqual(['<user.count_10m>', ' payments and ', '<card.count_10m>']);
    expect(named('a high amount')).toEqual(['a high amount']);
    expect(named('')).toEqual([]);
    expect(named('{a b} and {')).toEqual(['{a b} and {']);
  });
});
