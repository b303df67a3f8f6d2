//! Partial answers of an aggregation over some events; mergeable, so that units are counted apart and in parallel.
//!
//! Merging puts segments side by side; keys are looked at once, when the answer is finished. So partial answers of
//! immutable parts can be shared and kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use vigie_domain::aggregation::Stats;

use super::keys::Keys;
use crate::error::StorageError;

/// Distinct keys, and values kept for percentiles, that one question may hold; past it the question is refused.
pub const STATES_MAX: usize = 20_000_000;

/// Count and partial answers of one bucket.
#[derive(Clone, Debug, Default)]
pub struct BucketState {
    /// Events in it.
    pub count: u64,
    /// Partial answers to the questions below.
    pub children: Vec<Partial>,
}

/// Numbers summed so far; decimals exactly.
#[derive(Clone, Debug, Default)]
pub struct StatsState {
    stats: Stats,
    decimal_sum: i128,
}

impl StatsState {
    /// Adds a number.
    pub fn add(&mut self, number: f64) {
        self.stats.sum += number;
        self.note(number);
    }

    /// Adds a number of a decimal column.
    pub fn add_decimal(&mut self, scaled: i128) {
        self.decimal_sum += scaled;
        self.note(crate::chunk::column::decimal_to_f64(scaled));
    }

    fn note(&mut self, number: f64) {
        self.stats.count += 1;
        self.stats.min = Some(self.stats.min.map_or(number, |min| min.min(number)));
        self.stats.max = Some(self.stats.max.map_or(number, |max| max.max(number)));
    }

    fn merge(&mut self, other: &Self) {
        let pick = |left: Option<f64>, right: Option<f64>, better: fn(f64, f64) -> f64| match (left, right) {
            (Some(left), Some(right)) => Some(better(left, right)),
            (left, right) => left.or(right),
        };
        self.stats.count += other.stats.count;
        self.stats.sum += other.stats.sum;
        self.stats.min = pick(self.stats.min, other.stats.min, f64::min);
        self.stats.max = pick(self.stats.max, other.stats.max, f64::max);
        self.decimal_sum += other.decimal_sum;
    }

    /// The answer.
    pub fn finish(&self) -> Stats {
        let sum = self.stats.sum + crate::chunk::column::decimal_to_f64(self.decimal_sum);
        Stats { sum, ..self.stats }
    }
}

/// Buckets by key as one run counted them; a key may be in several entries.
#[derive(Debug)]
pub struct TermsSegment {
    /// Where the keys lie.
    pub keys: Arc<Keys>,
    /// Number of each bucket's key, and its events.
    pub counts: Vec<(u32, u64)>,
    /// Partial answers to the questions below, in the order of `counts`; empty when there are none.
    pub children: Vec<Vec<Partial>>,
}

/// Distinct values as one run saw them; a value may be there several times.
#[derive(Debug)]
pub struct ValuesSegment {
    /// Where they lie.
    pub keys: Arc<Keys>,
    /// Their numbers.
    pub numbers: Vec<u32>,
}

/// The partial answer to one question.
#[derive(Clone, Debug)]
pub enum Partial {
    /// Of `Terms`.
    Terms(Vec<Arc<TermsSegment>>),
    /// Of `DateHistogram`, by start in nanoseconds.
    DateHistogram(BTreeMap<i64, BucketState>),
    /// Of `Filters`, in their order.
    Filters(Vec<BucketState>),
    /// Of `Stats`.
    Stats(StatsState),
    /// Of `Cardinality`.
    Cardinality(Vec<Arc<ValuesSegment>>),
    /// Of `Percentiles`.
    Percentiles(Vec<Arc<Vec<f64>>>),
}

impl Partial {
    /// Adds what another run over other events found for the same question.
    ///
    /// # Errors
    /// `TooLarge` when more is held than allowed.
    pub fn merge(&mut self, other: &Self) -> Result<(), StorageError> {
        match (self, other) {
            (Self::Terms(mine), Self::Terms(theirs)) => {
                mine.extend(theirs.iter().cloned());
                check_states(mine.iter().map(|segment| segment.counts.len()).sum())
            }
            (Self::DateHistogram(mine), Self::DateHistogram(theirs)) => {
                for (start, state) in theirs {
                    mine.entry(*start).or_default().merge(state)?;
                }
                Ok(())
            }
            (Self::Filters(mine), Self::Filters(theirs)) => {
                mine.iter_mut().zip(theirs).try_for_each(|(mine, theirs)| mine.merge(theirs))
            }
            (Self::Stats(mine), Self::Stats(theirs)) => {
                mine.merge(theirs);
                Ok(())
            }
            (Self::Cardinality(mine), Self::Cardinality(theirs)) => {
                mine.extend(theirs.iter().cloned());
                check_states(mine.iter().map(|segment| segment.numbers.len()).sum())
            }
            (Self::Percentiles(mine), Self::Percentiles(theirs)) => {
                mine.extend(theirs.iter().cloned());
                check_states(mine.iter().map(|segment| segment.len()).sum())
            }
            _ => unreachable!("partial answers are merged question by question"),
        }
    }
}

impl BucketState {
    /// Adds what another run counted in the same bucket.
    ///
    /// # Errors
    /// `TooLarge` when more is held than allowed.
    pub fn merge(&mut self, other: &Self) -> Result<(), StorageError> {
        self.count += other.count;
        merge_all(&mut self.children, &other.children)
    }
}

/// Merges partial answers question by question; none stand for answers before any event was seen.
///
/// # Errors
/// `TooLarge` when more is held than allowed.
pub fn merge_all(mine: &mut Vec<Partial>, theirs: &[Partial]) -> Result<(), StorageError> {
    if mine.is_empty() {
        theirs.clone_into(mine);
        return Ok(());
    }
    mine.iter_mut().zip(theirs).try_for_each(|(mine, theirs)| mine.merge(theirs))
}

/// Refuses a question that holds too many distinct keys or values.
///
/// # Errors
/// `TooLarge`, in words.
pub fn check_states(count: usize) -> Result<(), StorageError> {
    if count <= STATES_MAX {
        return Ok(());
    }
    Err(StorageError::TooLarge(format!(
        "the aggregation holds more than {STATES_MAX} distinct values; narrow the time range or the query"
    )))
}
