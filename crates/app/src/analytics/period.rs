//! The numbers of one period.

use vigie_domain::aggregation::Aggregation;
use vigie_domain::ports::AggregateResult;
use vigie_domain::query::Query;

use super::money::{self, Money};
use super::{
    Answers, LEVELS_MAX, RESPONSE_TIME, any, completed_payments, errors, failed_payments, filters, p95_response_time,
    payments, with_unlevelled,
};

/// Log types that are told apart.
const TYPES_MAX: usize = 16;

/// Numbers of one period.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PeriodStats {
    /// Events.
    pub total_logs: u64,
    /// Events of level ERROR or FATAL.
    pub error_count: u64,
    /// Mean response time.
    pub avg_response_time_ms: Option<f64>,
    /// Response time below which 95 % lie.
    pub p95_response_time_ms: Option<f64>,
    /// Services that sent events.
    pub active_services: u64,
    /// Users seen.
    pub active_users: u64,
    /// Payments, whatever became of them.
    pub transactions: u64,
    /// Payments that were made.
    pub completed_transactions: u64,
    /// Payments that failed or were declined.
    pub failed_transactions: u64,
    /// Completed payments per currency, the most used first; never added across. `XXX` where none was sent.
    pub revenue: Vec<Money>,
    /// Judgements that say fraud, or that somebody should look.
    pub fraud_alerts: u64,
    /// Events per log type.
    pub by_type: Vec<(String, u64)>,
    /// Events per level; those without one as `none`.
    pub by_level: Vec<(String, u64)>,
}

impl PeriodStats {
    /// Share of events that are errors, 0 to 1.
    pub fn error_rate(&self) -> f64 {
        if self.total_logs == 0 { 0.0 } else { self.error_count as f64 / self.total_logs as f64 }
    }
}

/// What is asked about a period.
pub(super) fn questions() -> Vec<Aggregation> {
    let suspicious = Query::Or(vec![any("decision", &["review", "block"]), Query::equals("fraud_detected", "true")]);
    let alerts = Query::equals("log_type", "fraud").and(suspicious);
    vec![
        Aggregation::terms("types", "log_type", TYPES_MAX),
        Aggregation::terms("levels", "level", LEVELS_MAX),
        Aggregation::cardinality("services", "service"),
        Aggregation::cardinality("users", "user_id"),
        Aggregation::stats("response", RESPONSE_TIME),
        p95_response_time("response_p95"),
        filters(
            "kinds",
            vec![("errors", errors()), ("payments", payments()), ("failed", failed_payments()), ("alerts", alerts)],
        ),
        money::question("paid", &completed_payments()),
    ]
}

/// What was answered about every event of a period.
pub(super) fn read_all(result: &AggregateResult) -> PeriodStats {
    read(result.total, Answers::new(&result.answers))
}

/// What was answered about so many events.
pub(super) fn read(total: u64, answers: Answers<'_>) -> PeriodStats {
    PeriodStats {
        total_logs: total,
        error_count: answers.bucket_count("kinds", "errors"),
        avg_response_time_ms: answers.stats("response").mean(),
        p95_response_time_ms: answers.percentile("response_p95"),
        active_services: answers.cardinality("services"),
        active_users: answers.cardinality("users"),
        transactions: answers.bucket_count("kinds", "payments"),
        completed_transactions: money::count(answers, "paid"),
        failed_transactions: answers.bucket_count("kinds", "failed"),
        revenue: money::read(answers, "paid"),
        fraud_alerts: answers.bucket_count("kinds", "alerts"),
        by_type: answers.counts("types"),
        by_level: with_unlevelled(answers.counts("levels"), total),
    }
}
