//! From partial answers to answers: keys joined, buckets sorted, cut and completed.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use vigie_domain::Value;
use vigie_domain::aggregation::{
    Aggregation, AggregationAnswer, AggregationKind, BUCKETS_MAX, Bucket, Ranked, Ranking, median_absolute_deviation,
};

use super::Run;
use super::distinct::count_distinct;
use super::keys::{FastMap, KeyRef};
use super::memory::Held;
use super::number_lists;
use super::partial::{BucketState, Partial, TermsSegment, merge_all};
use super::short_texts::{SLOT_BYTES_MAX, ShortCounts, is_short};
use super::top;
use super::tuples::tuple_of;
use crate::error::StorageError;

/// Bytes of an entry of the map of terms, its control byte and free slots included.
const TERM_SLOT_BYTES: usize = 48;
/// Bytes of a short string while it is counted and put in order.
const SHORT_BYTES: usize = 3 * SLOT_BYTES_MAX;
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
            (AggregationKind::Terms { size, order, filter, .. }, Partial::Terms(segments)) => {
                let Ok(test) = filter.compile() else { unreachable!("it was compiled with the question") };
                let test = (!filter.takes_all()).then_some(test);
                self.terms(question, segments, &|terms| {
                    if let Some(test) = &test {
                        terms.retain(|term| test.passes(&term.key.to_value()));
                    }
                    let all = terms.iter().map(|term| term.count).sum();
                    first_of(terms, *size, |left, right| {
                        order.compare(|| left.key.compare(right.key), left.count, right.count)
                    });
                    all
                })?
            }
            (AggregationKind::Tuples(tuples), Partial::Terms(segments)) => {
                self.terms(question, segments, &|terms| {
                    let all = terms.iter().map(|term| term.count).sum();
                    let mut read: Vec<(Vec<Value>, Term<'_>)> =
                        terms.drain(..).map(|term| (tuple_of(term.key.as_text()), term)).collect();
                    first_of(&mut read, tuples.size, |left, right| {
                        tuples.order.compare((&left.0, left.1.count), (&right.0, right.1.count))
                    });
                    terms.extend(read.into_iter().map(|(_, term)| term));
                    all
                })?
            }
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
            (AggregationKind::Percentiles { percents, .. }, Partial::Numbers(lists)) => {
                AggregationAnswer::Percentiles(number_lists::percentiles(lists, percents, &self.run.memory)?)
            }
            (AggregationKind::PercentileRanks { values, .. }, Partial::Numbers(lists)) => {
                AggregationAnswer::Percentiles(number_lists::percentile_ranks(lists, values))
            }
            (AggregationKind::Top { ranking, size }, Partial::Top(lists)) => self.top(ranking, *size, lists)?,
            (_, Partial::Numbers(lists)) => {
                let (mut numbers, _held) = number_lists::sorted(lists, &self.run.memory)?;
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

    fn top(
        &mut self,
        ranking: &Ranking,
        size: usize,
        lists: &[Arc<Vec<Ranked>>],
    ) -> Result<AggregationAnswer, StorageError> {
        let _joined = self.run.memory.hold(lists.iter().map(|list| top::bytes_of_all(list)).sum())?;
        let mut events: Vec<Ranked> = lists.iter().flat_map(|list| list.iter().cloned()).collect();
        top::cut(ranking, &mut events, size);
        self.held.add(top::bytes_of_all(&events))?;
        Ok(AggregationAnswer::Top(events))
    }

    fn terms(
        &mut self,
        question: &Aggregation,
        segments: &[Arc<TermsSegment>],
        cut: &dyn Fn(&mut Vec<Term<'_>>) -> u64,
    ) -> Result<AggregationAnswer, StorageError> {
        let has_children = !question.children.is_empty();
        let entry_count: usize = segments.iter().map(|segment| segment.counts.len()).sum();
        let short_count: usize = segments.iter().map(|segment| segment.short.len()).sum();
        let places = if has_children { PLACES_BYTES } else { 0 };
        let bytes = entry_count * (size_of::<Term<'_>>() + TERM_SLOT_BYTES + places) + short_count * SHORT_BYTES;
        let _held = self.run.memory.hold(bytes)?;
        let size = match &question.kind {
            AggregationKind::Terms { size, .. } => *size,
            _ => 0,
        };
        let short = first_short(segments, size);
        let mut terms = join_terms(segments, has_children, short_count > 0);
        let short_terms = short.first.iter().map(|(text, count)| (KeyRef::Text(text), *count));
        terms.extend(short_terms.map(|(key, count)| Term { key, count, places: Vec::new() }));
        self.run.check()?;
        let all = cut(&mut terms) + short.behind_count;
        let shown: u64 = terms.iter().map(|term| term.count).sum();
        self.reserve(question, terms.len() as u128)?;
        let mut buckets = Vec::with_capacity(terms.len());
        for term in terms {
            let mut children = Vec::new();
            for (segment, entry) in term.places {
                merge_all(&mut children, &segments[segment].children[entry]);
            }
            let key = match &question.kind {
                AggregationKind::Tuples(_) => Value::List(tuple_of(term.key.as_text())),
                _ => term.key.to_value(),
            };
            buckets.push(self.bucket(question, key, term.count, &children)?);
        }
        Ok(AggregationAnswer::Buckets { buckets, other_count: all - shown })
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

/// Puts the first so many in order and leaves out the others.
pub(super) fn first_of<T>(items: &mut Vec<T>, size: usize, order: impl Fn(&T, &T) -> Ordering) {
    if size == 0 {
        items.clear();
    } else if items.len() > size {
        items.select_nth_unstable_by(size - 1, &order);
        items.truncate(size);
    }
    items.sort_unstable_by(order);
}

/// Short strings that were counted by themselves.
#[derive(Default)]
struct Short {
    /// Those with the highest counts, and these.
    first: Vec<(String, u64)>,
    /// Events of all others.
    behind_count: u64,
}

/// The most frequent short strings, as many as asked for. None are told where none were counted by themselves: then they are terms
/// like others.
fn first_short(segments: &[Arc<TermsSegment>], size: usize) -> Short {
    if segments.iter().all(|segment| segment.short.is_empty()) {
        return Short::default();
    }
    let mut counts = ShortCounts::default();
    for segment in segments {
        counts.add_all(&segment.short);
        for (key, count) in &segment.counts {
            if let KeyRef::Text(text) = segment.keys.get(*key) {
                counts.add(text, *count);
            }
        }
    }
    let (first, behind_count) = counts.finish().into_first(size);
    Short { first, behind_count }
}

/// The terms of all segments; without short strings where these are counted by themselves.
fn join_terms(segments: &[Arc<TermsSegment>], has_children: bool, leaves_out_short: bool) -> Vec<Term<'_>> {
    let mut terms: Vec<Term<'_>> = Vec::new();
    let mut places: FastMap<KeyRef<'_>, usize> = FastMap::default();
    places.reserve(segments.iter().map(|segment| segment.counts.len()).max().unwrap_or_default());
    for (number, segment) in segments.iter().enumerate() {
        for (entry, (key, count)) in segment.counts.iter().enumerate() {
            let key = segment.keys.get(*key);
            if leaves_out_short && matches!(key, KeyRef::Text(text) if is_short(text)) {
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
