//! Partial answers of an aggregation over some events; mergeable, so that units are counted apart and in parallel.

use std::collections::{BTreeMap, HashMap, HashSet};

use vigie_domain::Value;
use vigie_domain::aggregation::Stats;
use vigie_domain::query::Scalar;

use crate::error::StorageError;

/// Distinct keys, and values kept for percentiles, that one question may hold; past it the question is refused.
pub const STATES_MAX: usize = 20_000_000;

/// The key of a bucket, or a distinct value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A bool.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// The bits of a number that is not whole.
    Float(u64),
    /// A number literal.
    BigNumber(Box<str>),
    /// A string.
    Text(Box<str>),
}

impl Key {
    /// The key of a scalar; instants by their canonical text.
    pub fn new(scalar: Scalar<'_>) -> Self {
        match scalar {
            Scalar::Bool(flag) => Self::Bool(flag),
            Scalar::Int(number) => Self::Int(number),
            Scalar::Float(number) => Self::Float(number.to_bits()),
            Scalar::BigNumber(literal) => Self::BigNumber(literal.into()),
            Scalar::Text(text) => Self::Text(text.into()),
            Scalar::Instant(instant) => Self::Text(instant.to_string().into()),
        }
    }

    /// The value that it stands for.
    pub fn into_value(self) -> Value {
        match self {
            Self::Bool(flag) => Value::Bool(flag),
            Self::Int(number) => Value::Int(number),
            Self::Float(bits) => Value::Float(f64::from_bits(bits)),
            Self::BigNumber(literal) => Value::BigNumber(literal.into()),
            Self::Text(text) => Value::Text(text.into()),
        }
    }
}

/// Count and partial answers of one bucket.
#[derive(Debug, Default)]
pub struct BucketState {
    /// Events in it.
    pub count: u64,
    /// Partial answers to the questions below.
    pub children: Vec<Partial>,
}

/// Numbers summed so far; decimals exactly.
#[derive(Debug, Default)]
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

    fn merge(&mut self, other: Self) {
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
    pub fn finish(self) -> Stats {
        Stats { sum: self.stats.sum + crate::chunk::column::decimal_to_f64(self.decimal_sum), ..self.stats }
    }
}

/// The partial answer to one question.
#[derive(Debug)]
pub enum Partial {
    /// Of `Terms`.
    Terms(HashMap<Key, BucketState>),
    /// Of `DateHistogram`, by start in nanoseconds.
    DateHistogram(BTreeMap<i64, BucketState>),
    /// Of `Filters`, in their order.
    Filters(Vec<BucketState>),
    /// Of `Stats`.
    Stats(StatsState),
    /// Of `Cardinality`.
    Cardinality(HashSet<Key>),
    /// Of `Percentiles`.
    Percentiles(Vec<f64>),
}

impl Partial {
    /// Adds what another run over other events found for the same question.
    ///
    /// # Errors
    /// `TooLarge` when more distinct keys are held than allowed.
    pub fn merge(&mut self, other: Self) -> Result<(), StorageError> {
        match (self, other) {
            (Self::Terms(mine), Self::Terms(theirs)) => {
                for (key, state) in theirs {
                    merge_bucket(mine.entry(key).or_default(), state)?;
                }
                check_states(mine.len())
            }
            (Self::DateHistogram(mine), Self::DateHistogram(theirs)) => {
                for (start, state) in theirs {
                    merge_bucket(mine.entry(start).or_default(), state)?;
                }
                Ok(())
            }
            (Self::Filters(mine), Self::Filters(theirs)) => {
                mine.iter_mut().zip(theirs).try_for_each(|(mine, theirs)| merge_bucket(mine, theirs))
            }
            (Self::Stats(mine), Self::Stats(theirs)) => {
                mine.merge(theirs);
                Ok(())
            }
            (Self::Cardinality(mine), Self::Cardinality(theirs)) => {
                mine.extend(theirs);
                check_states(mine.len())
            }
            (Self::Percentiles(mine), Self::Percentiles(theirs)) => {
                mine.extend(theirs);
                check_states(mine.len())
            }
            _ => unreachable!("partial answers are merged question by question"),
        }
    }
}

fn merge_bucket(mine: &mut BucketState, theirs: BucketState) -> Result<(), StorageError> {
    mine.count += theirs.count;
    if mine.children.is_empty() {
        mine.children = theirs.children;
        return Ok(());
    }
    mine.children.iter_mut().zip(theirs.children).try_for_each(|(mine, theirs)| mine.merge(theirs))
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
