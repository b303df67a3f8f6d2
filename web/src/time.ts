/**
 * Times as people type or paste them. Pure: `now_ms` and the zone are passed in.
 *
 * A time that names no zone, and a day's beginning (`now/d`), are those of the zone passed in.
 */
import { clockOf, instantOf } from './zones';

const UNIT_MS: Record<string, number> = { s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7, w: 6.048e8 };
const DAY_MS = 8.64e7;

function relative(text: string, now_ms: number, zone: string): number | null {
  let rest = text.slice(3);
  let at = now_ms;
  while (rest !== '') {
    const step = /^([+-])(\d+)([smhdw])|^\/([smhd])/.exec(rest);
    if (step === null) return null;
    const [whole, sign, amount, unit, down] = step;
    if (down !== undefined) {
      const unit_ms = UNIT_MS[down] ?? 1;
      at = instantOf(Math.floor(clockOf(at, zone) / unit_ms) * unit_ms, zone);
    }
    else at += (sign === '-' ? -1 : 1) * Number(amount) * (UNIT_MS[unit ?? 's'] ?? 0);
    rest = rest.slice(whole.length);
  }
  return at;
}

/** UNIX numbers are told apart by their size, as the server does. */
function epoch(text: string): number | null {
  const number = Number(text);
  if (number < 1e8) return null;
  if (number < 1e11) return number * 1e3;
  if (number < 1e14) return number;
  return number < 1e17 ? number / 1e3 : number / 1e6;
}

/** The instant in ms, or `null` when the text is no time. */
export function parseTime(text: string, now_ms: number, zone: string): number | null {
  const trimmed = text.trim();
  if (trimmed.startsWith('now')) return relative(trimmed, now_ms, zone);
  if (/^\d+[smhdw]$/.test(trimmed)) return relative(`now-${trimmed}`, now_ms, zone);
  if (/^\d+(\.\d+)?$/.test(trimmed)) return epoch(trimmed);
  const french = /^(\d{1,2})\/(\d{1,2})\/(\d{4})(?:[ T](\d{1,2}:\d{2}(?::\d{2})?))?$/.exec(trimmed);
  if (french !== null) {
    const [, day = '', month = '', year = '', clock = '00:00'] = french;
    return atClock(`${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}T${clock.includes(':', 2) ? clock : `0${clock}`}`, zone);
  }
  const iso = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?$/.exec(trimmed);
  if (iso === null) return null;
  const [, day = '', clock = '00:00', offset] = iso;
  const text_iso = `${day}T${clock.replace(',', '.')}`;
  return offset === undefined ? atClock(text_iso, zone) : finite(Date.parse(text_iso + offset));
}

/** The instant at which the zone's clock shows `YYYY-MM-DDTHH:MM…`. */
function atClock(text: string, zone: string): number | null {
  const clock_ms = finite(Date.parse(`${text}Z`));
  return clock_ms === null ? null : instantOf(clock_ms, zone);
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null;
}

/** An instant as it is typed in the zone; where its clock shows that time twice, in UTC. */
export function typedTime(at_ms: number, zone: string): string {
  const clock_ms = clockOf(at_ms, zone);
  if (instantOf(clock_ms, zone) !== at_ms) return new Date(at_ms).toISOString();
  return new Date(clock_ms).toISOString().replace('T', ' ').replace(/(\.000)?Z$/, '');
}

/** Whether a text is relative to now, and so the same in every zone. */
export const isRelativeTime = (text: string): boolean => /^(now|\d+[smhdw]$)/.test(text.trim());

export interface Instants {
  from: string;
  to: string;
}

/** Both ends as RFC 3339; `null` when one cannot be read or the end lies before the start. */
export function resolve(from: string, to: string, now_ms: number, zone: string): Instants | null {
  const start = parseTime(from, now_ms, zone);
  const end = parseTime(to, now_ms, zone);
  if (start === null || end === null || start > end) return null;
  return { from: new Date(start).toISOString(), to: new Date(end).toISOString() };
}

/** The range of the same length before (`-1`) or after (`1`) this one. */
export function shifted(from: string, to: string, step: number, now_ms: number, zone: string): Instants | null {
  const range = resolve(from, to, now_ms, zone);
  if (range === null) return null;
  const length = Math.max(1_000, Date.parse(range.to) - Date.parse(range.from));
  const move = (text: string): string => new Date(Date.parse(text) + step * length).toISOString();
  return { from: move(range.from), to: move(range.to) };
}

/** Whether a range ends now and so moves on with the clock. */
export const isLive = (to: string): boolean => to.startsWith('now');

export { DAY_MS };
