/** What the page shows of measures, and the queries that lead to their events. Pure. */
import type { Durations } from '../../api/types';
import { quoted } from '../../query-text';
import type { Measure } from './performance-state';

/** A duration of a group; `null` when nothing was measured. */
export function durationOf(durations: Durations | null | undefined, measure: Measure): number | null {
  if (durations === null || durations === undefined) return null;
  return (measure === 'avg' ? durations.avg_ms : durations.percentiles[measure]) ?? null;
}

/** Points of a timeline that lists only spans with events: every span of the range, and what each holds. */
export function everySpan<T extends { start: string }>(timeline: readonly T[], interval_ms: number, from: string, to: string): { at: number; point: T | null }[] {
  const first = timeline[0];
  if (first === undefined || interval_ms <= 0) return [];
  const byStart = new Map(timeline.map((point) => [Date.parse(point.start), point]));
  const anchor = Date.parse(first.start);
  const before = Math.max(0, Math.floor((anchor - Date.parse(from)) / interval_ms));
  const spans: { at: number; point: T | null }[] = [];
  for (let at = anchor - before * interval_ms; at < Date.parse(to); at += interval_ms) spans.push({ at, point: byStart.get(at) ?? null });
  return spans;
}

/** Requests as a query: of a service and an endpoint, where these are said. */
export function requestsQuery(only: { service?: string; endpoint?: string; method?: string | null | undefined }): string {
  const clauses = ['log_type:performance'];
  if (only.service !== undefined && only.service !== '') clauses.push(`service:${quoted(only.service)}`);
  if (only.endpoint !== undefined) clauses.push(`endpoint:${quoted(only.endpoint)}`);
  if (only.method !== undefined && only.method !== null) clauses.push(`method:${quoted(only.method)}`);
  return clauses.join(' AND ');
}

/** Response times from a bound up to the next, as a query; without a next one there is no end. */
export function durationQuery(from_ms: number, to_ms: number | undefined): string {
  return `response_time_ms:[${from_ms} TO ${to_ms === undefined ? '*]' : `${to_ms}}`}`;
}
