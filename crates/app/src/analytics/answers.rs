//! Reads answers by name; what was not answered counts as nothing.

use vigie_domain::Value;
use vigie_domain::aggregation::{AggregationAnswer, Bucket, Stats};

/// Answers to questions by name.
#[derive(Clone, Copy)]
pub(super) struct Answers<'a>(&'a [(String, AggregationAnswer)]);

impl<'a> Answers<'a> {
    pub(super) const fn new(answers: &'a [(String, AggregationAnswer)]) -> Self {
        Self(answers)
    }

    fn get(self, name: &str) -> Option<&'a AggregationAnswer> {
        self.0.iter().find(|(asked, _)| asked == name).map(|(_, answer)| answer)
    }

    pub(super) fn buckets(self, name: &str) -> &'a [Bucket] {
        match self.get(name) {
            Some(AggregationAnswer::Buckets { buckets, .. }) => buckets,
            _ => &[],
        }
    }

    fn bucket(self, name: &str, key: &str) -> Option<&'a Bucket> {
        self.buckets(name).iter().find(|bucket| bucket.key.as_text() == Some(key))
    }

    pub(super) fn bucket_count(self, name: &str, key: &str) -> u64 {
        self.bucket(name, key).map_or(0, |bucket| bucket.count)
    }

    /// The answers within one bucket.
    pub(super) fn within(self, name: &str, key: &str) -> Self {
        Self(self.bucket(name, key).map_or(&[], |bucket| bucket.children.as_slice()))
    }

    pub(super) fn stats(self, name: &str) -> Stats {
        match self.get(name) {
            Some(AggregationAnswer::Stats(stats)) => *stats,
            _ => Stats::default(),
        }
    }

    pub(super) fn cardinality(self, name: &str) -> u64 {
        match self.get(name) {
            Some(AggregationAnswer::Cardinality { count }) => *count,
            _ => 0,
        }
    }

    /// The first percentile asked for.
    pub(super) fn percentile(self, name: &str) -> Option<f64> {
        match self.get(name) {
            Some(AggregationAnswer::Percentiles(values)) => values.first().and_then(|(_, value)| *value),
            _ => None,
        }
    }

    pub(super) fn counts(self, name: &str) -> Vec<(String, u64)> {
        self.buckets(name).iter().map(|bucket| (shown(&bucket.key), bucket.count)).collect()
    }

    /// The sum of `stats` in each bucket of `name`.
    pub(super) fn sums(self, name: &str, stats: &str) -> Vec<(String, f64)> {
        let sum = |bucket: &Bucket| (shown(&bucket.key), Answers::new(&bucket.children).stats(stats).sum);
        self.buckets(name).iter().map(sum).collect()
    }
}

/// A bucket's key in words.
pub(super) fn shown(key: &Value) -> String {
    key.as_text().map_or_else(|| key.to_json().to_string(), str::to_owned)
}
