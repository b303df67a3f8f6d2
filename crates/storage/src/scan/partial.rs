//! Partial answers of an aggregation over some events; mergeable, so that units are counted apart and in parallel.
//!
//! Merging puts segments side by side; keys are looked at once, when the answer is finished. So partial answers of
//! immutable parts can be shared and kept.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use vigie_domain::aggregation::{Ranked, Stats};

use super::keys::Keys;
use super::number_lists::NumberList;
use super::short_texts::CountedTexts;
use super::top::bytes_of_all as bytes_of_all_ranked;

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
        self.stats.sum_of_squares += number * number;
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
        self.stats.sum_of_squares += other.stats.sum_of_squares;
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

/// Numbers with their weights, summed so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct WeightedState {
    sum: f64,
    weights: f64,
    count: u64,
}

impl WeightedState {
    /// Adds a number.
    pub fn add(&mut self, number: f64, weight: f64) {
        self.sum += number * weight;
        self.weights += weight;
        self.count += 1;
    }

    fn merge(&mut self, other: &Self) {
        self.sum += other.sum;
        self.weights += other.weights;
        self.count += other.count;
    }

    /// The mean; `None` without numbers or weight.
    pub fn mean(&self) -> Option<f64> {
        let mean = self.sum / self.weights;
        (self.count > 0 && mean.is_finite()).then_some(mean)
    }
}

/// Buckets by key as one run counted them; a key may be in several entries.
#[derive(Debug)]
pub struct TermsSegment {
    /// Where the keys lie.
    pub keys: Arc<Keys>,
    /// Number of each bucket's key, and its events.
    pub counts: Vec<(u32, u64)>,
    /// Short strings that were counted by themselves; of questions with none below.
    pub short: CountedTexts,
    /// Partial answers to the questions below, in the order of `counts`; empty when there are none.
    pub children: Vec<Vec<Partial>>,
}

/// The partial answer to one question.
#[derive(Clone, Debug)]
pub enum Partial {
    /// Of `Terms`.
    Terms(Vec<Arc<TermsSegment>>),
    /// Of histograms, by start in nanoseconds or place of the span.
    Spans(BTreeMap<i64, BucketState>),
    /// Of `Filters`, in their order.
    Filters(Vec<BucketState>),
    /// Of `Stats`.
    Stats(StatsState),
    /// Of `Cardinality`: hashes of values, each list in order.
    Cardinality(Vec<Arc<Vec<u64>>>),
    /// Of `WeightedMean`.
    Weighted(WeightedState),
    /// Of `Top`: each list in order.
    Top(Vec<Arc<Vec<Ranked>>>),
    /// Of what takes all numbers: percentiles, ranks and the median deviation.
    Numbers(Vec<Arc<NumberList>>),
}

impl Partial {
    /// Adds what another run over other events found for the same question.
    pub fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Terms(mine), Self::Terms(theirs)) => mine.extend(theirs.iter().cloned()),
            (Self::Spans(mine), Self::Spans(theirs)) => {
                theirs.iter().for_each(|(start, state)| mine.entry(*start).or_default().merge(state));
            }
            (Self::Filters(mine), Self::Filters(theirs)) => {
                mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| mine.merge(theirs));
            }
            (Self::Stats(mine), Self::Stats(theirs)) => mine.merge(theirs),
            (Self::Weighted(mine), Self::Weighted(theirs)) => mine.merge(theirs),
            (Self::Cardinality(mine), Self::Cardinality(theirs)) => mine.extend(theirs.iter().cloned()),
            (Self::Numbers(mine), Self::Numbers(theirs)) => mine.extend(theirs.iter().cloned()),
            (Self::Top(mine), Self::Top(theirs)) => mine.extend(theirs.iter().cloned()),
            _ => unreachable!("partial answers are merged question by question"),
        }
    }

    /// Joins what pieces of one part counted, as far as their keys lie in one dictionary.
    pub fn join_pieces(&mut self) {
        let Self::Terms(segments) = self else { return };
        let [first, others @ ..] = segments.as_slice() else { return };
        let is_alike = |other: &Arc<TermsSegment>| other.is_flat() && other.keys.are_the_same(&first.keys);
        if others.is_empty() || !first.is_flat() || !others.iter().all(is_alike) {
            return;
        }
        let mut counts = Vec::new();
        for (key, count) in segments.iter().flat_map(|segment| &segment.counts) {
            if counts.len() <= *key as usize {
                counts.resize(*key as usize + 1, 0);
            }
            counts[*key as usize] += count;
        }
        let counts = (0..).zip(counts).filter(|(_, count)| *count > 0).collect();
        let (keys, short, children) = (first.keys.clone(), CountedTexts::default(), Vec::new());
        *segments = vec![Arc::new(TermsSegment { keys, counts, short, children })];
    }

    /// Puts lists of numbers in order, so that places in them are found without looking at all: worth it for what is
    /// asked again.
    pub fn put_in_order(&self) {
        match self {
            Self::Numbers(lists) => lists.iter().for_each(|list| list.put_in_order()),
            Self::Terms(segments) => {
                let children = segments.iter().flat_map(|segment| &segment.children);
                children.flatten().for_each(Self::put_in_order);
            }
            Self::Spans(states) => states.values().flat_map(|state| &state.children).for_each(Self::put_in_order),
            Self::Filters(states) => states.iter().flat_map(|state| &state.children).for_each(Self::put_in_order),
            Self::Stats(_) | Self::Cardinality(_) | Self::Weighted(_) | Self::Top(_) => {}
        }
    }

    /// Bytes that it holds beside itself; keys that are among those seen are not counted again.
    fn inner_bytes(&self, seen: &mut SeenKeys) -> usize {
        match self {
            Self::Terms(segments) => segments.iter().map(|segment| segment.bytes(seen)).sum(),
            Self::Cardinality(lists) => {
                lists.iter().map(|list| list.capacity() * size_of::<u64>() + SHARED_BYTES).sum()
            }
            Self::Numbers(lists) => {
                lists.iter().map(|list| size_of::<NumberList>() + list.bytes() + SHARED_BYTES).sum()
            }
            Self::Top(lists) => lists.iter().map(|list| bytes_of_all_ranked(list) + SHARED_BYTES).sum(),
            Self::Spans(states) => {
                states.values().map(|state| SPAN_BYTES + size_of::<BucketState>() + state.bytes(seen)).sum()
            }
            Self::Filters(states) => states.iter().map(|state| size_of::<BucketState>() + state.bytes(seen)).sum(),
            Self::Stats(_) | Self::Weighted(_) => 0,
        }
    }
}

/// Keys that were counted.
type SeenKeys = HashSet<*const Keys>;
/// Bytes of the counts of a shared value and of the pointer to it.
const SHARED_BYTES: usize = 24;
/// Bytes of a key of an ordered map, its share of nodes included.
const SPAN_BYTES: usize = 16;

/// Bytes that partial answers hold; keys that several of them share are counted once.
pub fn bytes_of(partials: &[Partial]) -> usize {
    bytes_of_all(partials, &mut SeenKeys::new())
}

fn bytes_of_all(partials: &[Partial], seen: &mut SeenKeys) -> usize {
    partials.iter().map(|partial| size_of::<Partial>() + partial.inner_bytes(seen)).sum()
}

fn keys_bytes(keys: &Arc<Keys>, seen: &mut SeenKeys) -> usize {
    if seen.insert(Arc::as_ptr(keys)) { keys.bytes() + SHARED_BYTES } else { 0 }
}

impl TermsSegment {
    /// Whether it is counts by number of key alone.
    fn is_flat(&self) -> bool {
        self.short.is_empty() && self.children.is_empty()
    }

    fn bytes(&self, seen: &mut SeenKeys) -> usize {
        let children = self.children.iter().map(|children| size_of::<Vec<Partial>>() + bytes_of_all(children, seen));
        let below: usize = children.sum();
        size_of::<Self>()
            + SHARED_BYTES
            + self.counts.capacity() * size_of::<(u32, u64)>()
            + self.short.bytes()
            + below
            + keys_bytes(&self.keys, seen)
    }
}

impl BucketState {
    /// Adds what another run counted in the same bucket.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        merge_all(&mut self.children, &other.children);
    }

    fn bytes(&self, seen: &mut SeenKeys) -> usize {
        bytes_of_all(&self.children, seen)
    }
}

/// Merges partial answers question by question; none stand for answers before any event was seen.
pub fn merge_all(mine: &mut Vec<Partial>, theirs: &[Partial]) {
    if mine.is_empty() {
        theirs.clone_into(mine);
    } else {
        mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| mine.merge(theirs));
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, StringArray};

    use super::super::keys::KeySpace;
    use super::*;

    /// What a piece counted whose keys lie in this dictionary.
    fn piece(values: &ArrayRef, counts: &[(u32, u64)]) -> Arc<TermsSegment> {
        let mut space = KeySpace::default();
        space.dictionary(values);
        let (keys, short, children) = (Arc::new(space.into_keys()), CountedTexts::default(), Vec::new());
        Arc::new(TermsSegment { keys, counts: counts.to_vec(), short, children })
    }

    fn joined(pieces: Vec<Arc<TermsSegment>>) -> Vec<Vec<(u32, u64)>> {
        let mut partial = Partial::Terms(pieces);
        partial.join_pieces();
        let Partial::Terms(segments) = partial else { return Vec::new() };
        segments.iter().map(|segment| segment.counts.clone()).collect()
    }

    #[test]
    fn pieces_with_one_dictionary_are_joined_by_code() {
        let dictionary = || -> ArrayRef { Arc::new(StringArray::from(vec!["a", "b", "c"])) };
        let (own, other) = (dictionary(), dictionary());
        let pieces = |second: &ArrayRef| vec![piece(&own, &[(2, 5), (0, 1)]), piece(second, &[(2, 4), (1, 3)])];
        assert_eq!(joined(pieces(&own)), [[(0, 1), (1, 3), (2, 9)]]);
        assert_eq!(joined(pieces(&other)), [[(2, 5), (0, 1)], [(2, 4), (1, 3)]], "its codes may mean other values");
        assert_eq!(joined(vec![piece(&own, &[(2, 5)])]), [[(2, 5)]]);
    }
}
