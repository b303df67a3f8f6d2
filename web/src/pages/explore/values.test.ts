import { describe, expect, it } from 'vitest';
import type { Hit } from './types';
import { filterableValues, fragmentsOf, inert, leavesOf, oneLine, plainText, shownText, valueOf } from './values';

const hit = (source: Record<string, unknown>): Hit => ({ _id: 'x', _index: 'i', _source: source });

describe('leaves', () => {
  it('are dotted, in order, with lists kept together', () => {
    const leaves = leavesOf({ a: 1, b: { c: 'x', d: { e: true } }, tags: ['p', 'q'], items: [{ price: 1 }], none: {}, nil: null });
    expect(leaves.map((leaf) => `${leaf.path}=${plainText(leaf.value)}`)).toEqual([
      'a=1', 'b.c=x', 'b.d.e=true', 'tags=p, q', 'items=[{"price":1}]', 'none={}', 'nil=null',
    ]);
  });

  it('are bounded in depth', () => {
    let deep: Record<string, unknown> = { end: 1 };
    for (let i = 0; i < 5_000; i += 1) deep = { a: deep };
    expect(leavesOf(deep)).toHaveLength(1);
  });
});

describe('a field of an event', () => {
  const aliases = new Map([['service', ['service.name', 'app']]]);

  it('is found under its own name, dotted or nested, and under its aliases', () => {
    expect(valueOf(hit({ service: 'cart' }), 'service', aliases)).toBe('cart');
    expect(valueOf(hit({ service: { name: 'cart' } }), 'service', aliases)).toBe('cart');
    expect(valueOf(hit({ app: 'cart' }), 'service', aliases)).toBe('cart');
    expect(valueOf(hit({ 'service.name': 'cart' }), 'service.name', aliases)).toBe('cart');
    expect(valueOf(hit({}), 'service', aliases)).toBeUndefined();
    expect(valueOf(hit({}), '_id', aliases)).toBe('x');
  });

  it('has its highlight under an alias too', () => {
    expect(fragmentsOf({ ...hit({}), highlight: { app: ['m'] } }, 'service', aliases)).toEqual(['m']);
  });
});

describe('text', () => {
  it('is inert: control characters and direction marks become visible', () => {
    expect(inert('\u001b[31mred\u0000')).toBe('\\x1b[31mred\\x00');
    expect(inert('abc\u202Edef')).toBe('abc\\u202edef');
    expect(oneLine('a\nb\tc')).toBe('a ⏎ b c');
  });

  it('of numbers follows the field and the language', () => {
    const plain = (text: string): string => text.replaceAll(/[\u202f\u00a0]/g, ' ');
    const check = (field: string, value: number, currency: unknown, locale: string, expected: string): void =>
      expect(plain(shownText(field, value, currency, locale))).toBe(expected);
    check('amount', 4091.47, 'USD', 'fr-FR', '4 091,47 $US');
    check('amount', 1234.5, 'EUR', 'en-US', '€1,234.50');
    check('amount', 1234.5, undefined, 'en-US', '1,234.5');
    check('response_time_ms', 245, undefined, 'fr-FR', '245 ms');
    check('bytes_sent', 12_300_000, undefined, 'en-US', '12 MB');
    check('status_code', 1502, undefined, 'en-US', '1502');
    check('user_id', 12345, undefined, 'fr-FR', '12345');
    check('cpu_percent', 12.34, undefined, 'en-US', '12.3%');
    check('quantity', 12345, undefined, 'fr-FR', '12 345');
  });

  it('for filters is the value itself', () => {
    expect(filterableValues(['a', null, 3])).toEqual(['a', '3']);
    expect(filterableValues(null)).toEqual([]);
    expect(filterableValues([{ a: 1 }])).toEqual([]);
    expect(filterableValues(12.5)).toEqual(['12.5']);
  });
});
