import { describe, expect, it } from 'vitest';
import { contextRows, distanceText } from './context-view';
import { attempts } from './empty-hints';
import { aliasesOf, canonicalNames, groupedFields, matchesSearch, presence, signOfKind } from './fields';
import { curlCommand } from './inspect';
import { jsonView, JSON_LINES_MAX, prettyJson } from './json-view';
import { endsEarly, FIRST_PAGE_SIZE, nextPageSize, ROWS_MAX, scrollRows } from './row-window';
import { liveLink, momentLink } from './share';
import type { FieldInfo, Filter, Hit } from './types';
import { STANDARD_STATE } from './url-state';

const hit = (id: string, source: Record<string, unknown>): Hit => ({ _id: id, _index: 'i', _source: source });
const field = (name: string, kind = 'keyword', aliases: string[] = []): FieldInfo => ({ name, kind, log_types: [], aliases });

describe('the row window', () => {
  it('offers every row found, up to its bound', () => {
    expect(scrollRows({ loaded_count: 100, total: 1284, isComplete: false })).toBe(1284);
    expect(scrollRows({ loaded_count: 100, total: 9e6, isComplete: false })).toBe(ROWS_MAX);
    expect(scrollRows({ loaded_count: 1283, total: 1284, isComplete: true })).toBe(1283);
    expect(endsEarly({ loaded_count: 100, total: 9e6, isComplete: false })).toBe(true);
    expect(endsEarly({ loaded_count: 100, total: 1284, isComplete: false })).toBe(false);
  });

  it('asks for the next page before it is in sight, and never past the end', () => {
    const rows = { loaded_count: FIRST_PAGE_SIZE, total: 5_000, isComplete: false };
    expect(nextPageSize({ ...rows, loaded_count: 1_000 }, 10)).toBe(0);
    expect(nextPageSize(rows, 40)).toBeGreaterThan(0);
    expect(nextPageSize(rows, 4_999)).toBe(1_000);
    expect(nextPageSize({ ...rows, isComplete: true }, 4_999)).toBe(0);
    expect(nextPageSize({ loaded_count: ROWS_MAX, total: 9e6, isComplete: false }, ROWS_MAX)).toBe(0);
    expect(nextPageSize({ loaded_count: ROWS_MAX - 10, total: 9e6, isComplete: false }, ROWS_MAX)).toBe(10);
  });

  it('is walked to its end in finitely many pages', () => {
    let loaded = FIRST_PAGE_SIZE;
    for (let pages = 0; pages < 100; pages += 1) {
      const size = nextPageSize({ loaded_count: loaded, total: 12_345, isComplete: loaded >= 12_345 }, 12_344);
      if (size === 0) break;
      loaded = Math.min(12_345, loaded + size);
    }
    expect(loaded).toBe(12_345);
  });
});

describe('fields', () => {
  const fields = [field('service', 'keyword', ['service.name', 'app']), field('geo.destination'), field('amount', 'decimal'), field('host')];

  it('are found by several words, also in their other names', () => {
    expect(matchesSearch(field('geo.destination'), 'geo dest')).toBe(true);
    expect(matchesSearch(field('geo.destination'), 'dest service')).toBe(false);
    expect(matchesSearch(fields[0] as FieldInfo, 'APP')).toBe(true);
    expect(matchesSearch(field('région'), 'region')).toBe(true);
  });

  it('stand in groups by what the sample holds', () => {
    const canonical = canonicalNames(fields);
    const counts = presence([hit('1', { app: 'x', amount: 1 }), hit('2', { amount: 2, host: null })], canonical);
    const groups = groupedFields(fields, ['amount', 'ghost'], counts, '');
    expect(groups.selected.map((f) => f.name)).toEqual(['amount', 'ghost']);
    expect(groups.available.map((f) => f.name)).toEqual(['service']);
    expect(groups.empty.map((f) => f.name)).toEqual(['geo.destination', 'host']);
    expect(aliasesOf(fields).get('service')).toEqual(['service.name', 'app']);
  });

  it('have the sign of their kind', () => {
    expect(['keyword', 'decimal', 'bool', 'instant', 'ip', 'int', 'text', 'zzz'].map(signOfKind).join(' ')).toBe(
      'keyword number boolean instant address number text unknown',
    );
  });
});

describe('events around one', () => {
  it('are numbered from the event and told by distance', () => {
    const at = (id: string, ms: number): Hit => hit(id, { '@timestamp': new Date(1_795_000_000_000 + ms).toISOString() });
    const rows = contextRows({ before: [at('a', -2000), at('b', 0)], event: at('c', 0), after: [at('d', 61_000), hit('e', {})] });
    expect(rows.map((row) => `${row.hit._id}${row.position}`)).toEqual(['a-2', 'b-1', 'c0', 'd1', 'e2']);
    expect(rows.map((row) => distanceText(row.distance_ms, 'en-US'))).toEqual(['−2.00 s', '0', '0', '+1 min 1 s', '']);
    expect(distanceText(-12, 'en-US')).toBe('−12 ms');
    expect(distanceText(3 * 3_600_000 + 120_000, 'fr-FR')).toBe('+3 h 2 min');
  });
});

describe('JSON', () => {
  it('is drawn as it is copied', () => {
    const body = { a: 'x "y" <b>', n: -1.5e9, list: [true, null, {}], deep: { k: [] } };
    const view = jsonView(body);
    expect(view.lines.map((line) => line.map((piece) => piece.text).join('')).join('\n')).toBe(prettyJson(body));
    expect(view.lines[1]?.map((piece) => piece.kind)).toEqual(['punctuation', 'key', 'punctuation', 'punctuation', 'string', 'punctuation']);
  });

  it('counts the lines it does not draw', () => {
    const view = jsonView(Array.from({ length: JSON_LINES_MAX + 10 }, (_, i) => i));
    expect(view.lines).toHaveLength(JSON_LINES_MAX);
    expect(view.hidden_lines).toBe(12);
  });
});

describe('links', () => {
  it('of this moment are absolute, live ones stay relative, both name their columns', () => {
    const columns = [{ field: 'level', width_px: null }];
    const range = { from: '2026-11-23T13:00:00.000Z', to: '2026-11-23T14:00:00.000Z' };
    const moment = new URL(momentLink({ base: 'http://x/explore', zone: '' }, { ...STANDARD_STATE, q: 'a' }, range, columns));
    expect(moment.searchParams.get('from')).toBe(range.from);
    expect(moment.searchParams.get('cols')).toBe('level');
    const live = new URL(liveLink({ base: 'http://x/explore', zone: 'UTC' }, STANDARD_STATE, columns));
    expect(live.searchParams.get('from')).toBe('now-15m');
    expect(live.searchParams.get('to')).toBe('now');
    expect([moment.searchParams.get('tz'), live.searchParams.get('tz')]).toEqual([null, 'UTC']);
  });
});

describe('the shell command', () => {
  it('is quoted for a shell and holds no credential', () => {
    const text = curlCommand({ method: 'POST', path: '/api/logs/search', body: { query: "it's" } }, 'http://h');
    expect(text).toContain(`--data-raw '{"query":"it'\\''s"}'`);
    expect(text).toContain('$VIGIE_TOKEN');
  });
});

describe('what to try when nothing is found', () => {
  it('is a wider range, then each pill, then no text', () => {
    const pill = (value: string, disabled = false): Filter => ({ field: 'f', value, negated: false, disabled });
    const tries = attempts({ ...STANDARD_STATE, q: 'x', filters: [pill('a'), pill('b', true)] }, { from: 'now-24h', to: 'now' });
    expect(tries.map((t) => t.attempt.kind)).toEqual(['widen', 'without_filter', 'without_query']);
    expect(tries[1]?.state.filters).toEqual([pill('b', true)]);
    expect(attempts(STANDARD_STATE, null)).toEqual([]);
  });
});
