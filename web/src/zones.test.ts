import { describe, expect, it } from 'vitest';
import { clockOf, instantOf, isZone, shortZoneName } from './zones';

describe('a zone', () => {
  it.each([
    ['2026-11-20T14:00:00.123Z', 'UTC', '2026-11-20T14:00:00.123Z'],
    ['2026-11-20T14:00:00.123Z', 'Europe/Paris', '2026-11-20T15:00:00.123Z'],
    ['2026-07-20T14:00:00Z', 'Europe/Paris', '2026-07-20T16:00:00.000Z'],
    ['2026-11-20T14:00:00Z', 'Asia/Kolkata', '2026-11-20T19:30:00.000Z'],
    ['2026-11-20T02:00:00Z', 'America/New_York', '2026-11-19T21:00:00.000Z'],
    ['1969-12-31T23:59:59.250Z', 'Europe/Paris', '1970-01-01T00:59:59.250Z'],
  ])('at %s in %s shows %s, and back', (instant, zone, clock) => {
    expect(new Date(clockOf(Date.parse(instant), zone)).toISOString()).toBe(new Date(clock).toISOString());
    expect(instantOf(Date.parse(clock), zone)).toBe(Date.parse(instant));
  });

  it('reads an hour that the change to summer leaves out', () =>
    expect(new Date(instantOf(Date.parse('2026-03-29T02:30:00Z'), 'Europe/Paris')).toISOString()).toBe('2026-03-29T01:30:00.000Z'));

  it('has a short name', () => expect(['UTC', 'America/New_York', 'America/Argentina/Buenos_Aires'].map(shortZoneName)).toEqual(['UTC', 'New York', 'Buenos Aires']));

  it('has a name that is known', () => {
    expect(['UTC', 'Europe/Paris', 'Mars/Olympus', '', 'x'].map(isZone)).toEqual([true, true, false, false, false]);
  });
});
