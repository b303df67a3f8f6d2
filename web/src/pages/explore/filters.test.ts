import { describe, expect, it } from 'vitest';
import { clicked, distinct, filterFromToken, filtersQuery, filterToken, fullQuery, signOf } from './filters';
import { quoted } from '../../query-text';
import type { Filter } from './types';

const is = (field: string, value: string | null, more: Partial<Filter> = {}): Filter => ({ field, value, negated: false, disabled: false, ...more });

describe('a click on + or −', () => {
  it('adds, takes away with the same sign, flips with the other, and wakes a disabled pill', () => {
    const one = clicked([], 'service', 'cart', false);
    expect(one).toEqual([is('service', 'cart')]);
    expect(clicked(one, 'service', 'cart', false)).toEqual([]);
    expect(clicked(one, 'service', 'cart', true)).toEqual([is('service', 'cart', { negated: true })]);
    expect(clicked([is('service', 'cart', { disabled: true })], 'service', 'cart', false)).toEqual(one);
    expect(signOf(one, 'service', 'cart')).toBe('+');
    expect(signOf(clicked(one, 'service', 'cart', true), 'service', 'cart')).toBe('-');
    expect(signOf([is('a', 'b', { disabled: true })], 'a', 'b')).toBeNull();
  });
});

describe('query text of pills', () => {
  const check = (filters: Filter[], expected: string): void => expect(filtersQuery(filters)).toBe(expected);

  it('joins, negates, asks for presence and groups alternatives', () => {
    check([], '');
    check([is('service', 'cart')], 'service:cart');
    check([is('service', 'cart api')], 'service:"cart api"');
    check([is('env', 'test', { negated: true })], 'NOT env:test');
    check([is('amount', null)], 'amount:*');
    check([is('amount', null, { negated: true })], 'NOT amount:*');
    check([is('service', 'a'), is('level', 'ERROR'), is('service', 'b')], '(service:a OR service:b) AND level:ERROR');
    check([is('service', 'a', { disabled: true })], '');
  });

  it('quotes what has a meaning of its own', () => {
    expect(quoted('a"b\\c')).toBe('"a\\"b\\\\c"');
    expect(quoted('NOT')).toBe('"NOT"');
    expect(quoted('502')).toBe('502');
    expect(quoted('now-1h')).toBe('"now-1h"');
    expect(quoted('')).toBe('""');
    expect(quoted('a*')).toBe('"a*"');
  });

  it('escapes field names', () => {
    check([is('odd name:(x)', 'v')], 'odd\\ name\\:\\(x\\):v');
    check([is('-lead', 'v')], '\\-lead:v');
    check([is('@timestamp', null)], '@timestamp:*');
    check([is('user-agent.name', 'v')], 'user-agent.name:v');
  });

  it('leaves typed text alone when nothing is pinned', () => {
    expect(fullQuery('level:error  OR x', [])).toBe('level:error  OR x');
    expect(fullQuery('a OR b', [is('service', 'c')])).toBe('(a OR b) AND service:c');
    expect(fullQuery('  ', [is('service', 'c')])).toBe('service:c');
  });
});

describe('a pill in the address', () => {
  it('comes back as it was', () => {
    const all = [
      is('service', 'a:b'),
      is('~odd!na:me%', '~!x', { negated: true, disabled: true }),
      is('amount', null),
      is('message', ''),
      is('x', 'é 💶', { disabled: true }),
    ];
    for (const filter of all) expect(filterFromToken(filterToken(filter))).toEqual(filter);
  });

  it('is left out when it names no field', () => {
    for (const token of ['', '~', '!', '~!', ':x']) expect(filterFromToken(token)).toBeNull();
  });
});

describe('pills of one target', () => {
  it('are one pill, the last said', () => {
    expect(distinct([is('a', 'b'), is('c', 'd'), is('a', 'b', { negated: true })])).toEqual([is('a', 'b', { negated: true }), is('c', 'd')]);
    expect(distinct([is('a', null), is('a', 'null')])).toHaveLength(2);
  });
});
