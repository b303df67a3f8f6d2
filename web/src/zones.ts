/**
 * Time zones: what they are called, and what their clocks show. Pure.
 *
 * A zone is its IANA name; empty is the browser's own.
 */

/** The zone as `Intl` takes it. */
export const intlZone = (zone: string): string | undefined => (zone === '' ? undefined : zone);

/** The zone's name as people know it. */
export const zoneName = (zone: string): string => intlZone(zone) ?? new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Its last part, for where there is no room: `Paris`, `UTC`. */
export const shortZoneName = (zone: string): string => (zoneName(zone).split('/').at(-1) ?? '').replaceAll('_', ' ');

/** Whether a name is that of a zone. */
export function isZone(name: string): boolean {
  try {
    return name !== '' && new Intl.DateTimeFormat('en-US', { timeZone: name }) !== null;
  } catch {
    return false;
  }
}

const PARTS: Intl.DateTimeFormatOptions = {
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
  hourCycle: 'h23',
};
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { ...PARTS, timeZone: intlZone(zone) });
    formats.set(zone, format);
  }
  return format;
}

/** What the zone's clock shows at an instant, as if that clock were one of UTC, in ms. */
export function clockOf(at_ms: number, zone: string): number {
  if (zone === 'UTC') return at_ms;
  const parts: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(at_ms)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const rest_ms = ((at_ms % 1000) + 1000) % 1000;
  return Date.UTC(year, month - 1, day, hour, minute, second) + rest_ms;
}

/**
 * The instant at which the zone's clock shows this. An hour that the clock leaves out when summer begins is read as
 * if it had not; of an hour that it shows twice, one of the two.
 */
export function instantOf(clock_ms: number, zone: string): number {
  const ahead = (at_ms: number): number => clockOf(at_ms, zone) - at_ms;
  return clock_ms - ahead(clock_ms - ahead(clock_ms));
}
