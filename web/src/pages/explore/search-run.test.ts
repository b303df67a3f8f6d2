import { describe, expect, it } from 'vitest';
import { Problem, type ExploreApi, type SearchPage } from './explore-api';
import type { RequestRecord } from './inspect';
import { SearchRun, type SearchQuestion } from './search-run.svelte';
import type { SearchAnswer } from './types';

const QUESTION: SearchQuestion = { query: '', from: 'a', to: 'b', sort: 'newest' };
const RECORD = {} as RequestRecord;

interface Waiting {
  page: SearchPage;
  answer: (answer: SearchAnswer) => void;
  fail: (error: unknown) => void;
}

/** An API that answers when the test says so. */
function held(): { api: ExploreApi; asked: Waiting[] } {
  const asked: Waiting[] = [];
  const search: ExploreApi['search'] = (page, signal) =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new DOMException('cut off', 'AbortError')));
      asked.push({ page, answer: (answer) => resolve({ answer, record: RECORD }), fail: reject });
    });
  return { api: { search } as ExploreApi, asked };
}

/** The rows `from … from + count` of an answer of `total`. */
function page(from: number, count: number, total: number): SearchAnswer {
  const hits = Array.from({ length: count }, (_, i) => ({ _id: `e${from + i}`, _index: 'i', _source: {} }));
  const end = from + count;
  return { hits, total, took_ms: 1, rows_scanned: 1, bytes_read: 1, cached: false, next_cursor: end < total ? String(end) : null };
}

const settled = (): Promise<void> => new Promise((done) => setTimeout(done, 0));

describe('a search', () => {
  it('keeps the old rows, marked stale, until its own are there', async () => {
    const { api, asked } = held();
    const run = new SearchRun(api, () => 0);
    void run.start(QUESTION);
    asked[0]?.answer(page(0, 3, 3));
    await settled();
    void run.start({ ...QUESTION, query: 'x' });
    expect([run.status, run.isStale, run.rows.length]).toEqual(['loading', true, 3]);
    asked[1]?.answer(page(0, 1, 1));
    await settled();
    expect([run.status, run.isStale, run.rows.length, run.isComplete]).toEqual(['done', false, 1, true]);
  });

  it('that is overtaken never shows its answer', async () => {
    const { api, asked } = held();
    const run = new SearchRun(api, () => 0);
    void run.start(QUESTION);
    void run.start({ ...QUESTION, query: 'newer' });
    asked[1]?.answer(page(0, 2, 2));
    asked[0]?.answer(page(0, 9, 9));
    await settled();
    expect([run.rows.length, run.status]).toEqual([2, 'done']);
  });

  it('that fails keeps the old rows and says why', async () => {
    const { api, asked } = held();
    const run = new SearchRun(api, () => 0);
    void run.start(QUESTION);
    asked[0]?.answer(page(0, 3, 3));
    await settled();
    void run.start({ ...QUESTION, query: '(' });
    asked[1]?.fail(new Problem(400, 'bad', 'not closed', 'r1', [{ message: 'not closed', span: [0, 1] }]));
    await settled();
    expect([run.status, run.isStale, run.rows.length, run.problem?.queryProblems[0]?.message]).toEqual(['failed', true, 3, 'not closed']);
  });

  it('that is cancelled is neither done nor failed', async () => {
    const { api } = held();
    const run = new SearchRun(api, () => 0);
    void run.start(QUESTION);
    run.cancel();
    await settled();
    expect([run.status, run.problem]).toEqual(['cancelled', null]);
  });
});

describe('pages', () => {
  it('come one after another, each with the cursor of the one before, up to the row that is wanted', async () => {
    const { api, asked } = held();
    const run = new SearchRun(api, () => 0);
    void run.start(QUESTION);
    asked[0]?.answer(page(0, 100, 2_500));
    await settled();
    expect(run.scrollRows).toBe(2_500);
    void run.ensure(2_499);
    void run.ensure(10);
    for (let at = 1; run.rows.length < 2_500; at += 1) {
      const next = asked[at];
      expect(next?.page.cursor).toBe(String(run.rows.length));
      next?.answer(page(run.rows.length, Math.min(next.page.size, 2_500 - run.rows.length), 2_500));
      await settled();
    }
    expect([run.isComplete, run.isPaging, new Set(run.rows.map((row) => row._id)).size]).toEqual([true, false, 2_500]);
  });

  it('that fail leave what came, and go on when asked', async () => {
    const { api, asked } = held();
    const run = new SearchRun(api, () => 0);
    void run.start(QUESTION);
    asked[0]?.answer(page(0, 100, 300));
    await settled();
    void run.ensure(250);
    asked[1]?.fail(new Problem(503, 'busy', '', null, []));
    await settled();
    expect([run.rows.length, run.status, run.pageProblem?.status]).toEqual([100, 'done', 503]);
    run.retryPage();
    asked[2]?.answer(page(100, 200, 300));
    await settled();
    expect([run.rows.length, run.pageProblem]).toEqual([300, null]);
  });
});
