//! Requests per service and endpoint, over time, and beside the period before.

use std::collections::HashMap;

use vigie_domain::aggregation::{Aggregation, Bucket};
use vigie_domain::{Error, Result, Scope, TimeRange, Timestamp};

use super::database::{CacheUse, cache_question, cache_use};
use super::measures::{self, RequestMeasures};
use super::{LINES_MAX, OVER_TIME, Performance, PerformanceInput, over_time, start_of};
use crate::analytics::answers::{Answers, shown};

/// Services that are told apart.
const SERVICES_MAX: usize = 200;
/// Endpoints that are told apart: the most used. The rest is counted as one.
const ENDPOINTS_MAX: usize = 1_000;
/// Methods of one endpoint that are told apart.
const METHODS_MAX: usize = 10;

/// How the shop answered in a period.
#[derive(Clone, Debug)]
pub struct PerformanceMetrics {
    /// The period.
    pub range: TimeRange,
    /// All requests of the period.
    pub current: RequestMeasures,
    /// Those of the period before.
    pub previous: RequestMeasures,
    /// Width of a point of the timeline, in milliseconds.
    pub interval_ms: i64,
    /// Requests over time, spans with requests only.
    pub timeline: Vec<RequestPoint>,
    /// Requests per service, those with the greatest impact first.
    pub services: Vec<ServiceLine>,
    /// How caches were used.
    pub cache: CacheUse,
    /// The same in the period before.
    pub previous_cache: CacheUse,
}

/// Requests of one span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestPoint {
    /// Its first instant.
    pub start: Timestamp,
    /// In numbers.
    pub measures: RequestMeasures,
}

/// Requests to one service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceLine {
    /// Its name.
    pub service: String,
    /// In numbers.
    pub current: RequestMeasures,
    /// In the period before, when there were any.
    pub previous: Option<RequestMeasures>,
    /// Its share of the time that all of them took, 0 to 1.
    pub impact: f64,
}

/// Requests to one endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointLine {
    /// The path, as it was logged.
    pub endpoint: String,
    /// The method, where one was logged.
    pub method: Option<String>,
    /// In numbers.
    pub current: RequestMeasures,
    /// In the period before, when there were any.
    pub previous: Option<RequestMeasures>,
    /// Its share of the time that all of them took, 0 to 1.
    pub impact: f64,
}

/// Requests per endpoint.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// The period.
    pub range: TimeRange,
    /// All requests.
    pub current: RequestMeasures,
    /// Those of the period before.
    pub previous: RequestMeasures,
    /// Endpoints, those with the greatest impact first.
    pub lines: Vec<EndpointLine>,
    /// How many endpoints there are in all, methods not told apart.
    pub distinct: u64,
    /// Requests to endpoints that are not shown.
    pub other_requests: u64,
}

impl Performance {
    /// How the shop answered: all requests, over time and per service.
    ///
    /// # Errors
    /// When the query or a time cannot be read, or what the store answers.
    pub async fn metrics(&self, scope: &Scope, input: &PerformanceInput) -> Result<PerformanceMetrics> {
        let (query, range) = self.selection(input)?;
        let (timeline, interval_ns) = over_time(range);
        let per_service = || measured(Aggregation::terms("services", "service", SERVICES_MAX));
        let both = || measures::request_questions().into_iter().chain([per_service(), cache_question()]);
        let (current, previous) = tokio::try_join!(
            self.count(scope, &query, range, both().chain([measured(timeline)]).collect()),
            self.count(scope, &query, range.previous(), both().collect()),
        )?;
        let (answers, before) = (Answers::new(&current.answers), Answers::new(&previous.answers));
        let all = measures::requests(current.total, answers);
        let known: HashMap<String, RequestMeasures> = before.buckets("services").iter().map(named).collect();
        let line = |(service, measures): (String, RequestMeasures)| ServiceLine {
            previous: known.get(&service).cloned(),
            impact: impact(&measures, &all),
            service,
            current: measures,
        };
        let mut services: Vec<_> = answers.buckets("services").iter().map(named).map(line).collect();
        services.sort_by(|left, right| right.impact.total_cmp(&left.impact));
        let point = |bucket: &Bucket| RequestPoint { start: start_of(&bucket.key), measures: named(bucket).1 };
        // A histogram has its empty spans too; a span without requests has no duration to show.
        let points = answers.buckets(OVER_TIME).iter().filter(|bucket| bucket.count > 0).map(point).collect();
        Ok(PerformanceMetrics {
            range,
            interval_ms: interval_ns / 1_000_000,
            timeline: points,
            services,
            cache: cache_use(answers),
            previous_cache: cache_use(before),
            previous: measures::requests(previous.total, before),
            current: all,
        })
    }

    /// Requests per endpoint and method, at most `limit` of those with the greatest impact.
    ///
    /// # Errors
    /// When the query or a time cannot be read, `limit` is out of bounds, or what the store answers.
    pub async fn endpoints(&self, scope: &Scope, input: &PerformanceInput, limit: usize) -> Result<Endpoints> {
        let (query, range) = self.selection(input)?;
        let limit = checked(limit)?;
        let questions = || {
            let per_method = measured(Aggregation::terms("methods", "method", METHODS_MAX));
            let per_endpoint = measured(Aggregation::terms("endpoints", "endpoint", ENDPOINTS_MAX)).with(per_method);
            let distinct = Aggregation::cardinality("distinct", "endpoint");
            measures::request_questions().into_iter().chain([per_endpoint, distinct]).collect()
        };
        let (current, previous) = tokio::try_join!(
            self.count(scope, &query, range, questions()),
            self.count(scope, &query, range.previous(), questions()),
        )?;
        let (answers, before) = (Answers::new(&current.answers), Answers::new(&previous.answers));
        let all = measures::requests(current.total, answers);
        let known: HashMap<_, _> = before.buckets("endpoints").iter().flat_map(by_method).collect();
        let line = |((endpoint, method), measures): (Called, RequestMeasures)| {
            let called = (endpoint, method);
            let previous = known.get(&called).cloned();
            let (endpoint, method) = called;
            EndpointLine { endpoint, method, previous, impact: impact(&measures, &all), current: measures }
        };
        let mut lines: Vec<_> = answers.buckets("endpoints").iter().flat_map(by_method).map(line).collect();
        lines.sort_by(|left, right| {
            right.impact.total_cmp(&left.impact).then_with(|| right.current.requests.cmp(&left.current.requests))
        });
        lines.truncate(limit);
        let shown: u64 = lines.iter().map(|line| line.current.requests).sum();
        Ok(Endpoints {
            range,
            previous: measures::requests(previous.total, before),
            lines,
            distinct: answers.cardinality("distinct"),
            other_requests: all.requests.saturating_sub(shown),
            current: all,
        })
    }
}

/// An endpoint and the method by which it was called.
type Called = (String, Option<String>);

fn measured(question: Aggregation) -> Aggregation {
    measures::request_questions().into_iter().fold(question, Aggregation::with)
}

fn named(bucket: &Bucket) -> (String, RequestMeasures) {
    (shown(&bucket.key), measures::requests(bucket.count, Answers::new(&bucket.children)))
}

/// An endpoint's requests by method; as one line where no method was logged.
fn by_method(bucket: &Bucket) -> Vec<(Called, RequestMeasures)> {
    let (endpoint, measures) = named(bucket);
    let methods = Answers::new(&bucket.children).buckets("methods");
    if methods.is_empty() {
        return vec![((endpoint, None), measures)];
    }
    let line = |(method, measures)| ((endpoint.clone(), Some(method)), measures);
    methods.iter().map(named).map(line).collect()
}

/// Which share of the time of all requests these took.
fn impact(group: &RequestMeasures, all: &RequestMeasures) -> f64 {
    if all.response.sum_ms > 0.0 { group.response.sum_ms / all.response.sum_ms } else { 0.0 }
}

/// The number of lines asked for.
pub(super) fn checked(limit: usize) -> Result<usize> {
    if (1..=LINES_MAX).contains(&limit) {
        return Ok(limit);
    }
    Err(Error::invalid_field("limit", format!("limit is {limit}; ask for 1 to {LINES_MAX} lines")))
}
