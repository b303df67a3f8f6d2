import { expect, it } from 'vitest';
import { formatDateTime, formatLast, formatLength, formatMs, formatTick } from './format';

const AT = Date.parse('2026-11-23T23:30:05Z');
const plain = (text: string): string => text.replaceAll(/[\u202f\u00a0]/g, ' ');

it.each([
  ['15m', 'Last 15 minutes'],
  ['1h', 'Last hour'],
  ['1w', 'Last week'],
  ['7d', 'Last 7 days'],
])('%s is "%s"', (text, expected) => expect(formatLast(text)).toBe(expected));

it('a length is as short as wanted', () => expect([formatLength('10s'), formatLength('10s', 'narrow')]).toEqual(['10 seconds', '10s']));

it('clocks are those of the zone', () => {
  expect(plain(formatDateTime(AT, 'UTC'))).toBe('Nov 23, 2026, 23:30:05');
  expect(plain(formatDateTime(AT, 'Europe/Paris'))).toBe('Nov 24, 2026, 00:30:05');
  expect(plain(formatTick(AT, 3_600_000, 'Europe/Paris'))).toBe('00:30');
  expect(plain(formatTick(AT, 6 * 86_400_000, 'Europe/Paris'))).toBe('Nov 24');
});

it.each([
  [null, '–'],
  [0.25, '0.3 ms'],
  [412.6, '413 ms'],
  [9_999, '9,999 ms'],
  [30_304.8, '30.3 s'],
])('%s ms is "%s"', (ms, expected) => expect(plain(formatMs(ms))).toBe(expected));
