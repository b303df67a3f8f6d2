/** The overview's state as an address and back. Pure; what has its standard value is left out. */

export interface OverviewState {
  from: string;
  to: string;
  /** Asks again every so many seconds; 0 is off. */
  refresh_s: number;
}

export const STANDARD: OverviewState = { from: 'now-24h', to: 'now', refresh_s: 10 };
/** More often than this, an address cannot make a browser ask. */
const REFRESH_MIN_S = 5;

export function stateFromParams(params: URLSearchParams): OverviewState {
  const refresh = params.get('refresh');
  const seconds = refresh === null ? STANDARD.refresh_s : Math.floor(Number(refresh));
  return {
    from: params.get('from') ?? STANDARD.from,
    to: params.get('to') ?? STANDARD.to,
    refresh_s: seconds > 0 && Number.isFinite(seconds) ? Math.max(REFRESH_MIN_S, seconds) : 0,
  };
}

export function addressOf({ from, to, refresh_s }: OverviewState): string {
  const params = new URLSearchParams();
  if (from !== STANDARD.from || to !== STANDARD.to) {
    params.set('from', from);
    params.set('to', to);
  }
  if (refresh_s !== STANDARD.refresh_s) params.set('refresh', String(refresh_s));
  const query = params.toString();
  return query === '' ? '/' : `/?${query}`;
}
