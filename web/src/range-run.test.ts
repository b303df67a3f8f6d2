import { expect, it } from 'vitest';
import { RangeRun } from './range-run.svelte';

interface Waiting {
  from: string;
  signal: AbortSignal;
  answer: (total: number) => void;
  fail: (error: unknown) => void;
}

/** A server that answers when the test says so. */
function held(): { run: RangeRun<number>; asked: Waiting[] } {
  const asked: Waiting[] = [];
  const run = new RangeRun<number>({
    ask: ({ from }, signal) =>
      new Promise((resolve, fail) => {
        signal.addEventListener('abort', () => fail(new DOMException('cut off', 'AbortError')));
        asked.push({ from, signal, fail, answer: resolve });
      }),
    resolve: (from, to) => (from === 'soon' ? null : { from, to }),
  });
  return { run, asked };
}

it('a refresh leaves the question that is still being answered alone', async () => {
  const { run, asked } = held();
  const started = run.start('a', 'b');
  await run.refresh();
  expect(asked).toHaveLength(1);
  asked[0]?.answer(5);
  await started;
  expect(run.answer).toBe(5);
  void run.refresh();
  expect(asked).toHaveLength(2);
});

it('a new range cuts off the one before', async () => {
  const { run, asked } = held();
  const first = run.start('a', 'b');
  const second = run.start('c', 'd');
  expect(asked[0]?.signal.aborted).toBe(true);
  asked[1]?.answer(3);
  await Promise.all([first, second]);
  expect([run.answer, run.problem, run.isLoading]).toEqual([3, null, false]);
});

it('a failure leaves the earlier answer, and is asked again', async () => {
  const { run, asked } = held();
  const first = run.start('a', 'b');
  asked[0]?.answer(5);
  await first;
  const second = run.refresh();
  asked[1]?.fail(new Error('gone'));
  await second;
  expect([run.answer, run.problem?.detail, run.isLoading]).toEqual([5, 'gone', false]);
  void run.refresh();
  expect(asked).toHaveLength(3);
});

it('a range that cannot be read is said, asks nothing and shows no other range', async () => {
  const { run, asked } = held();
  const first = run.start('a', 'b');
  asked[0]?.answer(5);
  await first;
  await run.start('soon', 'now');
  expect([run.hasBadRange, run.answer, run.isLoading, asked.length]).toEqual([true, null, false, 1]);
  void run.start('a', 'b');
  expect(run.hasBadRange).toBe(false);
});
