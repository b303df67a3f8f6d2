//! How fast the shop answers: requests per service and endpoint with their rate, errors and duration, how long databases take,
//! and how the period before compares.
//!
//! Source of the three numbers: Tom Wilkie, "The RED Method" (2018). Impact is time × calls, as application monitors show it.

mod database;
mod heatmap;
mod measures;
mod requests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use vigie_domain::aggregation::{Aggregation, AggregationKind};
use vigie_domain::ports::{AggregateRequest, AggregateResult, LogStore, Selection};
use vigie_domain::query::Query;
use vigie_domain::time::NANOS_PER_SECOND;
use vigie_domain::{Result, Scope, TimeRange, Timestamp};

use crate::Clock;
use crate::analytics::auto_interval;
use crate::analytics::interval::offset_of;
use crate::search::parse_query;
use crate::time_range::AskedRange;

pub use database::{CacheUse, DatabaseLatency, DatabaseLine, SlowQuery};
pub use heatmap::{Heatmap, HeatmapColumn};
pub use measures::{Durations, RequestMeasures};
pub use requests::{EndpointLine, Endpoints, PerformanceMetrics, RequestPoint, ServiceLine};

/// The period that is shown when nothing is asked for: an hour.
const DEFAULT_NS: i64 = 3_600 * NANOS_PER_SECOND;
/// Lines of a list unless the caller says otherwise.
pub const LINES_DEFAULT: usize = 50;
/// Lines of a list at most.
pub const LINES_MAX: usize = 1_000;
/// The name of the question over time.
const OVER_TIME: &str = "over_time";

/// What is asked about: which requests, of when.
#[derive(Clone, Debug, Default)]
pub struct PerformanceInput {
    /// What was typed; empty means every request.
    pub query: String,
    /// Only requests to this service.
    pub service: Option<String>,
    /// The requests' own time; the last hour when nothing is said.
    pub range: AskedRange,
}

/// Measures requests.
pub struct Performance {
    store: Arc<dyn LogStore>,
    clock: Clock,
}

impl Performance {
    /// Over this store.
    pub fn new(store: Arc<dyn LogStore>, clock: Clock) -> Self {
        Self { store, clock }
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The requests that are asked about.
    fn selection(&self, input: &PerformanceInput) -> Result<(Query, TimeRange)> {
        let service = input.service.as_ref().map_or(Query::All, |service| Query::equals("service", service.as_str()));
        let asked = parse_query(&input.query, self.now())?;
        let query = Query::equals("log_type", "performance").and(service).and(asked);
        Ok((query, input.range.resolve(self.now(), Some(DEFAULT_NS))?))
    }

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

/// A bucket per span of time, of a width that suits the range; and the width in nanoseconds.
fn over_time(range: TimeRange) -> (Aggregation, i64) {
    let interval_ns = auto_interval(range.length_nanos());
    let kind = AggregationKind::DateHistogram { interval_ns, offset_ns: offset_of(interval_ns) };
    (Aggregation::leaf(OVER_TIME, kind), interval_ns)
}

/// The first instant of a bucket over time.
fn start_of(key: &vigie_domain::Value) -> Timestamp {
    match key {
        vigie_domain::Value::Int(start_ns) => Timestamp::from_nanos(*start_ns),
        _ => Timestamp::MIN,
    }
}
