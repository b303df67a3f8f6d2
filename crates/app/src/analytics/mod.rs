//! Numbers about the shop: the dashboard's, with the period before beside them, and events over time.
//!
//! One question per period: everything that is shown of it is counted in one pass over its events.

mod answers;
mod histogram;
pub(crate) mod interval;
mod overview;
mod period;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use vigie_domain::aggregation::{Aggregation, AggregationKind};
use vigie_domain::ports::{AggregateRequest, AggregateResult, LogStore, Selection};
use vigie_domain::query::Query;
use vigie_domain::time::NANOS_PER_DAY;
use vigie_domain::{Result, Scope, TimeRange, Timestamp};

use crate::Clock;
use crate::time_range::AskedRange;
use answers::Answers;

pub use histogram::{Histogram, HistogramBucket, HistogramInput};
pub use overview::{FunnelStep, Overview, ServiceStats};
pub use period::PeriodStats;

/// The period that is shown when nothing is asked for.
const DEFAULT_NS: i64 = NANOS_PER_DAY;
/// Levels that are told apart: the six, and a few that nobody could read.
const LEVELS_MAX: usize = 32;
/// The level of events without one.
const NO_LEVEL: &str = "none";
/// The field of response times.
const RESPONSE_TIME: &str = "response_time_ms";

/// Numbers of a period and of the one of equal length before it.
#[derive(Clone, Debug, PartialEq)]
pub struct DashboardStats {
    /// The period.
    pub range: TimeRange,
    /// Its numbers.
    pub current: PeriodStats,
    /// Those of the period before.
    pub previous: PeriodStats,
}

impl DashboardStats {
    /// Growth of the number of events in percent; `None` when there was none before.
    pub fn growth_percentage(&self) -> Option<f64> {
        let (now, before) = (self.current.total_logs as f64, self.previous.total_logs as f64);
        (before > 0.0).then(|| (now - before) / before * 100.0)
    }
}

/// Counts.
pub struct Analytics {
    store: Arc<dyn LogStore>,
    clock: Clock,
}

impl Analytics {
    /// Over this store.
    pub fn new(store: Arc<dyn LogStore>, clock: Clock) -> Self {
        Self { store, clock }
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The range asked for: up to now unless said, from a day before its end unless said.
    fn range(&self, asked: &AskedRange) -> Result<TimeRange> {
        asked.resolve(self.now(), Some(DEFAULT_NS))
    }

    /// The dashboard's numbers.
    ///
    /// # Errors
    /// When a time cannot be read, or what the store answers.
    pub async fn stats(&self, scope: &Scope, asked: &AskedRange) -> Result<DashboardStats> {
        let range = self.range(asked)?;
        let (current, previous) = tokio::try_join!(
            self.count(scope, range, period::questions()),
            self.count(scope, range.previous(), period::questions()),
        )?;
        Ok(DashboardStats { range, current: period::read(&current), previous: period::read(&previous) })
    }

    /// Answers about every event of the range.
    async fn count(&self, scope: &Scope, range: TimeRange, questions: Vec<Aggregation>) -> Result<AggregateResult> {
        let selection = Selection { query: Query::All, range };
        self.store.aggregate(scope, &AggregateRequest { selection, aggregations: questions }).await
    }
}

/// Events of which the field has one of the values.
fn any(field: &str, values: &[&str]) -> Query {
    Query::Or(values.iter().map(|value| Query::equals(field, *value)).collect())
}

/// Events that tell of a failure.
fn errors() -> Query {
    any("level", &["ERROR", "FATAL"])
}

/// Payments, whatever became of them.
fn payments() -> Query {
    Query::equals("log_type", "transaction")
}

/// Payments that were made.
fn completed_payments() -> Query {
    payments().and(Query::equals("status", "completed"))
}

fn filters(name: &str, filters: Vec<(&str, Query)>) -> Aggregation {
    let named = filters.into_iter().map(|(name, query)| (name.to_owned(), query)).collect();
    Aggregation::leaf(name, AggregationKind::Filters(named))
}

fn p95_response_time(name: &str) -> Aggregation {
    let kind = AggregationKind::Percentiles { field: RESPONSE_TIME.to_owned(), percents: vec![95.0] };
    Aggregation::leaf(name, kind)
}

/// Counts by level, and what is left of `total` as events without one.
fn with_unlevelled(mut levels: Vec<(String, u64)>, total: u64) -> Vec<(String, u64)> {
    let levelled: u64 = levels.iter().map(|(_, count)| count).sum();
    if total > levelled {
        levels.push((NO_LEVEL.into(), total - levelled));
    }
    levels
}
