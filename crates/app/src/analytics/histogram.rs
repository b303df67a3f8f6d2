//! Events over time, by level.

use std::collections::BTreeMap;

use vigie_domain::aggregation::{Aggregation, AggregationKind};
use vigie_domain::error::ErrorDetail;
use vigie_domain::ports::{AggregateRequest, LogStore, ScanStats, Selection};
use vigie_domain::time::NANOS_PER_SECOND;
use vigie_domain::{Error, Result, Scope, TimeRange, Timestamp, Value};

use super::answers::{Answers, shown};
use super::{Analytics, DEFAULT_NS, LISTED_MAX};
use crate::search::parse_query;
use crate::time_range::AskedRange;

/// Buckets that an automatic interval aims at, at most.
const AUTO_BUCKETS: i64 = 75;
/// Buckets at most.
const BUCKETS_MAX: i64 = 2_000;
/// Automatic intervals, in seconds: borders that people read easily.
const LADDER_S: [i64; 16] =
    [1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 43_200, 86_400, 604_800, 2_592_000, 7_776_000, 31_536_000];
/// Level of events without one.
const NO_LEVEL: &str = "none";

/// What a caller asks for.
#[derive(Clone, Debug, Default)]
pub struct HistogramInput {
    /// What was typed; empty means every event.
    pub query: String,
    /// The events' own time.
    pub range: AskedRange,
    /// `auto`, or a number and a unit such as `30s`, `5m`, `1h`, `1d`.
    pub interval: Option<String>,
}

/// Events over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Width of a bucket in milliseconds.
    pub interval_ms: i64,
    /// The range that it covers.
    pub range: TimeRange,
    /// Events in all.
    pub total: u64,
    /// Every bucket of the range, empty ones too.
    pub buckets: Vec<HistogramBucket>,
    /// What it cost.
    pub stats: ScanStats,
}

/// One span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramBucket {
    /// Its first instant.
    pub start: Timestamp,
    /// Its events.
    pub total: u64,
    /// Its events by level; those without are under `none`.
    pub levels: BTreeMap<String, u64>,
}

/// The interval on the ladder that gives at most `AUTO_BUCKETS`.
pub(super) fn auto_interval(length_ns: i64) -> i64 {
    let fits = |seconds: &i64| length_ns / (seconds * NANOS_PER_SECOND) <= AUTO_BUCKETS;
    LADDER_S.into_iter().find(fits).unwrap_or(LADDER_S[LADDER_S.len() - 1]) * NANOS_PER_SECOND
}

impl Analytics {
    /// Events over time that match.
    ///
    /// # Errors
    /// `Malformed` when query, time or interval cannot be read; `Invalid` when there would be too many buckets.
    pub async fn histogram(&self, scope: &Scope, input: &HistogramInput) -> Result<Histogram> {
        let now = self.now();
        let query = parse_query(&input.query, now)?;
        let asked_everything = input.range == AskedRange::default();
        let range = input.range.resolve(now, if asked_everything { Some(DEFAULT_NS) } else { None })?;
        let selection = Selection { query, range: self.bounded(scope, range).await? };
        let length = selection.range.length_nanos();
        let interval_ns = match input.interval.as_deref() {
            None | Some("" | "auto") => auto_interval(length),
            Some(text) => parse_interval(text)?,
        };
        if length / interval_ns > BUCKETS_MAX {
            let message = format!(
                "the interval would make {} buckets, at most {BUCKETS_MAX} are allowed; use a wider one or \"auto\"",
                length / interval_ns
            );
            return Err(interval_error(message, Error::invalid));
        }
        self.histogram_of(scope, selection, interval_ns).await
    }

    /// A range without ends, cut to the days that there are events of.
    async fn bounded(&self, scope: &Scope, range: TimeRange) -> Result<TimeRange> {
        if range.from > Timestamp::MIN && range.to < Timestamp::MAX {
            return Ok(range);
        }
        let indices = self.store.indices(scope).await?;
        let now = self.now();
        let first = indices.first().map_or(now, |index| index.day.start());
        let last = indices.last().map_or(now, |index| index.day.end());
        Ok(TimeRange {
            from: if range.from == Timestamp::MIN { first.min(range.to) } else { range.from },
            to: if range.to == Timestamp::MAX { last.max(range.from) } else { range.to },
        })
    }

    pub(super) async fn histogram_of(
        &self,
        scope: &Scope,
        selection: Selection,
        interval_ns: i64,
    ) -> Result<Histogram> {
        let range = selection.range;
        let question = Aggregation::leaf("time", AggregationKind::DateHistogram { interval_ns, offset_ns: 0 })
            .with(Aggregation::terms("levels", "level", LISTED_MAX));
        let result = self.store.aggregate(scope, &AggregateRequest { selection, aggregations: vec![question] }).await?;
        let counted: BTreeMap<i64, HistogramBucket> = Answers::new(&result.answers)
            .buckets("time")
            .iter()
            .filter_map(|bucket| match bucket.key {
                Value::Int(start) => Some((start, bucket_of(start, bucket))),
                _ => None,
            })
            .collect();
        let buckets = starts(range, interval_ns)
            .map(|start| counted.get(&start).cloned().unwrap_or_else(|| empty_bucket(start)))
            .collect();
        Ok(Histogram { interval_ms: interval_ns / 1_000_000, range, total: result.total, buckets, stats: result.stats })
    }
}

fn bucket_of(start: i64, bucket: &vigie_domain::aggregation::Bucket) -> HistogramBucket {
    let levels = Answers::new(&bucket.children).buckets("levels");
    let mut by_level: BTreeMap<String, u64> = levels.iter().map(|level| (shown(&level.key), level.count)).collect();
    let with_level: u64 = by_level.values().sum();
    if bucket.count > with_level {
        by_level.insert(NO_LEVEL.to_owned(), bucket.count - with_level);
    }
    HistogramBucket { start: Timestamp::from_nanos(start), total: bucket.count, levels: by_level }
}

fn empty_bucket(start: i64) -> HistogramBucket {
    HistogramBucket { start: Timestamp::from_nanos(start), total: 0, levels: BTreeMap::new() }
}

/// Starts of the buckets that the range touches.
fn starts(range: TimeRange, interval_ns: i64) -> impl Iterator<Item = i64> {
    let first = range.from.as_nanos().div_euclid(interval_ns).saturating_mul(interval_ns);
    let count = if range.length_nanos() == 0 { 0 } else { (range.to.as_nanos() - 1 - first) / interval_ns + 1 };
    (0..count).map(move |index| first + index * interval_ns)
}

fn parse_interval(text: &str) -> Result<i64> {
    let wrong = || interval_error(format!("\"{text}\" is no interval; use auto, 30s, 5m, 1h or 1d"), Error::malformed);
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(wrong()),
    };
    let amount: i64 = digits.parse().map_err(|_| wrong())?;
    amount.checked_mul(seconds * NANOS_PER_SECOND).filter(|interval| *interval > 0).ok_or_else(wrong)
}

fn interval_error(message: String, make: fn(String) -> Error) -> Error {
    make(message.clone()).with_detail(ErrorDetail { field: "interval".into(), span: None, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn automatic_intervals_are_readable_and_few() {
        let check = |length_s: i64, expected_s: i64| {
            assert_eq!(auto_interval(length_s * NANOS_PER_SECOND) / NANOS_PER_SECOND, expected_s, "{length_s} s");
        };
        check(60, 1);
        check(900, 30);
        check(3_600, 60);
        check(86_400, 1_800);
        check(7 * 86_400, 10_800);
        check(90 * 86_400, 604_800);
    }

    #[test]
    fn intervals_are_read_or_refused() {
        assert_eq!(parse_interval("5m"), Ok(300 * NANOS_PER_SECOND));
        for text in ["", "5", "m", "0s", "-1h", "5 m", "1y", "99999999999999d"] {
            assert!(parse_interval(text).is_err(), "{text}");
        }
    }

    #[test]
    fn buckets_cover_the_range() {
        let range = TimeRange { from: Timestamp::from_nanos(5), to: Timestamp::from_nanos(30) };
        assert_eq!(starts(range, 10).collect::<Vec<_>>(), [0, 10, 20]);
        assert_eq!(starts(TimeRange { to: range.from, ..range }, 10).count(), 0);
    }
}
