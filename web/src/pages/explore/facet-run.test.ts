import { describe, expect, it } from 'vitest';
import { Problem, type ExploreApi } from './explore-api';
import { BATCH_SIZE, FacetRun } from './facet-run.svelte';
import type { FacetsAnswer } from './types';

interface Waiting {
  fields: readonly string[];
  query: string;
  answer: (total?: number) => void;
  fail: (error: unknown) => void;
}

const QUESTION = { query: '', from: 'a', to: 'b' };
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `f${i}`);
const settled = (): Promise<void> => new Promise((done) => setTimeout(done, 0));

function answerOf(fields: readonly string[], total: number): FacetsAnswer {
  return { fields: fields.map((field) => ({ field, kind: 'keyword', present: total, missing: 0, distinct: 1, values: [], other_count: 0 })), total, took_ms: 1, rows_scanned: 1, bytes_read: 1, cached: false };
}

/** An API that answers when the test says so. */
function held(): { run: FacetRun; asked: Waiting[] } {
  const asked: Waiting[] = [];
  const facets: ExploreApi['facets'] = ({ fields, query }, signal) =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new DOMException('cut off', 'AbortError')));
      asked.push({ fields, query, answer: (total = 10) => resolve(answerOf(fields, total)), fail: reject });
    });
  return { run: new FacetRun({ facets } as ExploreApi), asked };
}

describe('facets', () => {
  it('are asked for in batches, one after another, each field once', async () => {
    const { run, asked } = held();
    run.follow(QUESTION);
    void run.ask(names(BATCH_SIZE + 5));
    void run.ask(names(3));
    expect([asked.length, asked[0]?.fields.length, run.isLoading]).toEqual([1, BATCH_SIZE, true]);
    asked[0]?.answer();
    await settled();
    expect([asked.length, asked[1]?.fields.length, run.facets.size]).toEqual([2, 5, BATCH_SIZE]);
    asked[1]?.answer();
    await settled();
    expect([run.facets.size, run.total, run.isLoading]).toEqual([BATCH_SIZE + 5, 10, false]);
  });

  it('wait for one another', async () => {
    const { run, asked } = held();
    run.follow(QUESTION);
    void run.ask(['a']);
    void run.ask(['b', 'c']);
    expect(asked.length).toBe(1);
    asked[0]?.answer();
    await settled();
    expect([asked.length, asked[1]?.fields]).toEqual([2, ['b', 'c']]);
  });

  it('of an earlier question are stale until new ones are there, and never come back', async () => {
    const { run, asked } = held();
    run.follow(QUESTION);
    void run.ask(['a', 'b']);
    asked[0]?.answer();
    await settled();
    run.follow({ ...QUESTION });
    expect(run.isStale).toBe(false);
    void run.ask(['c']);
    run.follow({ ...QUESTION, query: 'x' });
    expect([run.isStale, run.facets.size]).toEqual([true, 2]);
    void run.ask(['a']);
    asked[2]?.answer(3);
    asked[1]?.answer(99);
    await settled();
    expect([run.isStale, [...run.facets.keys()], run.total, asked[2]?.query]).toEqual([false, ['a'], 3, 'x']);
  });

  it('that could not be counted say why and are asked for again', async () => {
    const { run, asked } = held();
    run.follow(QUESTION);
    void run.ask(names(BATCH_SIZE + 1));
    asked[0]?.fail(new Problem(500, 'broken', 'narrow it', null, []));
    await settled();
    expect([run.problem?.message, run.isLoading, asked.length]).toEqual(['narrow it', false, 1]);
    void run.ask(names(BATCH_SIZE + 1));
    expect(run.problem).toBeNull();
    asked[1]?.answer();
    await settled();
    asked[2]?.answer();
    await settled();
    expect(run.facets.size).toBe(BATCH_SIZE + 1);
  });

  it('that take too much memory are asked for in smaller batches, and one that is too large alone is named', async () => {
    const { run, asked } = held();
    const tooLarge = new Problem(413, 'too large', '', null, []);
    run.follow(QUESTION);
    void run.ask(['a', 'b', 'c', 'd']);
    asked[0]?.fail(tooLarge);
    await settled();
    asked[1]?.fail(tooLarge);
    await settled();
    asked[2]?.fail(tooLarge);
    await settled();
    for (const at of [3, 4]) {
      asked[at]?.answer();
      await settled();
    }
    expect(asked.map(({ fields }) => fields.join(''))).toEqual(['abcd', 'ab', 'a', 'b', 'cd']);
    expect([[...run.tooLarge], [...run.facets.keys()], run.problem, run.isLoading]).toEqual([['a'], ['b', 'c', 'd'], null, false]);
    run.follow({ ...QUESTION, query: 'x' });
    expect(run.tooLarge.size).toBe(0);
  });

  it('reach nobody who has left', async () => {
    const { run, asked } = held();
    run.follow(QUESTION);
    void run.ask(['a']);
    run.stop();
    asked[0]?.answer();
    await settled();
    expect([run.facets.size, run.problem]).toEqual([0, null]);
  });
});
