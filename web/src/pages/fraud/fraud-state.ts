/** The queue's state as an address and back. Pure; what has its standard value is left out. */

export const VIEWS = ['open', 'late', 'mine', 'escalated', 'snoozed', 'all'] as const;
export type View = (typeof VIEWS)[number];

export interface FraudState {
  from: string;
  to: string;
  view: View;
  /** Only cases with this tag; empty means all. */
  tag: string;
  /** The case that is open beside the list; empty means none. */
  case_id: string;
}

export const STANDARD: FraudState = { from: 'now-24h', to: 'now', view: 'open', tag: '', case_id: '' };

export function stateFromParams(params: URLSearchParams): FraudState {
  return {
    from: params.get('from') ?? STANDARD.from,
    to: params.get('to') ?? STANDARD.to,
    view: VIEWS.find((view) => view === params.get('view')) ?? STANDARD.view,
    tag: params.get('tag') ?? STANDARD.tag,
    case_id: params.get('case') ?? STANDARD.case_id,
  };
}

export function addressOf({ from, to, view, tag, case_id }: FraudState): string {
  const params = rangeParams(from, to);
  if (view !== STANDARD.view) params.set('view', view);
  if (tag !== '') params.set('tag', tag);
  if (case_id !== '') params.set('case', case_id);
  return withParams('/fraud', params);
}

/** The range as parameters; none for the standard one. */
export function rangeParams(from: string, to: string): URLSearchParams {
  return new URLSearchParams(from === STANDARD.from && to === STANDARD.to ? {} : { from, to });
}

/** A path with its parameters, when there are any. */
export function withParams(path: string, params: URLSearchParams): string {
  const query = params.toString();
  return query === '' ? path : `${path}?${query}`;
}

/**
 * The case to look at behind the one that is open: the next of the list that it stood in, which it may have left since, that is still
 * there and not closed; from the start once there is none behind it.
 */
export function nextCase(stood_in: readonly string[], waiting: readonly string[], open_id: string): string | null {
  const behind = stood_in.slice(stood_in.indexOf(open_id) + 1);
  return [...behind, ...waiting].find((id) => id !== open_id && waiting.includes(id)) ?? null;
}
