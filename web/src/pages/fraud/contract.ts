/** What the server says of lists, backtests and entities. */
import type { Amount } from '../../api/types';

export type ListKind = 'card' | 'bin' | 'ip' | 'email_domain' | 'device' | 'user' | 'country';
export type ListEffect = 'allow' | 'review' | 'block';

/** A value that is let through, looked at or blocked whatever the rules say. */
export interface ListEntry {
  id: string;
  kind: ListKind;
  value: string;
  effect: ListEffect;
  note: string | null;
  /** RFC 3339; null: never. */
  expires_at: string | null;
  added_by: string;
  added_at: string;
  hit_count: number;
}

export interface ListPage {
  entries: ListEntry[];
  total: number;
  is_total_exact: boolean;
  next_cursor: string | null;
}

export interface ListDraft {
  kind: ListKind;
  value: string;
  effect: ListEffect;
  note?: string;
  expires_at?: string;
}

export interface RuleDraft {
  name: string;
  expression: string;
  points: number;
  mode: string;
}

export interface BacktestRequest {
  rules: RuleDraft[];
  from: string;
  to: string;
}

/** A rule that is judged on stored payments before it is saved. */
export interface Backtest {
  id: string;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  progress: { read: number; total: number };
  error: string | null;
  report: BacktestReport | null;
}

export interface DecisionCounts {
  allow: number;
  review: number;
  block: number;
}

export interface BacktestReport {
  from: string;
  to: string;
  payment_count: number;
  /** Payments that are labelled as fraud. */
  fraud_count: number;
  judged_ms: number;
  rules: RuleResult[];
  decisions_before: DecisionCounts;
  decisions_after: DecisionCounts;
}

export interface RuleWeek {
  from: string;
  hit_count: number;
  fraud_hit_count: number;
  money_saved: Amount[];
  good_money_blocked: Amount[];
}

export interface RuleResult {
  name: string;
  mode: string;
  hit_count: number;
  fraud_hit_count: number;
  /** 0 to 1; null without hits. */
  precision: number | null;
  /** 0 to 1; null without labelled fraud. */
  recall: number | null;
  money_saved: Amount[];
  good_money_blocked: Amount[];
  weeks: RuleWeek[];
  /** Payments that an active rule hit as well, the largest first. */
  overlaps: { rule: string; hit_count: number }[];
}

export type EntityKind = 'user' | 'card' | 'device' | 'ip' | 'email';

/** What is known of a customer, a card, a device, an address or an e-mail address in a range of time. */
export interface Entity {
  kind: EntityKind;
  value: string;
  from: string;
  to: string;
  first_seen_at: string | null;
  last_seen_at: string | null;
  payment_count: number;
  declined_count: number;
  fraud_count: number;
  amounts: Amount[];
  decisions: DecisionCounts;
  links: EntityLink[];
  linked_users: LinkedUser[];
  /** It has too many links; only the first are told. */
  is_hub: boolean;
  list_entries: ListEntry[];
}

export interface EntityLink {
  kind: EntityKind;
  value: string;
  payment_count: number;
  user_count: number;
  fraud_count: number;
}

export interface LinkedUser {
  user: string;
  payment_count: number;
  fraud_count: number;
  /** What both have in common. */
  via: { kind: EntityKind; value: string }[];
}
