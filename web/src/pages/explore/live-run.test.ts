import { describe, expect, it } from 'vitest';
import type { ExploreApi } from './explore-api';
import { LIVE_ROWS_MAX, LiveRun, type LiveSocket } from './live-run.svelte';
import { SearchRun } from './search-run.svelte';
import type { Hit } from './types';

/** A live run whose sockets, clock and reader are the test's. */
function stage() {
  const sockets: (LiveSocket & { query: string; isClosed: boolean })[] = [];
  const later: { act: () => void; ms: number }[] = [];
  const world = { isReading: false, isLoggedIn: true };
  const search = new SearchRun({} as ExploreApi, () => 0);
  const live = new LiveRun(search, {
    open: (query) => {
      const socket = { query, isClosed: false, onmessage: null, onclose: null, close: () => void (socket.isClosed = true) } as (typeof sockets)[number];
      sockets.push(socket);
      return socket;
    },
    renew: async () => world.isLoggedIn,
    isReading: () => world.isReading,
    later: (act, ms) => {
      const entry = { act, ms };
      later.push(entry);
      return () => void later.splice(later.indexOf(entry), 1);
    },
  });
  const say = (message: unknown): void => sockets.at(-1)?.onmessage?.({ data: JSON.stringify(message) });
  const events = (...ids: string[]): void => say({ type: 'events', hits: ids.map((_id): Partial<Hit> => ({ _id, _source: {} })) });
  const ids = (rows: readonly Hit[]): string[] => rows.map(({ _id }) => _id);
  return { sockets, later, world, search, live, say, events, ids };
}

const settled = (): Promise<void> => new Promise((done) => setTimeout(done, 0));

describe('live mode', () => {
  it('shows what comes on top, and keeps a bounded number', () => {
    const { live, search, say, events, ids, sockets } = stage();
    live.start('level:error');
    expect([live.status, sockets[0]?.query, search.status]).toEqual(['connecting', 'level:error', 'done']);
    say({ type: 'hello' });
    events('a', 'b');
    events('c');
    expect([live.status, ids(search.rows), search.isComplete]).toEqual(['live', ['c', 'b', 'a'], true]);
    events(...Array.from({ length: LIVE_ROWS_MAX }, (_, i) => `n${i}`));
    expect([search.rows.length, search.rows[0]?._id, search.rows.at(-1)?._id]).toEqual([LIVE_ROWS_MAX, `n${LIVE_ROWS_MAX - 1}`, 'n0']);
  });

  it('lets new rows wait while somebody reads or paused it', () => {
    const { live, search, events, ids, world } = stage();
    live.start('');
    events('a');
    world.isReading = true;
    events('b');
    world.isReading = false;
    live.pause(true);
    events('c');
    expect([ids(search.rows), ids(live.waiting)]).toEqual([['a'], ['b', 'c']]);
    live.pause(false);
    expect([ids(search.rows), live.waiting.length]).toEqual([['c', 'b', 'a'], 0]);
    world.isReading = true;
    events(...Array.from({ length: LIVE_ROWS_MAX + 5 }, (_, i) => `n${i}`));
    expect([live.waiting.length, live.waiting[0]?._id]).toEqual([LIVE_ROWS_MAX, 'n5']);
  });

  it('tells the numbers of the server', () => {
    const { live, say } = stage();
    live.start('');
    say({ type: 'stats', matched: 40, sent: 10, sampled_out: 30, dropped: 2, sampled_one_of: 4 });
    expect([live.stats.matched, live.stats.sampled_one_of, live.stats.dropped]).toEqual([40, 4, 2]);
  });

  it('comes back later each time, with a session that is renewed, and keeps its rows', async () => {
    const { live, search, say, events, sockets, later, world, ids } = stage();
    live.start('');
    events('a');
    sockets[0]?.onclose?.({ code: 1006 });
    expect([live.status, later.map(({ ms }) => ms)]).toEqual(['reconnecting', [1_000]]);
    world.isLoggedIn = false;
    later.shift()?.act();
    await settled();
    expect([sockets.length, later.map(({ ms }) => ms)]).toEqual([1, [2_000]]);
    world.isLoggedIn = true;
    later.shift()?.act();
    await settled();
    say({ type: 'hello' });
    expect([sockets.length, live.status, ids(search.rows)]).toEqual([2, 'live', ['a']]);
    sockets[1]?.onclose?.({ code: 4401 });
    expect(later.map(({ ms }) => ms)).toEqual([1_000]);
  });

  it('does not come back when it was refused or stopped', async () => {
    const { live, say, sockets, later } = stage();
    live.start('level:(');
    say({ type: 'error', problem: { status: 400, detail: 'the query cannot be read' } });
    expect([live.status, live.problem, sockets[0]?.isClosed, sockets[0]?.onclose]).toEqual(['refused', 'the query cannot be read', true, null]);
    live.start('');
    sockets[1]?.onclose?.({ code: 1006 });
    const pending = later[0];
    live.stop();
    expect([live.status, later.length]).toEqual(['off', 0]);
    pending?.act();
    await settled();
    expect(sockets.length).toBe(2);
  });

  it('holds no connection while its tab is hidden', () => {
    const { live, say, sockets } = stage();
    live.start('');
    say({ type: 'hello' });
    live.hide(true);
    expect([sockets[0]?.isClosed, live.status]).toEqual([true, 'reconnecting']);
    live.hide(false);
    expect(sockets.length).toBe(2);
    live.stop();
    live.hide(false);
    expect(sockets.length).toBe(2);
  });
});
