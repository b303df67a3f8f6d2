import { expect, it } from 'vitest';
import { ApiProblem } from '../../api/client';
import type { Backtest, BacktestRequest } from './contract';
import { JobRun, type JobPorts } from './job-run.svelte';

type BacktestRun = JobRun<BacktestRequest, Backtest>;
type BacktestPorts = JobPorts<BacktestRequest, Backtest>;

const request: BacktestRequest = { rules: [{ name: 'many_cards', expression: 'a >= 3', points: 40, mode: 'active' }], from: 'now-30d', to: 'now' };
const at = (state: Backtest['state'], read: number): Backtest => ({ id: 'b1', state, progress: { read, total: 3 }, error: null, report: null });

function server(answers: (Backtest | ApiProblem)[]): { ports: BacktestPorts; asked: string[] } {
  const asked: string[] = [];
  const next = async (what: string): Promise<Backtest> => {
    asked.push(what);
    const answer = answers.shift() ?? at('done', 3);
    if (answer instanceof ApiProblem) throw answer;
    return answer;
  };
  return {
    asked,
    ports: {
      start: () => next('start'),
      read: () => next('read'),
      cancel: async () => {
        asked.push('cancel');
        return at('cancelled', 1);
      },
      wait: async () => undefined,
    },
  };
}

it('is followed until it is done', async () => {
  const { ports, asked } = server([at('running', 0), at('running', 2), at('done', 3)]);
  const run: BacktestRun = new JobRun(ports);
  await run.start(request);
  expect(asked).toEqual(['start', 'read', 'read']);
  expect([run.job?.state, run.isRunning, run.request]).toEqual(['done', false, request]);
});

it('is cancelled while it runs, and asked about no more', async () => {
  const { ports, asked } = server([at('running', 0)]);
  const run: BacktestRun = new JobRun({ ...ports, wait: () => run.cancel() });
  await run.start(request);
  expect(asked).toEqual(['start', 'cancel']);
  expect(run.job?.state).toBe('cancelled');
});

it('is asked about again after a question that failed', async () => {
  const { ports } = server([at('running', 0), new ApiProblem(503, 'down', null, null), at('running', 2)]);
  const run: BacktestRun = new JobRun(ports);
  await run.start(request);
  expect(run.problem?.status).toBe(503);
  await run.resume();
  expect([run.problem, run.job?.state]).toEqual([null, 'done']);
});

it('is started anew when it never was', async () => {
  const { ports, asked } = server([new ApiProblem(422, 'no rule', null, null), at('done', 3)]);
  const run: BacktestRun = new JobRun(ports);
  await run.start(request);
  expect([run.problem?.status, run.isRunning]).toEqual([422, false]);
  await run.resume();
  expect(asked).toEqual(['start', 'start']);
});

it('one that runs when the page is left is cancelled', async () => {
  const { ports, asked } = server([at('running', 0)]);
  const run: BacktestRun = new JobRun({ ...ports, wait: async () => run.stop() });
  await run.start(request);
  expect(asked).toEqual(['start', 'cancel']);
});

it('one that is left to itself is followed on; once it has ended it is forgotten', async () => {
  const { ports, asked } = server([at('running', 0), at('done', 3)]);
  const run: BacktestRun = new JobRun({ ...ports, wait: async () => run.leave() });
  await run.start(request);
  expect([asked, run.job?.state]).toEqual([['start', 'read'], 'done']);
  run.leave();
  expect([run.job, run.request]).toEqual([null, null]);
});
