//! Numbers about the shop: the dashboard's, with the period before beside them, and events over time.

mod answers;
mod histogram;

use std::sync::Arc;

use vigie_domain::aggregation::{Aggregation, AggregationKind};
use vigie_domain::ports::{AggregateRequest, Hit, LogStore, SearchRequest, Selection, SortOrder};
use vigie_domain::query::Query;
use vigie_domain::time::NANOS_PER_DAY;
use vigie_domain::{Result, Scope, TimeRange, Timestamp};

use crate::Clock;
use crate::time_range::AskedRange;
use answers::Answers;

pub use histogram::{Histogram, HistogramBucket, HistogramInput};

/// The period that is shown when nothing is asked for.
const DEFAULT_NS: i64 = NANOS_PER_DAY;
/// Currencies, services and levels listed.
const LISTED_MAX: usize = 100;
/// Errors shown on the overview.
const LATEST_ERRORS: usize = 10;
/// Services shown on the overview.
const SERVICES_SHOWN: usize = 20;

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
    /// Payments.
    pub transactions: u64,
    /// Payments that failed or were declined.
    pub failed_transactions: u64,
    /// Completed payments per currency; never added across.
    pub revenue: Vec<(String, f64)>,
    /// Transactions judged to be reviewed or blocked.
    pub fraud_alerts: u64,
    /// Events per log type.
    pub by_type: Vec<(String, u64)>,
    /// Events per level.
    pub by_level: Vec<(String, u64)>,
}

impl PeriodStats {
    /// Share of events that are errors, 0 to 1.
    pub fn error_rate(&self) -> f64 {
        if self.total_logs == 0 { 0.0 } else { self.error_count as f64 / self.total_logs as f64 }
    }
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

/// One service in a period.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceStats {
    /// Its name.
    pub service: String,
    /// Its events.
    pub count: u64,
    /// Those of level ERROR or FATAL.
    pub error_count: u64,
    /// Response time below which 95 % lie.
    pub p95_response_time_ms: Option<f64>,
}

/// One step on the way to a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunnelStep {
    /// What was done.
    pub action: &'static str,
    /// Distinct sessions that did it.
    pub sessions: u64,
}

/// Everything on the overview page.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The numbers.
    pub stats: DashboardStats,
    /// Events over time.
    pub histogram: Histogram,
    /// The same of the period before.
    pub previous_histogram: Histogram,
    /// The latest errors.
    pub latest_errors: Vec<Hit>,
    /// Services, busiest first.
    pub services: Vec<ServiceStats>,
    /// The way to a payment.
    pub funnel: Vec<FunnelStep>,
}

/// Counts.
pub struct Analytics {
    store: Arc<dyn LogStore>,
    clock: Clock,
}

fn any(field: &str, values: &[&str]) -> Query {
    Query::Or(values.iter().map(|value| Query::equals(field, *value)).collect())
}

fn errors() -> Query {
    any("level", &["ERROR", "FATAL"])
}

fn filters(name: &str, filters: Vec<(&str, Query)>) -> Aggregation {
    let named = filters.into_iter().map(|(name, query)| (name.to_owned(), query)).collect();
    Aggregation::leaf(name, AggregationKind::Filters(named))
}

fn p95(field: &str) -> Aggregation {
    Aggregation::leaf("p95", AggregationKind::Percentiles { field: field.to_owned(), percents: vec![95.0] })
}

impl Analytics {
    /// Over this store.
    pub fn new(store: Arc<dyn LogStore>, clock: Clock) -> Self {
        Self { store, clock }
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The range asked for, the last day when nothing is said.
    ///
    /// # Errors
    /// When a time cannot be read.
    pub fn range(&self, asked: &AskedRange) -> Result<TimeRange> {
        asked.resolve(self.now(), Some(DEFAULT_NS))
    }

    /// The dashboard's numbers.
    ///
    /// # Errors
    /// When a time cannot be read, or what the store answers.
    pub async fn stats(&self, scope: &Scope, asked: &AskedRange) -> Result<DashboardStats> {
        let range = self.range(asked)?;
        let current = self.period(scope, range).await?;
        let previous = self.period(scope, range.previous()).await?;
        Ok(DashboardStats { range, current, previous })
    }

    async fn period(&self, scope: &Scope, range: TimeRange) -> Result<PeriodStats> {
        let payments = Query::equals("log_type", "transaction");
        let completed = payments.clone().and(Query::equals("status", "completed"));
        let failed = payments.clone().and(any("status", &["failed", "declined"]));
        let suspicious = Query::equals("log_type", "fraud").and(any("decision", &["review", "block"]));
        let aggregations = vec![
            Aggregation::terms("types", "log_type", LISTED_MAX),
            Aggregation::terms("levels", "level", LISTED_MAX),
            Aggregation::cardinality("services", "service"),
            Aggregation::cardinality("users", "user_id"),
            Aggregation::stats("response", "response_time_ms"),
            p95("response_time_ms"),
            filters(
                "kinds",
                vec![("errors", errors()), ("payments", payments), ("failed", failed), ("suspicious", suspicious)],
            ),
            filters("paid", vec![("completed", completed)])
                .with(Aggregation::terms("currency", "currency", LISTED_MAX).with(Aggregation::stats("sum", "amount"))),
        ];
        let request = AggregateRequest { selection: Selection { query: Query::All, range }, aggregations };
        let result = self.store.aggregate(scope, &request).await?;
        let answers = Answers::new(&result.answers);
        let response = answers.stats("response");
        Ok(PeriodStats {
            total_logs: result.total,
            error_count: answers.bucket_count("kinds", "errors"),
            avg_response_time_ms: response.mean(),
            p95_response_time_ms: answers.percentile("p95"),
            active_services: answers.cardinality("services"),
            active_users: answers.cardinality("users"),
            transactions: answers.bucket_count("kinds", "payments"),
            failed_transactions: answers.bucket_count("kinds", "failed"),
            revenue: answers.within("paid", "completed").sums("currency", "sum"),
            fraud_alerts: answers.bucket_count("kinds", "suspicious"),
            by_type: answers.counts("types"),
            by_level: answers.counts("levels"),
        })
    }

    /// Everything on the overview page.
    ///
    /// # Errors
    /// When a time cannot be read, or what the store answers.
    pub async fn overview(&self, scope: &Scope, asked: &AskedRange) -> Result<Overview> {
        let stats = self.stats(scope, asked).await?;
        let range = stats.range;
        let interval_ns = histogram::auto_interval(range.length_nanos());
        let all = |range| Selection { query: Query::All, range };
        Ok(Overview {
            histogram: self.histogram_of(scope, all(range), interval_ns).await?,
            previous_histogram: self.histogram_of(scope, all(range.previous()), interval_ns).await?,
            latest_errors: self.latest_errors(scope, range).await?,
            services: self.services(scope, range).await?,
            funnel: self.funnel(scope, range).await?,
            stats,
        })
    }

    async fn latest_errors(&self, scope: &Scope, range: TimeRange) -> Result<Vec<Hit>> {
        let request = SearchRequest {
            selection: Selection { query: errors(), range },
            order: SortOrder::NewestFirst,
            after: None,
            skip: 0,
            limit: LATEST_ERRORS,
            count_total: false,
        };
        Ok(self.store.search(scope, &request).await?.hits)
    }

    async fn services(&self, scope: &Scope, range: TimeRange) -> Result<Vec<ServiceStats>> {
        let question = Aggregation::terms("services", "service", SERVICES_SHOWN)
            .with(filters("kinds", vec![("errors", errors())]))
            .with(p95("response_time_ms"));
        let selection = Selection { query: Query::All, range };
        let request = AggregateRequest { selection, aggregations: vec![question] };
        let result = self.store.aggregate(scope, &request).await?;
        let services = Answers::new(&result.answers).buckets("services").iter().map(|bucket| {
            let within = Answers::new(&bucket.children);
            ServiceStats {
                service: answers::shown(&bucket.key),
                count: bucket.count,
                error_count: within.bucket_count("kinds", "errors"),
                p95_response_time_ms: within.percentile("p95"),
            }
        });
        Ok(services.collect())
    }

    async fn funnel(&self, scope: &Scope, range: TimeRange) -> Result<Vec<FunnelStep>> {
        let behaviour = |actions: &[&str]| Query::equals("log_type", "user_behavior").and(any("action", actions));
        let paid = Query::equals("log_type", "transaction").and(Query::equals("status", "completed"));
        let steps = vec![
            ("product_view", behaviour(&["product_view", "view_product"])),
            ("add_to_cart", behaviour(&["add_to_cart"])),
            ("checkout", behaviour(&["checkout_start", "checkout"])),
            ("paid", paid),
        ];
        let names: Vec<&'static str> = steps.iter().map(|(name, _)| *name).collect();
        let question = filters("steps", steps).with(Aggregation::cardinality("sessions", "session_id"));
        let selection = Selection { query: Query::All, range };
        let request = AggregateRequest { selection, aggregations: vec![question] };
        let result = self.store.aggregate(scope, &request).await?;
        let answers = Answers::new(&result.answers);
        let step = |action: &'static str| FunnelStep {
            action,
            sessions: answers.within("steps", action).cardinality("sessions"),
        };
        Ok(names.into_iter().map(step).collect())
    }
}
