import { expect, it } from 'vitest';
import { ApiProblem } from '../../api/client';
import type { ListEntry, ListPage } from './contract';
import { ListRun } from './list-run.svelte';

const entry = (id: string): ListEntry => ({ id, kind: 'user', value: id, effect: 'block', note: null, expires_at: null, added_by: 'ann', added_at: '2026-03-01T12:00:00Z', hit_count: 0 });
const page = (ids: string[], next_cursor: string | null): ListPage => ({ entries: ids.map(entry), total: 3, is_total_exact: true, next_cursor });
const idsOf = (run: ListRun): string[] | undefined => run.entries?.map(({ id }) => id);

it('loads the page behind the first, and begins anew', async () => {
  const asked: string[] = [];
  const run = new ListRun((params) => {
    asked.push(params.toString());
    return Promise.resolve(params.has('cursor') ? page(['c'], null) : page(['a', 'b'], 'next'));
  });
  await run.start(new URLSearchParams('kind=user'));
  await run.more();
  expect(idsOf(run)).toEqual(['a', 'b', 'c']);
  await run.more();
  await run.refresh();
  expect(idsOf(run)).toEqual(['a', 'b']);
  expect(asked).toEqual(['kind=user&limit=50', 'kind=user&limit=50&cursor=next', 'kind=user&limit=50']);
});

it('forgets an answer that came too late, and keeps entries when a question fails', async () => {
  const answers: ((page: ListPage) => void)[] = [];
  let isDown = false;
  const run = new ListRun(() => (isDown ? Promise.reject(new ApiProblem(503, 'down', null, null)) : new Promise((done) => answers.push(done))));
  const first = run.start(new URLSearchParams());
  const second = run.start(new URLSearchParams('q=x'));
  answers[1]?.(page(['b'], null));
  answers[0]?.(page(['a'], null));
  await Promise.all([first, second]);
  expect(idsOf(run)).toEqual(['b']);
  isDown = true;
  await run.refresh();
  expect([idsOf(run), run.problem?.status, run.isLoading]).toEqual([['b'], 503, false]);
});
