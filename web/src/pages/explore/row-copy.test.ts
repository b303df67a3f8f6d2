import { describe, expect, it } from 'vitest';
import { comparedFields, rowsAs } from './row-copy';
import { RowSelection, SELECTED_MAX } from './row-selection.svelte';
import type { Hit } from './types';

const hit = (id: string, source: Record<string, unknown>): Hit => ({ _id: id, _index: 'i', _source: source });
const aliases = new Map([['service', ['service.name']]]);

describe('copied rows', () => {
  const hits = [
    hit('1', { '@timestamp': '2026-11-23T13:34:05.678Z', 'service.name': 'cart', message: 'a | b\n\t*c*', amount: 1234.5 }),
    hit('2', { '@timestamp': '2026-11-23T13:34:06Z', tags: ['x', 'y'] }),
  ];

  it('are lines of the shown columns, the values themselves', () => {
    expect(rowsAs('text', hits, ['service', 'message', 'amount', 'tags'], aliases)).toBe('2026-11-23T13:34:05.678Z\tcart\ta | b *c*\t1234.5\t\n2026-11-23T13:34:06Z\t\t\t\tx, y');
  });

  it('are a table of Markdown that no value breaks', () => {
    expect(rowsAs('markdown', hits.slice(0, 1), ['service', 'message'], aliases).split('\n')).toEqual([
      '| @timestamp | service | message |',
      '| --- | --- | --- |',
      '| 2026-11-23T13:34:05.678Z | cart | a \\| b \\*c\\* |',
    ]);
  });

  it('are whole events as JSON', () => {
    expect(JSON.parse(rowsAs('json', hits, [], aliases))).toEqual(hits.map(({ _source }) => _source));
  });
});

describe('two events', () => {
  it('are compared field by field', () => {
    const pairs = comparedFields(hit('1', { a: 1, b: { c: 'x' }, only: true }), hit('2', { a: 1, b: { c: 'y' }, n: null }));
    expect(pairs.map(({ field, left, right, isSame }) => [field, left, right, isSame])).toEqual([
      ['a', '1', '1', true],
      ['b.c', 'x', 'y', false],
      ['n', null, 'null', false],
      ['only', 'true', null, false],
    ]);
  });
});

describe('marked rows', () => {
  const hits = Array.from({ length: SELECTED_MAX + 50 }, (_, i) => hit(String(i), {}));
  const ids = (selection: RowSelection): string => selection.of(hits).map(({ _id }) => _id).join(' ');

  it('are toggled, stretched from the last toggled one, and told in their order', () => {
    const selection = new RowSelection();
    selection.toggle(hits, 5);
    selection.toggle(hits, 2);
    expect(ids(selection)).toBe('2 5');
    selection.stretch(hits, 4, 0);
    expect(ids(selection)).toBe('2 3 4');
    selection.stretch(hits, 1, 0);
    expect(ids(selection)).toBe('1 2');
    selection.toggle(hits, 1);
    expect(ids(selection)).toBe('2');
    selection.clear();
    expect([selection.count, ids(selection)]).toEqual([0, '']);
    selection.stretch(hits, 8, 7);
    expect(ids(selection)).toBe('7 8');
  });

  it('are no more than can be copied, and none that is not there', () => {
    const selection = new RowSelection();
    selection.stretch(hits, hits.length - 1, 0);
    expect(selection.count).toBe(SELECTED_MAX);
    selection.toggle(hits, SELECTED_MAX + 10);
    selection.toggle(hits, 99_999);
    expect(selection.count).toBe(SELECTED_MAX);
    expect(selection.of(hits.slice(0, 3)).length).toBe(3);
  });
});
