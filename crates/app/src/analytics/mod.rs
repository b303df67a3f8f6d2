//! Numbers about the shop: the dashboard's, with the period before beside them, and events over time.
//!
//! One question per period: everything that is shown of it is counted in one pass over its events.

pub(crate) mod answers;
mod behaviour;
mod errors;
mod funnel;
mod histogram;
pub(crate) mod interval;
mod money;
mod overview;
mod period;
mod rankings;
#[cfg(test)]
mod shop_tests;
#[cfg(test)]
mod tests;
mod timeline;
mod transactions;
mod trends;

use std::sync::Arc;

use vigie_domain::aggregation::{Aggregation, AggregationKind};
use vigie_domain::ports::{AggregateRequest, AggregateResult, LogStore, Selection};
use vigie_domain::query::Query;
use vigie_domain::time::NANOS_PER_DAY;
use vigie_domain::{Result, Scope, TimeRange, Timestamp};

use crate::Clock;
use crate::search::parse_query;
use crate::time_range::AskedRange;
use answers::Answers;

pub use behaviour::{Carts, UserBehavior, VisitPoint, Visits};
pub use errors::{ErrorTotals, Errors};
pub use funnel::{Cohort, Funnel, FunnelStep};
pub(crate) use histogram::auto_interval;
pub use histogram::{Histogram, HistogramBucket, HistogramInput};
pub use money::Money;
pub use overview::{Overview, ServiceStats};
pub use period::PeriodStats;
pub use rankings::{CountryLine, ProductLine, RANKING_DEFAULT, RANKING_MAX, Ranking};
pub use timeline::Granularity;
pub use transactions::{PaymentMethod, TransactionPoint, TransactionTotals, Transactions};
pub use trends::{TrendPoint, Trends};

/// The period that is shown when nothing is asked for.
const DEFAULT_NS: i64 = NANOS_PER_DAY;
/// Levels that are told apart: the six, and a few that nobody could read.
const LEVELS_MAX: usize = 32;
/// The level of events without one.
const NO_LEVEL: &str = "none";
/// The field of response times.
const RESPONSE_TIME: &str = "response_time_ms";

/// What is asked about: which events, of when, in spans of which length.
#[derive(Clone, Debug, Default)]
pub struct AnalyticsInput {
    /// What was typed; empty means every event.
    pub query: String,
    /// The events' own time; the last day when nothing is said.
    pub range: AskedRange,
    /// `hourly`, `daily`, `weekly` or `monthly`; what suits the range when left out.
    pub granularity: Option<String>,
    /// Whose clocks say when a span begins: a name such as `Europe/Paris`, or an offset; UTC when left out.
    pub timezone: Option<String>,
}

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
            self.count(scope, &Query::All, range, period::questions()),
            self.count(scope, &Query::All, range.previous(), period::questions()),
        )?;
        Ok(DashboardStats { range, current: period::read_all(&current), previous: period::read_all(&previous) })
    }

    /// The events that are asked about.
    fn selection(&self, input: &AnalyticsInput) -> Result<(Query, TimeRange)> {
        Ok((parse_query(&input.query, self.now())?, self.range(&input.range)?))
    }

    /// Answers about the events of the range that match.
    async fn count(
        &self,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
        questions: Vec<Aggregation>,
    ) -> Result<AggregateResult> {
        let selection = Selection { query: query.clone(), range };
        self.store.aggregate(scope, &AggregateRequest { selection, aggregations: questions }).await
    }
}

/// Events of which the field has one of the values.
pub(crate) fn any(field: &str, values: &[&str]) -> Query {
    Query::Or(values.iter().map(|value| Query::equals(field, *value)).collect())
}

/// Events that tell of a failure.
pub(crate) fn errors() -> Query {
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

/// Payments that failed or were declined.
fn failed_payments() -> Query {
    payments().and(any("status", &["failed", "declined"]))
}

/// A bucket per query.
pub(crate) fn filters(name: &str, filters: Vec<(&str, Query)>) -> Aggregation {
    let named = filters.into_iter().map(|(name, query)| (name.to_owned(), query)).collect();
    Aggregation::leaf(name, AggregationKind::Filters(named))
}

fn p95_response_time(name: &str) -> Aggregation {
    let kind = AggregationKind::Percentiles { field: RESPONSE_TIME.into(), percents: vec![95.0] };
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
