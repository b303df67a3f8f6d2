/** What happened around a payment, as rows. Pure. */
import type { Hit } from '../../api/types';

export interface TimelineRow {
  hit: Hit;
  /** Whether it is an event of the payment itself. */
  isOwn: boolean;
  /** Time after the payment; negative before it. */
  distance_ms: number;
}

export function timelineRows(events: readonly Hit[], payment: { transaction_id: string; at: string }): TimelineRow[] {
  const origin = Date.parse(payment.at);
  return events.map((hit) => ({
    hit,
    isOwn: hit._source.transaction_id === payment.transaction_id,
    distance_ms: Date.parse(String(hit._source['@timestamp'])) - origin,
  }));
}

const textOf = (source: Hit['_source'], ...names: string[]): string =>
  names.flatMap((name) => (typeof source[name] === 'string' || typeof source[name] === 'number' ? [String(source[name])] : [])).join(' ');

/** What an event says, in a line: of a payment its state and amount, of a visit what was done where, of others their message. */
export function eventText({ _source: source }: Pick<Hit, '_source'>): string {
  const own = { transaction: textOf(source, 'status', 'amount', 'currency'), user_behavior: textOf(source, 'event_type', 'page') }[String(source.log_type)];
  return own || textOf(source, 'message') || textOf(source, 'method', 'endpoint', 'status_code') || textOf(source, 'log_type');
}
