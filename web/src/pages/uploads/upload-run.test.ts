import { expect, it, vi } from 'vitest';
import type { Preview, Upload } from '../../api/types';
import type { UploadOptions } from './upload-file';
import { UploadRun } from './upload-run.svelte';

const FILE = new File(['{}'], 'shop.ndjson');

interface Held {
  signal: AbortSignal;
  options: UploadOptions;
  answer: (format: string) => void;
  fail: (error: unknown) => void;
  onwhole: (() => void) | undefined;
}

/** A server that previews and stores when the test says so. */
function held(): { run: UploadRun; previews: Held[]; sends: Held[]; watched: AbortSignal[]; stored: () => number } {
  const [previews, sends, watched]: [Held[], Held[], AbortSignal[]] = [[], [], []];
  const onstored = vi.fn();
  const hold = <T>(list: Held[], options: UploadOptions, signal: AbortSignal, onwhole?: () => void): Promise<T> =>
    new Promise((resolve, fail) => {
      signal.addEventListener('abort', () => fail(new DOMException('cut off', 'AbortError')));
      list.push({ signal, options, fail, onwhole, answer: (format) => resolve({ format } as T) });
    });
  const run = new UploadRun({
    preview: (_, options, signal, onwhole) => hold<Preview>(previews, options, signal, onwhole),
    sendFile: (_, options, signal) => hold<Upload>(sends, options, signal),
    untilDone: (upload, signal) => {
      watched.push(signal);
      return new Promise((resolve, fail) => {
        if (signal.aborted) fail(new DOMException('cut off', 'AbortError'));
        signal.addEventListener('abort', () => fail(new DOMException('cut off', 'AbortError')));
        if (upload.format === 'done') resolve(upload);
      });
    },
    onstored,
  });
  return { run, previews, sends, watched, stored: () => onstored.mock.calls.length };
}

it('a file is looked at, sent and followed until it is read', async () => {
  const { run, previews, sends, stored } = held();
  run.choose(FILE);
  previews[0]?.answer('ndjson');
  await vi.waitFor(() => expect(run.preview?.format).toBe('ndjson'));
  const storing = run.store(true);
  expect([sends[0]?.options.again, run.isBusy]).toEqual([true, true]);
  sends[0]?.answer('done');
  await storing;
  expect([run.result?.format, run.isBusy, stored()]).toEqual(['done', false, 1]);
});

it('leaving the page ends the following, and shows nothing any more', async () => {
  const { run, sends, watched, stored } = held();
  run.choose(FILE);
  const storing = run.store(false);
  sends[0]?.answer('running');
  await vi.waitFor(() => expect(watched).toHaveLength(1));
  run.stop();
  await storing;
  expect([watched[0]?.aborted, run.problem, stored()]).toEqual([true, null, 0]);
});

it('leaving the page lets a file that is being sent arrive', async () => {
  const { run, sends, watched } = held();
  run.choose(FILE);
  const storing = run.store(false);
  run.stop();
  expect(sends[0]?.signal.aborted).toBe(false);
  sends[0]?.answer('running');
  await storing;
  expect(watched[0]?.aborted).toBe(true);
});

it('another file ends what the one before was doing', async () => {
  const { run, previews, sends } = held();
  run.choose(FILE);
  const storing = run.store(false);
  run.choose(null);
  await storing;
  expect([previews[0]?.signal.aborted, sends[0]?.signal.aborted, run.problem, run.isBusy]).toEqual([true, true, null, false]);
});

it('a slow preview does not overwrite a newer one', async () => {
  const { run, previews } = held();
  run.choose(FILE);
  run.options.log_type = 'error';
  void run.look();
  previews[1]?.answer('csv');
  await vi.waitFor(() => expect(run.preview?.format).toBe('csv'));
  previews[0]?.answer('plain');
  await Promise.resolve();
  expect([run.preview?.format, run.problem, previews[0]?.signal.aborted]).toEqual(['csv', null, true]);
});

it('what failed is what is tried again', async () => {
  const { run, previews, sends } = held();
  run.choose(FILE);
  previews[0]?.answer('csv');
  await vi.waitFor(() => expect(run.preview?.format).toBe('csv'));
  const looking = run.look();
  previews[1]?.fail(new Error('no such column'));
  await looking;
  expect(run.problem?.detail).toBe('no such column');
  void run.retry();
  expect([previews.length, sends.length]).toEqual([3, 0]);
  const storing = run.store(true);
  sends[0]?.fail(new Error('gone'));
  await storing;
  void run.retry();
  expect(sends[1]?.options.again).toBe(true);
});

it('that a file is sent whole for its preview is said only while it is', async () => {
  const { run, previews } = held();
  run.choose(FILE);
  previews[0]?.onwhole?.();
  expect(run.isSentForPreview).toBe(true);
  previews[0]?.answer('parquet');
  await vi.waitFor(() => expect(run.preview?.format).toBe('parquet'));
  expect(run.isSentForPreview).toBe(false);
});
