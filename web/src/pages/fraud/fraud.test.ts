import { describe, expect, it } from 'vitest';
import type { FraudDecision } from '../../api/types';
import { CASE_KEYS, caseKey } from './case-keys';
import { amountText, blockableOf, levelOf, modeOf, neighbourhood, sentence, sentenceParts } from './decisions';
import { addressOf, nextCase, STANDARD, stateFromParams } from './fraud-state';
import { dueText, isPutOff, stateText } from './states';

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

describe('an open case', () => {
  it('says how far it is', () => {
    const one = { state: 'open', holder: null, outcome: null, escalation: null };
    const escalation = { at: '2026-11-23T12:00:00.000Z', by: 'anne', reason: 'a ring' };
    expect(stateText(one)).toBe('open');
    expect(stateText({ ...one, escalation })).toBe('escalated');
    expect(stateText({ ...one, escalation, state: 'taken', holder: 'zoe' })).toBe('held by zoe');
    expect(stateText({ ...one, escalation, state: 'closed', outcome: 'valuable' })).toBe('closed: good alert, no fraud');
  });

  it('has a letter for what is done with it, which means nothing while one types', () => {
    const pressed = { key: 'd', ctrlKey: false, metaKey: false, altKey: false };
    expect(caseKey(pressed, 'page')).toBe('confirmed');
    expect(caseKey(pressed, 'control')).toBe('confirmed');
    expect(caseKey(pressed, 'field')).toBeNull();
    expect(caseKey({ ...pressed, ctrlKey: true }, 'page')).toBeNull();
    expect(caseKey({ ...pressed, key: 'j' }, 'page')).toBeNull();
    const letters = Object.values(CASE_KEYS);
    expect(new Set(letters).size).toBe(letters.length);
  });

  it('is followed by the next that waits, also when it left the list', () => {
    expect(nextCase(['a', 'b', 'c', 'd'], ['a', 'c', 'd'], 'b')).toBe('c');
    expect(nextCase(['a', 'b', 'c'], ['a', 'b'], 'b')).toBe('a');
    expect(nextCase(['a', 'b'], ['b'], 'b')).toBeNull();
    expect(nextCase([], ['x', 'y'], 'b')).toBe('x');
  });

  it('can have its card refused from now on, else its customer', () => {
    const named = (kind: 'user' | 'card' | 'ip'): { kind: typeof kind; value: string } => ({ kind, value: `${kind}-1` });
    expect(blockableOf([named('user'), named('card'), named('ip')])).toEqual({ kind: 'card', value: 'card-1' });
    expect(blockableOf([named('ip'), named('user')])).toEqual({ kind: 'user', value: 'user-1' });
    expect(blockableOf([named('ip')])).toBeNull();
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
