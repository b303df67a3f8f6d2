//! Everything on the overview page, counted in one pass per period.

use vigie_domain::aggregation::Aggregation;
use vigie_domain::ports::{AggregateResult, Fields, Hit, SearchRequest, Selection, SortOrder};
use vigie_domain::query::Query;
use vigie_domain::{Result, Scope, TimeRange};

use super::histogram::{self, Histogram};
use super::{
    Analytics, Answers, DashboardStats, FunnelStep, LEVELS_MAX, answers, errors, funnel, p95_response_time, period,
};
use crate::time_range::AskedRange;

/// Errors shown.
const LATEST_ERRORS: usize = 10;
/// Services shown, busiest first.
const SERVICES_MAX: usize = 20;
/// Levels that count as errors.
const ERROR_LEVELS: [&str; 2] = ["ERROR", "FATAL"];

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

/// Everything on the overview page.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The numbers.
    pub stats: DashboardStats,
    /// Events over time.
    pub histogram: Histogram,
    /// The same of the period before, in buckets of the same width.
    pub previous_histogram: Histogram,
    /// The latest errors.
    pub latest_errors: Vec<Hit>,
    /// Services, busiest first.
    pub services: Vec<ServiceStats>,
    /// The way to a payment.
    pub funnel: Vec<FunnelStep>,
}

impl Analytics {
    /// Everything on the overview page.
    ///
    /// # Errors
    /// When a time cannot be read, or what the store answers.
    pub async fn overview(&self, scope: &Scope, asked: &AskedRange) -> Result<Overview> {
        let range = self.range(asked)?;
        let before = range.previous();
        let interval_ns = histogram::auto_interval(range.length_nanos());
        let both = || period::questions().into_iter().chain([histogram::question(interval_ns)]);
        let visitors = self.visitors(scope, &Query::All, range).await?;
        let now_questions = both().chain([services_question(), visitors.question()]).collect();
        let (current, previous, latest_errors) = tokio::try_join!(
            self.count(scope, &Query::All, range, now_questions),
            self.count(scope, &Query::All, before, both().collect()),
            self.latest_errors(scope, range),
        )?;
        Ok(Overview {
            histogram: histogram::read(range, interval_ns, &current),
            previous_histogram: histogram::read(before, interval_ns, &previous),
            latest_errors,
            services: read_services(&current),
            funnel: funnel::read(Answers::new(&current.answers)),
            stats: DashboardStats { range, current: period::read_all(&current), previous: period::read_all(&previous) },
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
            fields: Fields::All,
        };
        Ok(self.store.search(scope, &request).await?.hits)
    }
}

fn services_question() -> Aggregation {
    Aggregation::terms("busiest", "service", SERVICES_MAX)
        .with(Aggregation::terms("levels", "level", LEVELS_MAX))
        .with(p95_response_time("response_p95"))
}

fn read_services(result: &AggregateResult) -> Vec<ServiceStats> {
    let services = Answers::new(&result.answers).buckets("busiest").iter().map(|bucket| {
        let within = Answers::new(&bucket.children);
        ServiceStats {
            service: answers::shown(&bucket.key),
            count: bucket.count,
            error_count: ERROR_LEVELS.iter().map(|level| within.bucket_count("levels", level)).sum(),
            p95_response_time_ms: within.percentile("response_p95"),
        }
    });
    services.collect()
}
