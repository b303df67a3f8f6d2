import { expect, it } from 'vitest';
import type { Durations } from '../../api/types';
import { durationOf, durationQuery, everySpan, requestsQuery } from './measures';
import { addressOf, STANDARD, stateFromParams } from './performance-state';

it('a duration is the mean or a percentile, and none without requests', () => {
  const durations = { count: 1, avg_ms: 7, total_ms: 7, percentiles: { p50: 5, p95: 9, p99: null } } as unknown as Durations;
  expect(durationOf(durations, 'avg')).toBe(7);
  expect(durationOf(durations, 'p95')).toBe(9);
  expect(durationOf(durations, 'p99')).toBeNull();
  expect(durationOf(null, 'avg')).toBeNull();
});

it('spans without events are there too', () => {
  const at = (minute: number): string => new Date(minute * 60_000).toISOString();
  const spans = everySpan([{ start: at(2) }, { start: at(4) }], 60_000, new Date(30_000).toISOString(), at(6));
  expect(spans.map(({ at: ms, point }) => [ms / 60_000, point !== null])).toEqual([[1, false], [2, true], [3, false], [4, true], [5, false]]);
  expect(everySpan([], 60_000, at(0), at(6))).toEqual([]);
});

it('queries lead to the requests that were counted', () => {
  expect(requestsQuery({})).toBe('log_type:performance');
  expect(requestsQuery({ service: 'web', endpoint: '/p/"x"', method: 'GET' })).toBe('log_type:performance AND service:web AND endpoint:"/p/\\"x\\"" AND method:GET');
  expect(requestsQuery({ service: '', endpoint: '/', method: null })).toBe('log_type:performance AND endpoint:"/"');
  expect([durationQuery(100, 200), durationQuery(10_000, undefined)]).toEqual(['response_time_ms:[100 TO 200}', 'response_time_ms:[10000 TO *]']);
});

it('an address brings the state back', () => {
  const state = { ...STANDARD, from: 'now-1h', service: 'pay & go', measure: 'p99' as const, refresh_s: 0 };
  const address = addressOf(state);
  expect(stateFromParams(new URLSearchParams(address.split('?')[1]))).toEqual(state);
  expect([addressOf(STANDARD), stateFromParams(new URLSearchParams('measure=p12&refresh=1'))]).toEqual(['/performance', { ...STANDARD, refresh_s: 5 }]);
});
