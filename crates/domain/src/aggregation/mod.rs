//! The closed aggregation tree: buckets in buckets, metrics at the leaves; and what comes out of it.

mod asked_field;
mod calendar;
mod key_filter;
mod number_spans;
mod ranking;
mod tuples;

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

pub use asked_field::AskedField;
pub use calendar::{CalendarSpans, CalendarUnit};
pub use key_filter::{KeyFilter, KeySet, KeyTest};
pub use number_spans::NumberSpans;
pub use ranking::{RankKey, RankMode, Ranked, Ranking};
pub use tuples::{
    KeyBy, KeyDirection, TUPLES_PER_EVENT_MAX, TimeSpans, TupleKey, TupleOrder, Tuples, for_each_tuple, tuple_count,
};

use crate::query::Query;
use crate::value::Value;

/// One named question, asked of every bucket of the one above it.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregation {
    /// The name under which its answer is found.
    pub name: String,
    /// The question.
    pub kind: AggregationKind,
    /// Asked of each bucket; must be empty below metrics.
    pub children: Vec<Aggregation>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum AggregationKind {
    /// A bucket per value of a field, the first `size`; an event with several values is in several.
    Terms {
        /// Whose values.
        field: AskedField,
        /// How many buckets at most.
        size: usize,
        /// Which come first; ties in count are broken by key.
        order: TermsOrder,
        /// Which values make buckets; others are not counted at all.
        filter: KeyFilter,
    },
    /// A bucket per span of the event's own time; empty ones between the first and last are included.
    DateHistogram {
        /// Width in nanoseconds, above 0.
        interval_ns: i64,
        /// Shift of bucket borders from the epoch, in nanoseconds.
        offset_ns: i64,
    },
    /// A bucket per span of the calendar that holds an event.
    CalendarHistogram(CalendarSpans),
    /// A bucket per combination of values.
    Tuples(Tuples),
    /// A bucket per span of time that holds one of the field's instants; an event is once in each that it has one in.
    InstantHistogram {
        /// Whose values.
        field: AskedField,
        /// The spans.
        spans: TimeSpans,
    },
    /// A bucket per span of numbers that holds one of the field's; an event is once in each that it has a number in.
    Histogram {
        /// Whose values.
        field: AskedField,
        /// The spans.
        spans: NumberSpans,
    },
    /// A bucket per query, in the order given.
    Filters(Vec<(String, Query)>),
    /// Count, sums, minimum and maximum of the numeric values.
    Stats {
        /// Whose values.
        field: AskedField,
    },
    /// How many distinct values; a store may tell them apart by hashes of 64 bits.
    Cardinality {
        /// Whose values.
        field: AskedField,
    },
    /// Values below which a share of the numeric values lies: linear interpolation between closest ranks.
    Percentiles {
        /// Whose values.
        field: AskedField,
        /// Shares in percent, each within 0–100.
        percents: Vec<f64>,
    },
    /// Which share of the numeric values, in percent, lies at or below each of these.
    PercentileRanks {
        /// Whose values.
        field: AskedField,
        /// The numbers that values are compared with.
        values: Vec<f64>,
    },
    /// The median of how far the numeric values lie from their median.
    MedianAbsoluteDeviation {
        /// Whose values.
        field: AskedField,
    },
    /// The mean of the numeric values, each counted as often as the event's weight says; an event without exactly one
    /// weight is left out.
    WeightedMean {
        /// The field of values.
        field: AskedField,
        /// The field of weights.
        weight: AskedField,
    },
    /// The first events of a ranking.
    Top {
        /// In which order.
        ranking: Ranking,
        /// How many at most.
        size: usize,
    },
}

/// Which buckets of values come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermsOrder {
    /// Those with the most events.
    MostFirst,
    /// Those with the fewest events.
    FewestFirst,
    /// Those with the smallest keys.
    SmallestKeyFirst,
    /// Those with the largest keys.
    LargestKeyFirst,
}

impl TermsOrder {
    /// `Less` when the left comes first: how the keys compare, and how many events each has.
    pub fn compare(self, keys: impl FnOnce() -> Ordering, left_count: u64, right_count: u64) -> Ordering {
        match self {
            Self::MostFirst => right_count.cmp(&left_count).then_with(keys),
            Self::FewestFirst => left_count.cmp(&right_count).then_with(keys),
            Self::SmallestKeyFirst => keys(),
            Self::LargestKeyFirst => keys().reverse(),
        }
    }
}

impl AggregationKind {
    /// The most frequent values of a field.
    pub fn terms(field: impl Into<AskedField>, size: usize) -> Self {
        let (order, filter) = (TermsOrder::MostFirst, KeyFilter::default());
        Self::Terms { field: field.into(), size, order, filter }
    }
}

impl Aggregation {
    /// A question without further ones below.
    pub fn leaf(name: impl Into<String>, kind: AggregationKind) -> Self {
        Self { name: name.into(), kind, children: Vec::new() }
    }

    /// The same question with another one below it.
    #[must_use]
    pub fn with(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// A terms question.
    pub fn terms(name: impl Into<String>, field: impl Into<AskedField>, size: usize) -> Self {
        Self::leaf(name, AggregationKind::terms(field, size))
    }

    /// A stats question.
    pub fn stats(name: impl Into<String>, field: impl Into<AskedField>) -> Self {
        Self::leaf(name, AggregationKind::Stats { field: field.into() })
    }

    /// A cardinality question.
    pub fn cardinality(name: impl Into<String>, field: impl Into<AskedField>) -> Self {
        Self::leaf(name, AggregationKind::Cardinality { field: field.into() })
    }
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AggregationAnswer {
    /// Of a bucket question.
    Buckets {
        /// The buckets: terms and combinations in the order asked for; histograms by time; filters as asked.
        buckets: Vec<Bucket>,
        /// Events counted in buckets that are not shown.
        other_count: u64,
    },
    /// Of `Stats`.
    Stats(Stats),
    /// Of `Cardinality`.
    Cardinality {
        /// Distinct values.
        count: u64,
    },
    /// Of `Percentiles`: share in percent and value; of `PercentileRanks`: value and share. `None` without values.
    Percentiles(Vec<(f64, Option<f64>)>),
    /// Of `Top`, in its order.
    Top(Vec<Ranked>),
    /// Of `MedianAbsoluteDeviation` and `WeightedMean`; `None` without values.
    Number(Option<f64>),
}

/// One bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// The value, the list of combined values, the start of the span as nanoseconds since the epoch, the place of the span of numbers, or the filter's name.
    pub key: Value,
    /// Events in it.
    pub count: u64,
    /// Answers to the questions below, by name in the order asked.
    pub children: Vec<(String, AggregationAnswer)>,
}

/// Count, sums, minimum and maximum of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Default)]
pub struct Stats {
    /// How many numbers.
    pub count: u64,
    /// Their sum; decimals are summed exactly.
    pub sum: f64,
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
    /// The sum of their squares.
    pub sum_of_squares: f64,
}

impl Stats {
    /// The mean; `None` without numbers.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// The mean square of how far they lie from their mean; `None` without numbers.
    pub fn variance(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.squares_from_mean() / self.count as f64).max(0.0))
    }

    /// The same as an estimate for all of which these are a sample; `None` without two numbers.
    pub fn variance_of_sample(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.squares_from_mean() / (self.count - 1) as f64).max(0.0))
    }

    fn squares_from_mean(&self) -> f64 {
        self.sum_of_squares - self.sum * self.sum / self.count as f64
    }
}

/// Buckets that one question may make before it is refused.
pub const BUCKETS_MAX: usize = 100_000;

/// The order of bucket keys of equal count: bools, then numbers by value, then strings.
pub fn cmp_keys(left: &Value, right: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) | Value::Float(_) | Value::BigNumber(_) => 2,
        Value::Text(_) => 3,
        Value::List(_) | Value::Object(_) => 4,
    };
    let within = || match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (Value::Text(left), Value::Text(right)) => left.cmp(right),
        (Value::BigNumber(left), Value::BigNumber(right)) => left.cmp(right),
        _ => left.as_f64().unwrap_or_default().total_cmp(&right.as_f64().unwrap_or_default()),
    };
    rank(left).cmp(&rank(right)).then_with(within)
}

/// The value below which `percent` of the sorted numbers lie, by linear interpolation between closest ranks.
///
/// Source: Hyndman and Fan, "Sample Quantiles in Statistical Packages" (1996), definition 7, as in NumPy and ClickHouse's `quantileExactInclusive`.
pub fn percentile_of_sorted(sorted: &[f64], percent: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let rank = percent.clamp(0.0, 100.0) / 100.0 * last as f64;
    let below = rank.floor() as usize;
    let above = (below + 1).min(last);
    let share = rank - below as f64;
    Some(sorted[below] + (sorted[above] - sorted[below]) * share)
}

/// The same for several shares at once; the numbers are put in order only as far as it takes.
pub fn percentiles_of(numbers: &mut [f64], percents: &[f64]) -> Vec<(f64, Option<f64>)> {
    let value = |percent: f64, numbers: &mut [f64]| {
        let last = numbers.len().checked_sub(1)?;
        let rank = percent.clamp(0.0, 100.0) / 100.0 * last as f64;
        let (_, below, above) = numbers.select_nth_unstable_by(rank.floor() as usize, f64::total_cmp);
        let (below, share) = (*below, rank.fract());
        let next = above.iter().copied().min_by(f64::total_cmp).unwrap_or(below);
        Some(below + (next - below) * share)
    };
    percents.iter().map(|percent| (*percent, value(*percent, numbers))).collect()
}

/// Which share of the sorted numbers, in percent, lies at or below the value; `None` without numbers.
pub fn rank_in_sorted(sorted: &[f64], value: f64) -> Option<f64> {
    let below = sorted.partition_point(|number| *number <= value);
    (!sorted.is_empty()).then(|| below as f64 * 100.0 / sorted.len() as f64)
}

/// The median of how far the sorted numbers lie from their median; they are replaced by how far they lie.
pub fn median_absolute_deviation(sorted: &mut [f64]) -> Option<f64> {
    let median = percentile_of_sorted(sorted, 50.0)?;
    sorted.iter_mut().for_each(|number| *number = (*number - median).abs());
    sorted.sort_unstable_by(f64::total_cmp);
    percentile_of_sorted(sorted, 50.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ranked_and_their_spread_is_told() {
        let ranks = |value: f64| rank_in_sorted(&[1.0, 2.0, 2.0, 9.0], value);
        assert_eq!((ranks(0.5), ranks(2.0), ranks(8.9), ranks(9.0)), (Some(0.0), Some(75.0), Some(75.0), Some(100.0)));
        assert_eq!(rank_in_sorted(&[], 1.0), None);
        assert_eq!(median_absolute_deviation(&mut [1.0, 1.0, 2.0, 2.0, 4.0, 6.0, 9.0]), Some(1.0));
        assert_eq!(median_absolute_deviation(&mut []), None);
        let stats = Stats { count: 4, sum: 20.0, min: None, max: None, sum_of_squares: 120.0 };
        assert_eq!((stats.variance(), stats.variance_of_sample()), (Some(5.0), Some(20.0 / 3.0)));
        assert_eq!((Stats::default().variance(), Stats { count: 1, ..stats }.variance_of_sample()), (None, None));
    }

    #[test]
    fn percentiles_of_unsorted_numbers_are_those_of_sorted_ones() {
        let mut numbers: Vec<f64> = (0..1_000).map(|n| f64::from(n * 7_919 % 1_000)).collect();
        let sorted: Vec<f64> = (0..1_000).map(f64::from).collect();
        let percents = [0.0, 5.0, 33.3, 50.0, 99.9, 100.0];
        let expected: Vec<_> =
            percents.iter().map(|percent| (*percent, percentile_of_sorted(&sorted, *percent))).collect();
        assert_eq!(percentiles_of(&mut numbers, &percents), expected);
        assert_eq!(percentiles_of(&mut [], &[50.0]), [(50.0, None)]);
    }

    #[test]
    fn percentiles_interpolate() {
        assert_eq!(percentile_of_sorted(&[], 50.0), None);
        assert_eq!(percentile_of_sorted(&[1.0], 95.0), Some(1.0));
        assert_eq!(percentile_of_sorted(&[1.0, 2.0, 3.0, 4.0], 50.0), Some(2.5));
        assert_eq!(percentile_of_sorted(&[1.0, 2.0, 3.0, 4.0], 100.0), Some(4.0));
    }
}
