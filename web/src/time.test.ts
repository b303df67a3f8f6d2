import { describe, expect, it } from 'vitest';
import { isRelativeTime, parseTime, resolve, shifted, typedTime } from './time';

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
    ['now-1d/d', Date.parse('2026-11-21T23:00:00Z')],
    ['20/11/2026 15:00', AT],
    ['20/11/2026 9:05', Date.parse('2026-11-20T08:05:00Z')],
    ['2026-11-20 15:00', AT],
    ['2026-11-20T15:00:00,000', AT],
    ['2026-11-20', Date.parse('2026-11-19T23:00:00Z')],
  ])('%s is read in Paris', (text, expected) => expect(parseTime(text, NOW, 'Europe/Paris')).toBe(expected));

  it.each([
    ['2026-11-20 14:00', AT],
    ['2026-11-20T15:00:00+01:00', AT],
    ['now/d', Date.parse('2026-11-23T00:00:00Z')],
  ])('%s is read in UTC', (text, expected) => expect(parseTime(text, NOW, 'UTC')).toBe(expected));

  it('without a zone are those of the browser', () => expect(parseTime('2026-11-20 15:00', NOW, '')).toBe(new Date(2026, 10, 20, 15).getTime()));

  it.each([
    [AT, 'UTC', '2026-11-20 14:00:00'],
    [AT + 5, 'Europe/Paris', '2026-11-20 15:00:00.005'],
    [Date.parse('2026-10-25T00:30:00Z'), 'Europe/Paris', '2026-10-25T00:30:00.000Z'],
  ])('%d in %s is typed %s, which means the same', (at_ms, zone, expected) => {
    expect(typedTime(at_ms, zone)).toBe(expected);
    expect(parseTime(expected, NOW, zone)).toBe(at_ms);
  });

  it('relative to now are the same everywhere', () =>
    expect(['now', 'now-1d/d', '15m', '2026-11-20', '1795183200'].map(isRelativeTime)).toEqual([true, true, true, false, false]));

  it.each(['', 'soon', 'now-', 'now*2', '12', '2026-13-45', '99/99/2026'])('%s is refused', (text) =>
    expect(parseTime(text, NOW, 'UTC')).toBeNull());

  it('a range that ends before it begins is refused', () => expect(resolve('now', 'now-1h', NOW, 'UTC')).toBeNull());

  it('a shifted range touches the one before', () =>
    expect(shifted('now-1h', 'now', -1, NOW, 'UTC')).toEqual({ from: '2026-11-23T12:04:05.000Z', to: '2026-11-23T13:04:05.000Z' }));
});
