//! Events over time, by level.

use std::collections::BTreeMap;

use vigie_domain::aggregation::{Aggregation, AggregationKind, Bucket};
use vigie_domain::error::ErrorDetail;
use vigie_domain::ports::{AggregateRequest, AggregateResult, ScanStats, Selection};
use vigie_domain::time::NANOS_PER_SECOND;
use vigie_domain::{Error, Result, Scope, TimeRange, Timestamp, Value};

use super::answers::Answers;
use super::interval::{self, WEEK_NS, offset_of};
use super::{Analytics, LEVELS_MAX, with_unlevelled};
use crate::search::parse_query;
use crate::time_range::AskedRange;

/// Buckets that an automatic interval aims at.
const AUTO_BUCKETS: f64 = 60.0;
/// Buckets at most.
pub const BUCKETS_MAX: i64 = 2_000;
/// Automatic intervals, in seconds: borders that people read easily. Past the last, it doubles.
const LADDER_S: [i64; 13] = [1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 43_200, 86_400, 604_800];

/// What a caller asks for.
#[derive(Clone, Debug)]
pub struct HistogramInput {
    /// What was typed; empty means every event.
    pub query: String,
    /// The events' own time; the last day when nothing is said.
    pub range: AskedRange,
    /// `auto`, or a number and a unit such as `30s`, `5m`, `1h`, `1d`.
    pub interval: String,
}

/// Events over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Width of a bucket in milliseconds.
    pub interval_ms: i64,
    /// The range that it covers.
    pub range: TimeRange,
    /// Events in all: the sum of the buckets.
    pub total: u64,
    /// Every bucket that the range touches, empty ones too. The first may begin before the range.
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
    /// Its events by level; those without one are under `none`.
    pub levels: BTreeMap<String, u64>,
}

impl Analytics {
    /// Events over time that match.
    ///
    /// # Errors
    /// `Malformed` when query, time or interval cannot be read; `Invalid` when there would be too many buckets.
    pub async fn histogram(&self, scope: &Scope, input: &HistogramInput) -> Result<Histogram> {
        let query = parse_query(&input.query, self.now())?;
        let range = self.range(&input.range)?;
        let interval_ns = match input.interval.as_str() {
            "auto" => auto_interval(range.length_nanos()),
            text => parse_interval(text)?,
        };
        check_count(range, interval_ns)?;
        let request =
            AggregateRequest { selection: Selection { query, range }, aggregations: vec![question(interval_ns)] };
        Ok(read(range, interval_ns, &self.store.aggregate(scope, &request).await?))
    }
}

/// The interval that makes nearest to `AUTO_BUCKETS` of a range of this length.
pub(crate) fn auto_interval(length_ns: i64) -> i64 {
    // How far off the wish a number of buckets is, as a ratio: 30 and 120 are equally far from 60.
    let distance = |interval_ns: i64| (length_ns as f64 / interval_ns as f64 / AUTO_BUCKETS).ln().abs();
    let doubled = std::iter::successors(Some(WEEK_NS * 2), |interval| interval.checked_mul(2));
    let intervals = LADDER_S.into_iter().map(|seconds| seconds * NANOS_PER_SECOND).chain(doubled);
    intervals.min_by(|left, right| distance(*left).total_cmp(&distance(*right))).unwrap_or(WEEK_NS)
}

/// What is asked for a histogram.
pub(super) fn question(interval_ns: i64) -> Aggregation {
    let kind = AggregationKind::DateHistogram { interval_ns, offset_ns: offset_of(interval_ns) };
    Aggregation::leaf("over_time", kind).with(Aggregation::terms("levels", "level", LEVELS_MAX))
}

/// What was answered, with the buckets that have no event.
pub(super) fn read(range: TimeRange, interval_ns: i64, result: &AggregateResult) -> Histogram {
    let counted: BTreeMap<i64, &Bucket> = Answers::new(&result.answers)
        .buckets("over_time")
        .iter()
        .filter_map(|bucket| match bucket.key {
            Value::Int(start) => Some((start, bucket)),
            _ => None,
        })
        .collect();
    let buckets = starts(range, interval_ns).map(|start| bucket_of(start, counted.get(&start).copied())).collect();
    Histogram { interval_ms: interval_ns / 1_000_000, range, total: result.total, buckets, stats: result.stats }
}

fn bucket_of(start: i64, counted: Option<&Bucket>) -> HistogramBucket {
    let start = Timestamp::from_nanos(start);
    let Some(bucket) = counted else { return HistogramBucket { start, total: 0, levels: BTreeMap::new() } };
    let levels = with_unlevelled(Answers::new(&bucket.children).counts("levels"), bucket.count);
    HistogramBucket { start, total: bucket.count, levels: levels.into_iter().collect() }
}

/// Starts of the buckets that the range touches, and how many these are. In 128 bits: a range may begin at its very end.
fn spans(range: TimeRange, interval_ns: i64) -> (i128, i128) {
    let (from, to) = (i128::from(range.from.as_nanos()), i128::from(range.to.as_nanos()));
    let (interval, offset) = (i128::from(interval_ns), i128::from(offset_of(interval_ns)));
    let first = (from - offset).div_euclid(interval) * interval + offset;
    (first, if to > from { (to - 1 - first) / interval + 1 } else { 0 })
}

fn starts(range: TimeRange, interval_ns: i64) -> impl Iterator<Item = i64> {
    let (first, count) = spans(range, interval_ns);
    (0..count).map(move |index| {
        let start = first + index * i128::from(interval_ns);
        start.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    })
}

fn check_count(range: TimeRange, interval_ns: i64) -> Result<()> {
    let (_, count) = spans(range, interval_ns);
    if count <= i128::from(BUCKETS_MAX) {
        return Ok(());
    }
    let message = format!(
        "the interval would make {count} buckets, at most {BUCKETS_MAX} are allowed; use a wider one, \"auto\" or a shorter time range"
    );
    Err(interval_error(message, Error::invalid))
}

fn parse_interval(text: &str) -> Result<i64> {
    let wrong = || interval_error(format!("\"{text}\" is no interval; use auto, 30s, 5m, 1h or 1d"), Error::malformed);
    interval::parse(text).ok_or_else(wrong)
}

fn interval_error(message: String, make: fn(String) -> Error) -> Error {
    make(message.clone()).with_detail(ErrorDetail { field: "interval".into(), span: None, message })
}

#[cfg(test)]
mod tests {
    use vigie_domain::time::NANOS_PER_DAY;

    use super::*;

    #[test]
    fn automatic_intervals_make_about_sixty_buckets() {
        let check = |length_s: i64, expected_s: i64| {
            assert_eq!(auto_interval(length_s * NANOS_PER_SECOND) / NANOS_PER_SECOND, expected_s, "{length_s} s");
        };
        check(0, 1);
        check(10, 1);
        check(60, 1);
        check(900, 10);
        check(3_600, 60);
        check(86_400, 1_800);
        check(7 * 86_400, 10_800);
        check(30 * 86_400, 43_200);
        check(90 * 86_400, 86_400);
        check(365 * 86_400, 604_800);
        check(20 * 365 * 86_400, 16 * 604_800);
        let whole = TimeRange::ALL.length_nanos();
        assert!(check_count(TimeRange::ALL, auto_interval(whole)).is_ok());
    }

    #[test]
    fn buckets_cover_the_range() {
        let check = |from: i64, to: i64, expected: &[i64]| {
            let range = TimeRange { from: Timestamp::from_nanos(from), to: Timestamp::from_nanos(to) };
            assert_eq!(starts(range, 10).collect::<Vec<_>>(), expected, "{from} to {to}");
        };
        check(5, 30, &[0, 10, 20]);
        check(10, 31, &[10, 20, 30]);
        check(-1, 1, &[-10, 0]);
        check(5, 5, &[]);
    }

    #[test]
    fn weeks_begin_on_mondays() {
        let monday = Timestamp::from_seconds(1_795_392_000);
        let range = TimeRange {
            from: monday.saturating_add_nanos(3 * NANOS_PER_DAY),
            to: monday.saturating_add_nanos(WEEK_NS),
        };
        assert_eq!(starts(range, WEEK_NS).collect::<Vec<_>>(), [monday.as_nanos()]);
    }
}
