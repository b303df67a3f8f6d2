//! Errors: which, where, since when, and whom they met.

use std::collections::HashSet;

use vigie_domain::aggregation::Aggregation;
use vigie_domain::query::Query;
use vigie_domain::{Result, Scope, TimeRange, Timestamp};

use super::answers::Answers;
use super::timeline::{Granularity, Timeline};
use super::{Analytics, AnalyticsInput, errors};

/// Values shown of each field.
const TOP: usize = 20;
/// Types that are told from those of the period before.
const TYPES_MAX: usize = 1_000;

/// Errors of a period.
#[derive(Clone, Debug)]
pub struct Errors {
    /// The period.
    pub range: TimeRange,
    /// How long a point of the timeline is.
    pub granularity: Granularity,
    /// The numbers of the period.
    pub current: ErrorTotals,
    /// Those of the period before.
    pub previous: ErrorTotals,
    /// Their types, the most frequent first.
    pub by_type: Vec<(String, u64)>,
    /// Types that the period before did not have.
    pub new_types: Vec<(String, u64)>,
    /// Their codes.
    pub by_code: Vec<(String, u64)>,
    /// Status codes of the answers.
    pub by_status_code: Vec<(String, u64)>,
    /// Who sent them.
    pub by_service: Vec<(String, u64)>,
    /// What was asked for.
    pub by_endpoint: Vec<(String, u64)>,
    /// Over time.
    pub timeline: Vec<(Timestamp, u64)>,
}

/// Errors in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorTotals {
    /// Errors.
    pub count: u64,
    /// Events, errors or not.
    pub events: u64,
    /// Distinct users whom they met.
    pub users: u64,
    /// Distinct sessions in which they occurred.
    pub sessions: u64,
}

impl ErrorTotals {
    /// Share of events that are errors, 0 to 1.
    pub fn rate(&self) -> f64 {
        if self.events == 0 { 0.0 } else { self.count as f64 / self.events as f64 }
    }
}

impl Analytics {
    /// Errors of a period: events of level ERROR or FATAL, and those of type `error`.
    ///
    /// # Errors
    /// When the query, a time, the granularity or the zone cannot be read, or what the store answers.
    pub async fn errors(&self, scope: &Scope, input: &AnalyticsInput) -> Result<Errors> {
        let (query, range) = self.selection(input)?;
        let timeline = Timeline::new(range, input.granularity.as_deref(), input.timezone.as_deref())?;
        let failures = Query::Or(vec![errors(), Query::equals("log_type", "error")]).and(query.clone());
        let top = |name: &str, field: &str| Aggregation::terms(name, field, TOP);
        let types = || Aggregation::terms("types", "error_type", TYPES_MAX);
        let lists = [
            types(),
            top("codes", "error_code"),
            top("status_codes", "status_code"),
            top("services", "service"),
            top("endpoints", "endpoint"),
            timeline.question(),
        ];
        let before = range.previous();
        let (current, previous, events, events_before) = tokio::try_join!(
            self.count(scope, &failures, range, met_questions().into_iter().chain(lists).collect()),
            self.count(scope, &failures, before, met_questions().into_iter().chain([types()]).collect()),
            self.count(scope, &query, range, Vec::new()),
            self.count(scope, &query, before, Vec::new()),
        )?;
        let (answers, answers_before) = (Answers::new(&current.answers), Answers::new(&previous.answers));
        let known: HashSet<String> = answers_before.counts("types").into_iter().map(|(name, _)| name).collect();
        let by_type = answers.counts("types");
        let new_types = by_type.iter().filter(|(name, _)| !known.contains(name)).take(TOP).cloned().collect();
        Ok(Errors {
            range,
            granularity: timeline.granularity,
            current: totals(current.total, events.total, answers),
            previous: totals(previous.total, events_before.total, answers_before),
            by_type: by_type.into_iter().take(TOP).collect(),
            new_types,
            by_code: answers.counts("codes"),
            by_status_code: answers.counts("status_codes"),
            by_service: answers.counts("services"),
            by_endpoint: answers.counts("endpoints"),
            timeline: timeline.read(answers).map(|span| (span.start, span.count)).collect(),
        })
    }
}

fn met_questions() -> Vec<Aggregation> {
    vec![Aggregation::cardinality("users", "user_id"), Aggregation::cardinality("sessions", "session_id")]
}

fn totals(count: u64, events: u64, answers: Answers<'_>) -> ErrorTotals {
    ErrorTotals { count, events, users: answers.cardinality("users"), sessions: answers.cardinality("sessions") }
}
