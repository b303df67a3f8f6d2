import { describe, expect, it } from 'vitest';
import { fullTimeText, rowTimeText, spansDays } from './instants';

const AT = '2026-11-23T23:30:05.678Z';
const plain = (text: string): string => text.replaceAll(/[\u202f\u00a0]/g, ' ');

describe('instants', () => {
  it('have milliseconds, 24 hours and the zone asked for', () => {
    expect(plain(rowTimeText(AT, 'en-US', 'UTC', false))).toBe('23:30:05.678');
    expect(plain(rowTimeText(AT, 'fr-FR', 'Europe/Paris', false))).toBe('00:30:05,678');
    expect(plain(rowTimeText(AT, 'en-US', 'Europe/Paris', true))).toBe('Nov 24 00:30:05.678');
    expect(plain(fullTimeText(AT, 'en-US', 'UTC'))).toBe('Nov 23, 2026, 23:30:05.678 UTC');
  });

  it('that cannot be read are shown as they are', () => {
    expect(rowTimeText('soon', 'en-US', 'UTC', true)).toBe('soon');
    expect(rowTimeText(undefined, 'en-US', 'UTC', false)).toBe('–');
  });

  it('need their day when a range crosses midnight in the zone', () => {
    const check = (from: string, to: string, zone: string, expected: boolean): void => expect(spansDays({ from, to }, zone)).toBe(expected);
    check('2026-11-23T10:00:00Z', '2026-11-23T11:00:00Z', 'UTC', false);
    check('2026-11-23T22:50:00Z', '2026-11-23T23:10:00Z', 'Europe/Paris', true);
    check('2026-11-23T00:00:00Z', '2026-11-24T00:00:00Z', 'UTC', false);
    expect(spansDays(null, 'UTC')).toBe(false);
  });
});
