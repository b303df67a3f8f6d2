//! Rate, errors and duration of a group of requests.

use vigie_domain::aggregation::{Aggregation, AggregationKind};
use vigie_domain::query::{Bound, Predicate, Query};

use crate::analytics::answers::Answers;
use crate::analytics::{errors, filters};

/// The field of response times.
pub(super) const RESPONSE_TIME: &str = "response_time_ms";
/// Shares of requests of which the duration is told, in percent.
pub const PERCENTS: [f64; 5] = [50.0, 75.0, 90.0, 95.0, 99.0];

/// Durations in milliseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Durations {
    /// How many were measured.
    pub count: u64,
    /// Their sum.
    pub sum_ms: f64,
    /// The mean.
    pub avg_ms: Option<f64>,
    /// The shortest.
    pub min_ms: Option<f64>,
    /// The longest.
    pub max_ms: Option<f64>,
    /// Durations below which these shares lie: percent and milliseconds.
    pub percentiles: Vec<(f64, Option<f64>)>,
}

/// A group of requests in numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestMeasures {
    /// Requests.
    pub requests: u64,
    /// Those that failed: answered with 500 or more, or without a status and of level ERROR or FATAL.
    pub failed: u64,
    /// How long they took.
    pub response: Durations,
}

impl RequestMeasures {
    /// Share of requests that failed, 0 to 1.
    pub fn error_rate(&self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.failed as f64 / self.requests as f64 }
    }
}

/// What is asked about durations.
pub(super) fn duration_questions(field: &str) -> Vec<Aggregation> {
    let percentiles = AggregationKind::Percentiles { field: field.into(), percents: PERCENTS.to_vec() };
    vec![Aggregation::stats("durations", field), Aggregation::leaf("duration_percentiles", percentiles)]
}

/// What was answered about durations.
pub(super) fn durations(answers: Answers<'_>) -> Durations {
    let stats = answers.stats("durations");
    Durations {
        count: stats.count,
        sum_ms: stats.sum,
        avg_ms: stats.mean(),
        min_ms: stats.min,
        max_ms: stats.max,
        percentiles: answers.percentiles("duration_percentiles").to_vec(),
    }
}

/// What is asked about requests.
pub(super) fn request_questions() -> Vec<Aggregation> {
    let mut questions = duration_questions(RESPONSE_TIME);
    questions.push(filters("outcomes", vec![("failed", failed())]));
    questions
}

/// What was answered about so many requests.
pub(super) fn requests(count: u64, answers: Answers<'_>) -> RequestMeasures {
    RequestMeasures {
        requests: count,
        failed: answers.bucket_count("outcomes", "failed"),
        response: durations(answers),
    }
}

/// Requests that failed.
fn failed() -> Query {
    let status = Predicate::Range { lower: Bound::Inclusive("500".into()), upper: Bound::Open };
    let without_status = Query::Not(Box::new(Query::exists("status_code"))).and(errors());
    Query::Or(vec![Query::Field { field: "status_code".into(), predicate: status }, without_status])
}
