import { afterEach, expect, it, vi } from 'vitest';
import type { Upload } from '../../api/types';
import { exploreLink, parameters, preview, untilDone } from './upload-file';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const OPTIONS = { log_type: '', time_field: '', map: '', any_time: false, again: false };

it('says only what was chosen', () => {
  expect(parameters(OPTIONS).toString()).toBe('');
  expect(parameters({ ...OPTIONS, log_type: 'transaction', map: ' a=b ', any_time: true }).toString()).toBe(
    'log_type=transaction&map=a%3Db&any_time=true',
  );
});

it('links to a range that holds the last event too', () => {
  const upload = { first_timestamp: '2026-11-20T14:00:00.000Z', last_timestamp: '2026-11-20T15:00:00.000Z' } as Upload;
  expect(exploreLink(upload)).toBe('/explore?from=2026-11-20T14%3A00%3A00.000Z&to=2026-11-20T15%3A00%3A00.001Z');
  expect(exploreLink({ ...upload, first_timestamp: null })).toBeNull();
});

it('a cut-off wait for the server asks nothing more', async () => {
  const fetch = vi.fn();
  vi.stubGlobal('fetch', fetch);
  vi.useFakeTimers();
  const abort = new AbortController();
  const done = untilDone({ state: 'running' } as Upload, abort.signal, () => undefined);
  abort.abort();
  await expect(done).rejects.toThrow('cancelled');
  await vi.runAllTimersAsync();
  expect(fetch).not.toHaveBeenCalled();
});

it.each([
  ['a small file whole', 'PAR1', 500, 500, false],
  ['the beginning of a large file', '{"a":', 2_500_000, 1_000_000, false],
  ['a large Parquet file whole, and says so', 'PAR1', 2_500_000, 2_500_000, true],
])('previews %s', async (_, beginning, size_bytes, expected_bytes, isSaid) => {
  const onwhole = vi.fn();
  const sent: FormData[] = [];
  vi.stubGlobal('fetch', (_path: string, init: RequestInit) => {
    sent.push(init.body as FormData);
    return Promise.resolve(new Response('{}'));
  });
  const file = new File([beginning.padEnd(size_bytes, ' ')], 'orders');
  await preview(file, OPTIONS, new AbortController().signal, onwhole);
  expect((sent[0]?.get('file') as File).size).toBe(expected_bytes);
  expect(onwhole).toHaveBeenCalledTimes(isSaid ? 1 : 0);
});
