/**
 * The events around one event, as rows with their distance in time. Pure.
 */
import type { ContextAnswer, Hit } from './types';

export interface ContextRow {
  hit: Hit;
  /** −20 … +20; 0 is the event itself. */
  position: number;
  /** Time after the event; negative before it; `null` when a time cannot be read. */
  distance_ms: number | null;
}

/** How many neighbours on each side can be asked for. */
export const CONTEXT_SIZES = [5, 20, 50, 100] as const;
export const CONTEXT_STANDARD = 20;

function instant_ms(hit: Hit): number | null {
  const text = hit._source['@timestamp'];
  const ms = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}

/** Oldest first, the event in its place. */
export function contextRows(answer: ContextAnswer): ContextRow[] {
  const origin = instant_ms(answer.event);
  const row = (hit: Hit, position: number): ContextRow => {
    const at = instant_ms(hit);
    return { hit, position, distance_ms: at === null || origin === null ? null : at - origin };
  };
  return [
    ...answer.before.map((hit, index) => row(hit, index - answer.before.length)),
    row(answer.event, 0),
    ...answer.after.map((hit, index) => row(hit, index + 1)),
  ];
}

/** `+1.204 s`, `−12 ms`, `+3 min 20 s`: a distance that reads at a glance. */
export function distanceText(distance_ms: number | null, locale: string): string {
  if (distance_ms === null) return '';
  if (distance_ms === 0) return '0';
  const sign = distance_ms < 0 ? '−' : '+';
  const ms = Math.abs(distance_ms);
  const number = (value: number, digits: number): string =>
    new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
  if (ms < 1_000) return `${sign}${number(ms, 0)} ms`;
  if (ms < 60_000) return `${sign}${number(ms / 1_000, ms < 10_000 ? 2 : 1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${sign}${minutes} min ${Math.floor((ms % 60_000) / 1_000)} s`;
  const hours = Math.floor(minutes / 60);
  return `${sign}${number(hours, 0)} h ${minutes % 60} min`;
}
