import { describe, expect, it } from 'vitest';
import { parseTime, resolve, shifted } from './time';

const NOW = Date.parse('2026-11-23T14:04:05Z');
const AT = Date.parse('2026-11-20T14:00:00Z');

describe('times', () => {
  it.each([
    ['2026-11-20T14:00:00Z', AT],
    ['2026-11-20T15:00:00+01:00', AT],
    ['1795183200000', AT],
    ['1795183200', AT],
    ['now', NOW],
    ['now-2h', NOW - 7_200_000],
    ['2h', NOW - 7_200_000],
    ['now-1d/d', Date.parse('2026-11-22T00:00:00Z')],
    ['20/11/2026 15:00', new Date(2026, 10, 20, 15).getTime()],
    ['2026-11-20 15:00', new Date(2026, 10, 20, 15).getTime()],
    ['2026-11-20', new Date(2026, 10, 20).getTime()],
  ])('%s is read', (text, expected) => expect(parseTime(text, NOW)).toBe(expected));

  it.each(['', 'soon', 'now-', 'now*2', '12', '2026-13-45', '99/99/2026'])('%s is refused', (text) =>
    expect(parseTime(text, NOW)).toBeNull());

  it('a range that ends before it begins is refused', () => expect(resolve('now', 'now-1h', NOW)).toBeNull());

  it('a shifted range touches the one before', () =>
    expect(shifted('now-1h', 'now', -1, NOW)).toEqual({ from: '2026-11-23T12:04:05.000Z', to: '2026-11-23T13:04:05.000Z' }));
});
