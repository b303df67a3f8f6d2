/** The page's state as an address and back. Pure; what has its standard value is left out. */

/** Which duration the table of endpoints shows. */
export const MEASURES = ['avg', 'p50', 'p95', 'p99'] as const;
export type Measure = (typeof MEASURES)[number];

export interface PerformanceState {
  from: string;
  to: string;
  /** Asks again every so many seconds; 0 is off. */
  refresh_s: number;
  /** Only requests to this service; empty means all. */
  service: string;
  measure: Measure;
}

export const STANDARD: PerformanceState = { from: 'now-6h', to: 'now', refresh_s: 60, service: '', measure: 'p95' };
/** More often than this, an address cannot make a browser ask. */
const REFRESH_MIN_S = 5;

export function stateFromParams(params: URLSearchParams): PerformanceState {
  const refresh = params.get('refresh');
  const seconds = refresh === null ? STANDARD.refresh_s : Math.floor(Number(refresh));
  return {
    from: params.get('from') ?? STANDARD.from,
    to: params.get('to') ?? STANDARD.to,
    refresh_s: seconds > 0 && Number.isFinite(seconds) ? Math.max(REFRESH_MIN_S, seconds) : 0,
    service: params.get('service') ?? STANDARD.service,
    measure: MEASURES.find((measure) => measure === params.get('measure')) ?? STANDARD.measure,
  };
}

export function addressOf({ from, to, refresh_s, service, measure }: PerformanceState): string {
  const params = new URLSearchParams();
  if (from !== STANDARD.from || to !== STANDARD.to) {
    params.set('from', from);
    params.set('to', to);
  }
  if (refresh_s !== STANDARD.refresh_s) params.set('refresh', String(refresh_s));
  if (service !== '') params.set('service', service);
  if (measure !== STANDARD.measure) params.set('measure', measure);
  const query = params.toString();
  return query === '' ? '/performance' : `/performance?${query}`;
}
