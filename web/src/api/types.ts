/** The server's answers, as far as pages share them. */
export type Role = 'viewer' | 'analyst' | 'moderator' | 'admin';

export interface User {
  id: string;
  username: string;
  role: Role;
  created_at: string;
}

export interface Hit {
  _id: string;
  _index: string;
  _source: Record<string, unknown>;
}

export interface HistogramBucket {
  start: string;
  total: number;
  levels: Record<string, number>;
}

export interface Histogram {
  interval_ms: number;
  from: string;
  to: string;
  total: number;
  buckets: HistogramBucket[];
}

export interface Amount {
  currency: string;
  amount: number;
}

export interface PeriodStats {
  total_logs: number;
  error_count: number;
  error_rate: number;
  avg_response_time_ms: number | null;
  p95_response_time_ms: number | null;
  active_services: number;
  active_users: number;
  transactions: number;
  failed_transactions: number;
  revenue: Amount[];
  fraud_alerts: number;
}

export interface Stats extends PeriodStats {
  from: string;
  to: string;
  previous: PeriodStats;
}

export interface Overview {
  stats: Stats;
  histogram: Histogram;
  previous_histogram: Histogram;
  latest_errors: Hit[];
  services: { service: string; count: number; error_count: number; p95_response_time_ms: number | null }[];
  funnel: { action: string; sessions: number }[];
}

export interface RejectedLine {
  line: number;
  reason: string;
  raw: string;
}

export interface Upload {
  file_id: string;
  filename: string;
  format: string;
  compression: string;
  size_bytes: number;
  state: 'running' | 'done' | 'failed';
  duplicate_of_earlier: boolean;
  records_processed: number;
  records_rejected: number;
  records_deduplicated: number;
  first_timestamp: string | null;
  last_timestamp: string | null;
  rejects: RejectedLine[];
  rejects_url: string | null;
  created_at: string;
  created_by: string;
  error: string | null;
}

export interface Preview {
  format: string;
  compression: string;
  fields: { name: string; kind: string }[];
  events: Record<string, unknown>[];
  rejects: RejectedLine[];
}
