//! From partial answers to answers: keys joined, buckets sorted, cut and completed.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use vigie_domain::Value;
use vigie_domain::aggregation::{
    Aggregation, AggregationAnswer, AggregationKind, BUCKETS_MAX, Bucket, median_absolute_deviation,
    percentile_of_sorted, percentiles_of, rank_in_sorted,
};

use super::Run;
use super::distinct::count_distinct;
use super::keys::{FastMap, KeyRef};
use super::memory::Held;
use super::partial::{BucketState, Partial, TermsSegment, merge_all};
use super::short_texts::{Counted, ShortCounts, ShortText};
use crate::error::StorageError;

/// Values sorted whole; of more, only the places asked for are put in order.
const SORTED_MAX: usize = 4_096;
/// Bytes of an entry of the map of terms, its control byte and free slots included.
const TERM_SLOT_BYTES: usize = 48;
/// Bytes of a short string while it is counted and put in order.
const SHORT_BYTES: usize = 3 * size_of::<Counted>();
/// Bytes of the places of a term in the segments: room for four.
const PLACES_BYTES: usize = 64;

/// Answers under way: what they hold in memory, and how many buckets they have.
pub struct Finish<'r> {
    run: &'r Run,
    /// Bytes of the answers.
    held: Held<'r>,
    bucket_count: usize,
}

impl<'r> Finish<'r> {
    /// Before any answer.
    ///
    /// # Errors
    /// When nothing may be held any more.
    pub fn new(run: &'r Run) -> Result<Self, StorageError> {
        Ok(Self { run, held: run.memory.hold(0)?, bucket_count: 0 })
    }

    /// The answer to a question from everything that was counted for it.
    ///
    /// # Errors
    /// `TooManyBuckets` when all answers together have more buckets than allowed; when nobody waits any more or too much
    /// would be held.
    pub fn answer(&mut self, question: &Aggregation, partial: &Partial) -> Result<AggregationAnswer, StorageError> {
        self.run.check()?;
        Ok(match (&question.kind, partial) {
            (AggregationKind::Terms { size, .. }, Partial::Terms(segments)) => self.terms(question, segments, *size)?,
            (AggregationKind::DateHistogram { interval_ns, .. }, Partial::Spans(states)) => {
                self.histogram(question, states, *interval_ns)?
            }
            (_, Partial::Spans(states)) => {
                self.reserve(question, states.len() as u128)?;
                let buckets = states
                    .iter()
                    .map(|(start, state)| self.bucket(question, Value::Int(*start), state.count, &state.children));
                AggregationAnswer::Buckets { buckets: buckets.collect::<Result<_, _>>()?, other_count: 0 }
            }
            (AggregationKind::Filters(filters), Partial::Filters(states)) => {
                self.reserve(question, filters.len() as u128)?;
                let named = filters.iter().map(|(name, _)| Value::text(name)).zip(states);
                let buckets = named.map(|(key, state)| self.bucket(question, key, state.count, &state.children));
                AggregationAnswer::Buckets { buckets: buckets.collect::<Result<_, _>>()?, other_count: 0 }
            }
            (AggregationKind::Percentiles { percents, .. }, Partial::Numbers(segments)) => {
                AggregationAnswer::Percentiles(self.percentiles(percents, segments)?)
            }
            (AggregationKind::PercentileRanks { values, .. }, Partial::Numbers(segments)) => {
                let (numbers, _held) = self.sorted(segments)?;
                let ranks = values.iter().map(|value| (*value, rank_in_sorted(&numbers, *value)));
                AggregationAnswer::Percentiles(ranks.collect())
            }
            (_, Partial::Numbers(segments)) => {
                let (mut numbers, _held) = self.sorted(segments)?;
                AggregationAnswer::Number(median_absolute_deviation(&mut numbers))
            }
            (_, Partial::Weighted(state)) => AggregationAnswer::Number(state.mean()),
            (_, Partial::Stats(state)) => AggregationAnswer::Stats(state.finish()),
            (_, Partial::Cardinality(lists)) => AggregationAnswer::Cardinality { count: count_distinct(lists) },
            (_, _) => unreachable!("a partial answer is of the kind of its question"),
        })
    }

    /// Makes room for so many buckets more.
    fn reserve(&mut self, question: &Aggregation, count: u128) -> Result<(), StorageError> {
        let all = count + self.bucket_count as u128;
        if all > BUCKETS_MAX as u128 {
            return Err(StorageError::TooManyBuckets { count: all, names: vec![question.name.clone()] });
        }
        self.bucket_count = all as usize;
        let names: usize = question.children.iter().map(|child| child.name.len()).sum();
        let children = question.children.len() * size_of::<(String, AggregationAnswer)>() + names;
        self.held.add(count as usize * (size_of::<Bucket>() + children))
    }

    fn percentiles(
        &self,
        percents: &[f64],
        segments: &[Arc<Vec<f64>>],
    ) -> Result<Vec<(f64, Option<f64>)>, StorageError> {
        let (mut numbers, _held) = self.joined(segments)?;
        if numbers.len() > SORTED_MAX {
            return Ok(percentiles_of(&mut numbers, percents));
        }
        numbers.sort_unstable_by(f64::total_cmp);
        Ok(percents.iter().map(|percent| (*percent, percentile_of_sorted(&numbers, *percent))).collect())
    }

    /// All numbers, and what they take.
    fn joined(&self, segments: &[Arc<Vec<f64>>]) -> Result<(Vec<f64>, Held<'r>), StorageError> {
        let count = segments.iter().map(|segment| segment.len()).sum();
        let held = self.run.memory.hold(count * size_of::<f64>())?;
        let mut numbers: Vec<f64> = Vec::with_capacity(count);
        segments.iter().for_each(|segment| numbers.extend_from_slice(segment));
        Ok((numbers, held))
    }

    fn sorted(&self, segments: &[Arc<Vec<f64>>]) -> Result<(Vec<f64>, Held<'r>), StorageError> {
        let (mut numbers, held) = self.joined(segments)?;
        numbers.sort_unstable_by(f64::total_cmp);
        Ok((numbers, held))
    }

    fn terms(
        &mut self,
        question: &Aggregation,
        segments: &[Arc<TermsSegment>],
        size: usize,
    ) -> Result<AggregationAnswer, StorageError> {
        let has_children = !question.children.is_empty();
        let entry_count: usize = segments.iter().map(|segment| segment.counts.len()).sum();
        let short_count: usize = segments.iter().map(|segment| segment.short.len()).sum();
        let places = if has_children { PLACES_BYTES } else { 0 };
        let bytes = entry_count * (size_of::<Term<'_>>() + TERM_SLOT_BYTES + places) + short_count * SHORT_BYTES;
        let _held = self.run.memory.hold(bytes)?;
        let order = |left: &Term<'_>, right: &Term<'_>| -> Ordering {
            right.count.cmp(&left.count).then_with(|| left.key.compare(right.key))
        };
        let (short, short_total) = first_short(segments, size);
        let mut terms = join_terms(segments, has_children, short_count > 0);
        self.run.check()?;
        let total: u64 = terms.iter().map(|term| term.count).sum::<u64>() + short_total;
        terms.extend(short.iter().map(|(text, count)| Term {
            key: KeyRef::Text(text),
            count: *count,
            places: Vec::new(),
        }));
        if size == 0 {
            terms.clear();
        } else if terms.len() > size {
            terms.select_nth_unstable_by(size - 1, order);
            terms.truncate(size);
        }
        terms.sort_unstable_by(order);
        let shown: u64 = terms.iter().map(|term| term.count).sum();
        self.reserve(question, terms.len() as u128)?;
        let mut buckets = Vec::with_capacity(terms.len());
        for term in terms {
            let mut children = Vec::new();
            for (segment, entry) in term.places {
                merge_all(&mut children, &segments[segment].children[entry]);
            }
            buckets.push(self.bucket(question, term.key.to_value(), term.count, &children)?);
        }
        Ok(AggregationAnswer::Buckets { buckets, other_count: total - shown })
    }

    fn histogram(
        &mut self,
        question: &Aggregation,
        states: &BTreeMap<i64, BucketState>,
        interval_ns: i64,
    ) -> Result<AggregationAnswer, StorageError> {
        let (Some(first), Some(last)) = (states.keys().next().copied(), states.keys().next_back().copied()) else {
            return Ok(AggregationAnswer::Buckets { buckets: Vec::new(), other_count: 0 });
        };
        let count = (i128::from(last) - i128::from(first)) / i128::from(interval_ns.max(1)) + 1;
        // The last is not before the first.
        self.reserve(question, count.unsigned_abs())?;
        let empty = BucketState::default();
        let buckets = (0..count)
            .map(|index| first + index as i64 * interval_ns)
            .map(|start| {
                let state = states.get(&start).unwrap_or(&empty);
                self.bucket(question, Value::Int(start), state.count, &state.children)
            })
            .collect::<Result<_, _>>()?;
        Ok(AggregationAnswer::Buckets { buckets, other_count: 0 })
    }

    fn bucket(
        &mut self,
        question: &Aggregation,
        key: Value,
        count: u64,
        partials: &[Partial],
    ) -> Result<Bucket, StorageError> {
        let children = question
            .children
            .iter()
            .enumerate()
            .map(|(place, child)| {
                let answer = match partials.get(place) {
                    Some(partial) => self.answer(child, partial),
                    None => self.answer(child, &Partial::empty(&child.kind)),
                };
                let answer = answer.map_err(|error| error.below(&question.name))?;
                Ok((child.name.clone(), answer))
            })
            .collect::<Result<_, StorageError>>()?;
        Ok(Bucket { key, count, children })
    }
}

/// A bucket of terms while it is put together: where the segments have it.
struct Term<'a> {
    key: KeyRef<'a>,
    count: u64,
    places: Vec<(usize, usize)>,
}

/// The short strings with the highest counts, as many as asked for, and how often all of them were counted. None are told where none
/// were counted by themselves: then they are terms like others.
fn first_short(segments: &[Arc<TermsSegment>], size: usize) -> (Vec<(String, u64)>, u64) {
    if segments.iter().all(|segment| segment.short.is_empty()) {
        return (Vec::new(), 0);
    }
    let mut counts = ShortCounts::default();
    for segment in segments {
        segment.short.iter().for_each(|(text, count)| counts.add(*text, *count));
        for (key, count) in &segment.counts {
            if let Some(text) = short_text(segment.keys.get(*key)) {
                counts.add(text, *count);
            }
        }
    }
    let mut counted = counts.finish();
    let total = counted.iter().map(|(_, count)| count).sum();
    let order = |left: &Counted, right: &Counted| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0));
    if counted.len() > size {
        counted.select_nth_unstable_by(size, order);
        counted.truncate(size);
    }
    (counted.into_iter().map(|(text, count)| (text.to_text(), count)).collect(), total)
}

fn short_text(key: KeyRef<'_>) -> Option<ShortText> {
    match key {
        KeyRef::Text(text) => ShortText::new(text),
        KeyRef::Bool(_) | KeyRef::Int(_) | KeyRef::Float(_) | KeyRef::BigNumber(_) => None,
    }
}

/// The terms of all segments; without short strings where these are counted by themselves.
fn join_terms(segments: &[Arc<TermsSegment>], has_children: bool, leaves_out_short: bool) -> Vec<Term<'_>> {
    let mut terms: Vec<Term<'_>> = Vec::new();
    let mut places: FastMap<KeyRef<'_>, usize> = FastMap::default();
    places.reserve(segments.iter().map(|segment| segment.counts.len()).max().unwrap_or_default());
    for (number, segment) in segments.iter().enumerate() {
        for (entry, (key, count)) in segment.counts.iter().enumerate() {
            let key = segment.keys.get(*key);
            if leaves_out_short && short_text(key).is_some() {
                continue;
            }
            let place = *places.entry(key).or_insert(terms.len());
            if place == terms.len() {
                terms.push(Term { key, count: 0, places: Vec::new() });
            }
            terms[place].count += count;
            if has_children {
                terms[place].places.push((number, entry));
            }
        }
    }
    terms
}
