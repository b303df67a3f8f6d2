/** Numbers, amounts and times as the language writes them. Pure but for the language. */
import { locale, m } from './i18n';
import { intlZone } from './zones';

const number = new Intl.NumberFormat(locale());
const compact = new Intl.NumberFormat(locale(), { notation: 'compact', maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: 1 });

export const formatNumber = (value: number): string => number.format(value);
export const formatCompact = (value: number): string => (Math.abs(value) < 100_000 ? number.format(value) : compact.format(value));
export const formatPercent = (share: number): string => percent.format(share);
/** A share that is there never reads as none. */
export const formatShare = (share: number): string => (share > 0 && share < 0.0005 ? `< ${percent.format(0.001)}` : percent.format(share));

/** A currency that `Intl` does not know is written after the number. */
export function formatAmount(amount: number, currency: string): string {
  const isLarge = Math.abs(amount) >= 1_000_000;
  try {
    return new Intl.NumberFormat(locale(), {
      style: 'currency',
      currency,
      ...(isLarge ? { notation: 'compact' as const, maximumFractionDigits: 1 } : {}),
    }).format(amount);
  } catch {
    return `${number.format(amount)} ${currency}`;
  }
}

/** From here on milliseconds are read as seconds. */
const SECONDS_FROM_MS = 10_000;

export function formatMs(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–';
  const isLong = ms >= SECONDS_FROM_MS;
  const value = new Intl.NumberFormat(locale(), { maximumFractionDigits: ms < 10 || isLong ? 1 : 0 }).format(isLong ? ms / 1000 : ms);
  return `${value} ${isLong ? 's' : 'ms'}`;
}

export function formatBytes(bytes: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
  const step = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return new Intl.NumberFormat(locale(), {
    style: 'unit',
    unit: units[step] ?? 'byte',
    unitDisplay: step === 0 ? 'narrow' : 'short',
    maximumFractionDigits: 1,
  }).format(bytes / 1000 ** step);
}

/** Day and time in the zone, 24 h. */
export const formatDateTime = (instant: string | number, zone: string): string =>
  new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23', timeZone: intlZone(zone) }).format(new Date(instant));

/** Day and time in the zone without the year, for rows that stand close together. */
export const formatRowTime = (instant: string | number, zone: string): string =>
  new Intl.DateTimeFormat(locale(), {
    day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', timeZone: intlZone(zone),
  }).format(new Date(instant));

/** The time alone, 24 h; with its day when the span is longer than one. */
export function formatTick(ms: number, span_ms: number, zone: string): string {
  const options: Intl.DateTimeFormatOptions =
    span_ms > 4 * 86_400_000
      ? { day: 'numeric', month: 'short' }
      : span_ms > 86_400_000
        ? { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }
        : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', ...(span_ms <= 600_000 ? { second: '2-digit' } : {}) };
  return new Intl.DateTimeFormat(locale(), { ...options, timeZone: intlZone(zone) }).format(ms);
}

const relative = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' });
const AGES: readonly [Intl.RelativeTimeFormatUnit, number][] = [['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]];

export function formatAgo(instant: string, now_ms: number): string {
  const age_s = Math.round((now_ms - Date.parse(instant)) / 1000);
  const [unit, size] = AGES.find(([, seconds]) => Math.abs(age_s) >= seconds) ?? ['second', 1];
  return relative.format(-Math.round(age_s / size), unit);
}

/** A length of time, from an expression such as `15m`: in a word or two, or as short as it can be written. */
export function formatLength(text: string, display: 'long' | 'narrow' = 'long'): string {
  const match = /^(\d+)([smhdw])$/.exec(text);
  const units: Record<string, string> = { s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week' };
  if (match === null) return text;
  return new Intl.NumberFormat(locale(), { style: 'unit', unit: units[match[2] ?? 's'] ?? 'second', unitDisplay: display }).format(Number(match[1]));
}

const LAST_ONE: Record<string, () => string> = { s: m.time_last_1s, m: m.time_last_1m, h: m.time_last_1h, d: m.time_last_1d, w: m.time_last_1w };

/** "Last 15 minutes", from `15m`. */
export function formatLast(text: string): string {
  const length = formatLength(text);
  const one = /^1[smhdw]$/.test(text) ? LAST_ONE[text.slice(1)] : undefined;
  if (one !== undefined) return one();
  return text.endsWith('d') ? m.time_last_days({ length }) : m.time_last({ length });
}
