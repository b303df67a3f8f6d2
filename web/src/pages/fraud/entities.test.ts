import { describe, expect, it } from 'vitest';
import { entityEvents, entityFromPath, entityHref, fraudText, listKindOf } from './entities';

describe('the page of an entity', () => {
  it.each([['ip', '2001:db8::1'], ['ip', '203.0.113.7'], ['user', 'a/b c?d#é%'], ['card', '9f86']] as const)('of %s %s has an address that names it', (kind, value) => {
    expect(entityFromPath(new URL(entityHref({ kind, value }), 'http://vigie.example').pathname)).toEqual({ kind, value });
  });

  it.each(['/fraud/entity/moon/1', '/fraud/entity/user/', '/fraud/entity/user/a/b', '/fraud/entity/user/%E0%A4%A', '/fraud'])('%s names none', (path) => {
    expect(entityFromPath(path)).toBeNull();
  });

  it('leads to its events', () => {
    expect(new URLSearchParams(entityEvents({ kind: 'card', value: 'a b' }, 'now-90d', 'now').split('?')[1]).get('q')).toBe('card_hash:"a b"');
  });
});

it('an e-mail address cannot be listed, its domain can', () => {
  expect([listKindOf('email'), listKindOf('ip')]).toEqual([null, 'ip']);
});

it('frauds are counted in words', () => {
  expect([0, 1, 1_200].map((count) => fraudText(count, '1,200'))).toEqual(['no fraud known', '1 fraud', '1,200 frauds']);
});
