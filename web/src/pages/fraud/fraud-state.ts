/** The page's state as an address and back. Pure; what has its standard value is left out. */

export const VIEWS = ['open', 'mine', 'all', 'rules'] as const;
export type View = (typeof VIEWS)[number];

export interface FraudState {
  from: string;
  to: string;
  view: View;
  /** The case that is open beside the list; empty means none. */
  case_id: string;
}

export const STANDARD: FraudState = { from: 'now-24h', to: 'now', view: 'open', case_id: '' };

export function stateFromParams(params: URLSearchParams): FraudState {
  return {
    from: params.get('from') ?? STANDARD.from,
    to: params.get('to') ?? STANDARD.to,
    view: VIEWS.find((view) => view === params.get('view')) ?? STANDARD.view,
    case_id: params.get('case') ?? STANDARD.case_id,
  };
}

export function addressOf({ from, to, view, case_id }: FraudState): string {
  const params = new URLSearchParams();
  if (from !== STANDARD.from || to !== STANDARD.to) {
    params.set('from', from);
    params.set('to', to);
  }
  if (view !== STANDARD.view) params.set('view', view);
  if (case_id !== '') params.set('case', case_id);
  const query = params.toString();
  return query === '' ? '/fraud' : `/fraud?${query}`;
}
