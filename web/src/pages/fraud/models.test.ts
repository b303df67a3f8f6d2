import { describe, expect, it } from 'vitest';
import type { Model, ModelQuality, ModelRole } from './contract';
import { gainText, isImported, learnerText, LEARNERS, measureRows, roleOf, shareOf, shownModel, signalsPath, stepOf, trainingRange, weightRows } from './models';

const quality = (area_under_roc: number, average_precision: number, card_precision_100: number): ModelQuality => ({ area_under_roc, average_precision, card_precision_100 });
const model = (version: number, role: ModelRole): Model => ({
  version, role, trained_by: 'ann', trained_at: '2026-03-01T12:00:00Z', role_by: null, role_at: null,
  report: {
    learner: 'trees', training_count: 800, training_fraud_count: 40, test_from: '2026-02-20T00:00:00Z', test_count: 200, test_fraud_count: 10,
    model: quality(0.9, 0.5, 0.1), rules: quality(0.8, 0.4, 0.1), gain: null, flagged_count: 12, flagged_fraud_count: 8, weights: [],
  },
});

describe('measures', () => {
  it('say which of model and rules is better, and what reads the same is the same', () => {
    const rows = measureRows({ model: quality(0.94, 0.4, 0.12341), rules: quality(0.87, 0.5, 0.12339) });
    expect(rows.map(({ model: ours, rules, verdict }) => [ours, rules, verdict])).toEqual([
      ['0.940', '0.870', 'better'],
      ['0.400', '0.500', 'worse'],
      ['0.123', '0.123', 'same'],
    ]);
  });
});

describe('measures without labels', () => {
  it('say nothing of either', () => {
    expect(measureRows({ model: null, rules: null }).map(({ model: ours, rules, verdict }) => [ours, rules, verdict])).toEqual(Array.from({ length: 3 }, () => ['–', '–', null]));
  });
});

describe('the gain', () => {
  it('says over whom, and whether it may be chance', () => {
    const clear = gainText({ over: 3, mean: 0.1234, deviation: 0.02, is_clear: true });
    expect(clear.text).toBe('+0.123');
    expect(clear.hint).toMatch(/version 3.*0\.020.*clear/);
    const chance = gainText({ over: null, mean: -0.01, deviation: 0.02, is_clear: false });
    expect(chance.text).toBe('-0.010');
    expect(chance.hint).toMatch(/rules.*may be chance/);
    expect(gainText(null).text).toBe('–');
  });
});

describe('a model that learnt elsewhere', () => {
  it('is told from those that learn here', () => {
    expect(LEARNERS.filter(isImported)).toEqual(['imported']);
    expect(learnerText('imported')).toContain('XGBoost');
    expect(signalsPath({ from: '2026-03-01T00:00:00.000Z', to: '2026-03-02T00:00:00.000Z' })).toBe('/api/fraud/models/signals?from=2026-03-01T00%3A00%3A00.000Z&to=2026-03-02T00%3A00%3A00.000Z');
  });
});

describe('weights', () => {
  it('have bars as long as their share of the heaviest', () => {
    expect(weightRows([{ signal: 'user.count_10m', weight: 0.81234 }, { signal: 'transaction.hour', weight: 0.20308 }])).toEqual([
      { signal: 'user.count_10m', text: '0.812', percent: 100 },
      { signal: 'transaction.hour', text: '0.203', percent: expect.closeTo(25, 1) },
    ]);
  });

  it('have none when nothing weighs', () => {
    expect(weightRows([{ signal: 'user.count_10m', weight: 0 }])).toEqual([{ signal: 'user.count_10m', text: '0', percent: 0 }]);
    expect(weightRows([])).toEqual([]);
  });
});

describe('the model that is shown', () => {
  const models = [model(3, 'idle'), model(2, 'active'), model(1, 'challenger')];
  it('is the one asked for, else the active one, else the newest', () => {
    expect(shownModel(models, '1')?.version).toBe(1);
    expect(shownModel(models, null)?.version).toBe(2);
    expect(shownModel([model(3, 'idle'), model(1, 'challenger')], null)?.version).toBe(3);
  });

  it('is none when there is none of that version', () => {
    expect([shownModel(models, '9'), shownModel(models, 'x'), shownModel([], null)]).toEqual([null, null, null]);
  });
});

describe('a training', () => {
  it('is of so many days until now', () => {
    expect(trainingRange(30, Date.parse('2026-03-31T12:00:00Z'))).toEqual({ from: '2026-03-01T12:00:00.000Z', to: '2026-03-31T12:00:00.000Z' });
  });

  it.each([[0, 0, 'counting'], [3, 10, 'reading'], [10, 10, 'learning']])('that read %i of %i is %s', (read, total, step) => {
    expect(stepOf({ read, total })).toBe(step);
  });
});

it('a role that nobody knows is idle, and a share of nothing is none', () => {
  expect([roleOf('challenger'), roleOf('king')]).toEqual(['challenger', 'idle']);
  expect([shareOf(8, 10), shareOf(0, 0)]).toEqual([0.8, null]);
});
