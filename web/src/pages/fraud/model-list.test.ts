import { expect, it } from 'vitest';
import { ApiProblem } from '../../api/client';
import type { Model, ModelRole } from './contract';
import { ModelList, type ModelPorts } from './model-list.svelte';

const quality = { area_under_roc: 0.9, average_precision: 0.5, card_precision_100: 0.1 };
const report = { learner: 'trees', training_count: 800, training_fraud_count: 40, test_from: '2026-02-20T00:00:00Z', test_count: 200, test_fraud_count: 10, model: quality, rules: quality, flagged_count: 12, flagged_fraud_count: 8, weights: [] };
const model = (version: number, role: ModelRole): Model => ({ version, role, trained_by: 'ann', trained_at: '2026-03-01T12:00:00Z', role_by: null, role_at: null, report });

/** A server with an active and an idle model. */
function server(): ModelPorts {
  let models = [model(2, 'idle'), model(1, 'active')];
  const find = (version: number): Model => models.find((one) => one.version === version) ?? model(version, 'idle');
  return {
    list: async () => ({ models }),
    setRole: async (version, role) => {
      models = models.map((one) => ({ ...one, role: one.version === version ? role : one.role === role ? 'idle' : one.role }));
      return find(version);
    },
    remove: async (version) => {
      const gone = find(version);
      if (gone.role !== 'idle') throw new ApiProblem(409, 'it is active', null, null);
      models = models.filter((one) => one !== gone);
      return gone;
    },
  };
}
const rolesOf = (list: ModelList): string[] | undefined => list.models?.map(({ version, role }) => `${version} ${role}`);

it('shows whose role a change took', async () => {
  const list = new ModelList(server());
  await list.load();
  expect(await list.setRole(2, 'active')).toBe(true);
  expect([rolesOf(list), list.isBusy]).toEqual([['2 active', '1 idle'], false]);
});

it('says why a change was refused, until the next one', async () => {
  const list = new ModelList(server());
  expect(await list.remove(1)).toBe(false);
  expect([list.refusal?.detail, rolesOf(list)]).toEqual(['it is active', ['2 idle', '1 active']]);
  expect(await list.remove(2)).toBe(true);
  expect([list.refusal, rolesOf(list)]).toEqual([null, ['1 active']]);
});

it('keeps the models when a question fails, and forgets an answer after the page is left', async () => {
  const ports = server();
  let isDown = false;
  const list = new ModelList({ ...ports, list: () => (isDown ? Promise.reject(new ApiProblem(503, 'down', null, null)) : ports.list()) });
  await list.load();
  isDown = true;
  await list.load();
  expect([list.problem?.status, list.models?.length]).toEqual([503, 2]);
  isDown = false;
  const late = list.load();
  list.stop();
  await late;
  expect(list.problem?.status).toBe(503);
});
