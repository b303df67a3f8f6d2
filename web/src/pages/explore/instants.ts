/**
 * Instants as the table and the detail write them: 24 h with milliseconds, in the chosen zone. Pure.
 */
import { intlZone } from '../../zones';

const formats = new Map<string, Intl.DateTimeFormat>();

function format(key: string, locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const name = `${key} ${locale} ${options.timeZone ?? ''}`;
  let found = formats.get(name);
  if (found === undefined) {
    found = new Intl.DateTimeFormat(locale, options);
    formats.set(name, found);
  }
  return found;
}

const CLOCK: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' };

/** A row's time; with its day when the table spans more than one. Unreadable text is shown as it is. */
export function rowTimeText(instant: unknown, locale: string, zone: string, hasDay: boolean): string {
  const ms = typeof instant === 'string' ? Date.parse(instant) : Number.NaN;
  if (Number.isNaN(ms)) return instant === undefined || instant === null ? '–' : String(instant);
  const timeZone = intlZone(zone);
  const clock = format('clock', locale, { ...CLOCK, timeZone }).format(ms);
  if (!hasDay) return clock;
  return `${format('day', locale, { day: '2-digit', month: 'short', timeZone }).format(ms)} ${clock}`;
}

/** Whether the range touches more than one calendar day of the zone, so that a clock alone would be ambiguous. */
export function spansDays(range: { from: string; to: string } | null, zone: string): boolean {
  if (range === null) return false;
  const options: Intl.DateTimeFormatOptions = { year: 'numeric', month: 'numeric', day: 'numeric', timeZone: intlZone(zone) };
  const day = (ms: number): string => format('date', 'en-CA', options).format(ms);
  const last_ms = Math.max(Date.parse(range.from), Date.parse(range.to) - 1);
  return day(Date.parse(range.from)) !== day(last_ms);
}

/** A full instant: day, clock and zone. */
export function fullTimeText(instant: unknown, locale: string, zone: string): string {
  const ms = typeof instant === 'string' ? Date.parse(instant) : Number.NaN;
  if (Number.isNaN(ms)) return String(instant ?? '');
  const timeZone = intlZone(zone);
  return format('full', locale, { day: 'numeric', month: 'short', year: 'numeric', ...CLOCK, timeZone, timeZoneName: 'short' }).format(ms);
}
