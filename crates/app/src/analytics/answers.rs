//! Reads answers by name; what was not answered counts as nothing.

use vigie_domain::Value;
use vigie_domain::aggregation::{AggregationAnswer, Bucket, Stats};

/// Answers to questions by name.
#[derive(Clone, Copy)]
pub(crate) struct Answers<'a>(&'a [(String, AggregationAnswer)]);

impl<'a> Answers<'a> {
    pub(crate) const fn new(answers: &'a [(String, AggregationAnswer)]) -> Self {
        Self(answers)
    }

    fn get(self, name: &str) -> Option<&'a AggregationAnswer> {
        self.0.iter().find(|(asked, _)| asked == name).map(|(_, answer)| answer)
    }

    pub(crate) fn buckets(self, name: &str) -> &'a [Bucket] {
        match self.get(name) {
            Some(AggregationAnswer::Buckets { buckets, .. }) => buckets,
            _ => &[],
        }
    }

    fn bucket(self, name: &str, key: &str) -> Option<&'a Bucket> {
        self.buckets(name).iter().find(|bucket| bucket.key.as_text() == Some(key))
    }

    pub(crate) fn bucket_count(self, name: &str, key: &str) -> u64 {
        self.bucket(name, key).map_or(0, |bucket| bucket.count)
    }

    /// The answers within one bucket.
    pub(crate) fn within(self, name: &str, key: &str) -> Self {
        Self(self.bucket(name, key).map_or(&[], |bucket| bucket.children.as_slice()))
    }

    pub(crate) fn stats(self, name: &str) -> Stats {
        match self.get(name) {
            Some(AggregationAnswer::Stats(stats)) => *stats,
            _ => Stats::default(),
        }
    }

    pub(crate) fn cardinality(self, name: &str) -> u64 {
        match self.get(name) {
            Some(AggregationAnswer::Cardinality { count }) => *count,
            _ => 0,
        }
    }

    /// The percentiles asked for, in their order.
    pub(crate) fn percentiles(self, name: &str) -> &'a [(f64, Option<f64>)] {
        match self.get(name) {
            Some(AggregationAnswer::Percentiles(values)) => values,
            _ => &[],
        }
    }

    /// The first percentile asked for.
    pub(crate) fn percentile(self, name: &str) -> Option<f64> {
        self.percentiles(name).first().and_then(|(_, value)| *value)
    }

    pub(crate) fn counts(self, name: &str) -> Vec<(String, u64)> {
        self.buckets(name).iter().map(|bucket| (shown(&bucket.key), bucket.count)).collect()
    }

    /// `stats` of each bucket of `name`.
    pub(crate) fn stats_by(self, name: &str, stats: &str) -> Vec<(String, Stats)> {
        let of = |bucket: &Bucket| (shown(&bucket.key), Answers::new(&bucket.children).stats(stats));
        self.buckets(name).iter().map(of).collect()
    }
}

/// A bucket's key in words.
pub(crate) fn shown(key: &Value) -> String {
    key.as_text().map_or_else(|| key.to_json().to_string(), str::to_owned)
}
