import { expect, it } from 'vitest';
import { ApiProblem } from '../../api/client';
import type { FraudRule, FraudRuleVersion } from '../../api/types';
import { RuleEdit, type RulePorts, type RuleRequest } from './rule-edit.svelte';

const rule: FraudRule = { name: 'many_cards', expression: 'a >= 3', points: 40, action: null, owner: 'anne', mode: 'active', reason: 'many', reason_fr: 'plusieurs', hits: 0, shadow_hits: 0, version: 2 };
const version = (number: number, points = 40): FraudRuleVersion => ({
  name: rule.name, version: number, is_proposed: false, is_deleted: false, expression: rule.expression, points, action: null, owner: 'anne', mode: 'active', reason: rule.reason, reason_fr: rule.reason_fr, changed_by: 'bob', changed_at: '2026-03-01T12:00:00Z',
});

/** A server on which the rule is at `newest`. */
function server(newest: number): { ports: RulePorts; sent: RuleRequest[] } {
  const sent: RuleRequest[] = [];
  let current = newest;
  const change = (expected: number): FraudRuleVersion => {
    if (expected !== current) throw new ApiProblem(409, 'somebody changed it', null, null);
    current += 1;
    return version(current);
  };
  return {
    sent,
    ports: {
      put: async (_, request) => {
        sent.push(request);
        return change(request.version);
      },
      versions: async () => [version(current, 10)],
      remove: async (_, expected) => change(expected),
    },
  };
}

it('is saved with the version that it was made of, and again with the one that it became', async () => {
  const { ports, sent } = server(2);
  const edit = new RuleEdit(rule, ports);
  edit.draft.points = 50;
  expect((await edit.save())?.version).toBe(3);
  await edit.save();
  expect(sent.map((request) => [request.version, request.points])).toEqual([[2, 50], [3, 50]]);
});

it('a new one is made of no version', async () => {
  const { ports, sent } = server(0);
  const edit = new RuleEdit(null, ports);
  edit.draft.name = 'new_one';
  await edit.save();
  expect([edit.isNew, sent[0]?.version]).toEqual([true, 0]);
});

it('what somebody else saved meanwhile is told, and mine is kept until one is taken', async () => {
  const { ports, sent } = server(5);
  const edit = new RuleEdit(rule, ports);
  edit.draft.points = 50;
  expect(await edit.save()).toBeNull();
  expect([edit.theirs?.version, edit.problem, edit.draft.points]).toEqual([5, null, 50]);
  expect((await edit.saveMine())?.version).toBe(6);
  expect([edit.theirs, sent[1]?.version]).toEqual([null, 5]);
});

it('theirs is taken whole', async () => {
  const { ports } = server(5);
  const edit = new RuleEdit(rule, ports);
  await edit.save();
  edit.takeTheirs();
  expect([edit.draft.points, edit.theirs]).toEqual([10, null]);
  expect((await edit.save())?.version).toBe(6);
});

it('a conflict of another kind is a problem like others', async () => {
  const { ports } = server(2);
  const edit = new RuleEdit(rule, { ...ports, put: () => Promise.reject(new ApiProblem(409, '1000 rules', null, null)) });
  await edit.save();
  expect([edit.theirs, edit.problem?.detail]).toEqual([null, '1000 rules']);
});
