//! Counts rows into buckets: every question keeps an array by bucket, and hands rows with their bucket to those below.
//!
//! The bucket of a row in the question above is its *parent*. Buckets are numbered as they appear; codes of
//! dictionaries index tables, and no string is touched before the answer is finished.

use std::collections::BTreeMap;
use std::sync::Arc;

use vigie_domain::LogType;
use vigie_domain::aggregation::AggregationKind;

use super::buckets::{BucketCount, Buckets};
use super::distinct::Distinct;
use super::filter::{ScanContext, evaluate};
use super::keys::{KeySpace, Keys};
use super::memory::{Budget, Held};
use super::number_lists::NumberList;
use super::partial::{BucketState, Partial, StatsState, TermsSegment, WeightedState};
use super::question::Question;
use super::short_texts::{CountedTexts, ShortCounts};
use super::span_buckets::Spans;
use super::top::Top;
use super::tuples::for_each_tuple;
use super::visit::{add_stats, add_weighted, count_texts, for_each_key, for_each_number, plain_texts, slot};
use crate::chunk::Chunk;
use crate::error::StorageError;

/// Bytes that the smallest list takes.
const LIST_BYTES_MIN: usize = 16;

/// Rows of a chunk, and for each the bucket it is in.
#[derive(Default)]
pub struct Selected {
    /// Places in the chunk.
    pub rows: Vec<u32>,
    /// The bucket of each.
    pub parents: Vec<u32>,
}

impl Selected {
    fn push(&mut self, row: u32, parent: u32) {
        self.rows.push(row);
        self.parents.push(parent);
    }

    /// Each row with its bucket.
    pub fn pairs(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.rows.iter().copied().zip(self.parents.iter().copied())
    }
}

/// Counts for one question.
pub struct Collector<'q> {
    question: &'q Question,
    state: State,
    /// Bytes of `state`.
    held: Held<'q>,
    children: Vec<Collector<'q>>,
}

enum State {
    /// With short strings by themselves, where no question is above or below.
    Terms {
        keys: Box<KeySpace>,
        buckets: Buckets,
        short: Option<Box<ShortCounts>>,
    },
    Spans(Spans),
    Filters {
        counts: Vec<u64>,
    },
    Stats(Vec<StatsState>),
    Cardinality(Distinct),
    Weighted(Vec<WeightedState>),
    Numbers(Numbers),
    Top(Top),
}

/// Numbers of each parent.
#[derive(Default)]
struct Numbers {
    lists: Vec<Vec<f64>>,
    len: usize,
}

impl State {
    /// Bytes that it holds, those that growing vectors keep free included.
    fn bytes(&self) -> usize {
        match self {
            Self::Terms { keys, buckets, short } => {
                keys.bytes() + buckets.bytes() + short.as_ref().map_or(0, |short| short.bytes())
            }
            Self::Cardinality(distinct) => distinct.bytes(),
            Self::Spans(spans) => spans.bytes(),
            Self::Top(top) => top.bytes(),
            Self::Filters { counts } => counts.capacity() * size_of::<u64>(),
            Self::Stats(states) => states.capacity() * size_of::<StatsState>(),
            Self::Weighted(states) => states.capacity() * size_of::<WeightedState>(),
            Self::Numbers(Numbers { lists, len }) => match lists.as_slice() {
                [list] => list.capacity() * size_of::<f64>(),
                // A list has room for four numbers at least, and for twice what it holds at most.
                _ => lists.capacity() * (size_of::<Vec<f64>>() + 2 * LIST_BYTES_MIN) + len * 2 * size_of::<f64>(),
            },
        }
    }
}

impl<'q> Collector<'q> {
    /// Before any row, for a question that is not below another.
    ///
    /// # Errors
    /// When nothing may be held any more.
    pub fn new(question: &'q Question, memory: &'q Budget) -> Result<Self, StorageError> {
        let mut collector = Self::below(question, memory)?;
        if let State::Terms { short, buckets, .. } = &mut collector.state {
            *short = question.is_of_most_frequent().then(Box::default);
            if question.children.is_empty() {
                *buckets = Buckets::flat();
            }
        }
        Ok(collector)
    }

    fn below(question: &'q Question, memory: &'q Budget) -> Result<Self, StorageError> {
        let state = match &question.asked.kind {
            AggregationKind::Terms { .. } | AggregationKind::Tuples(_) => {
                State::Terms { keys: Box::default(), buckets: Buckets::default(), short: None }
            }
            AggregationKind::DateHistogram { .. }
            | AggregationKind::CalendarHistogram(_)
            | AggregationKind::InstantHistogram { .. }
            | AggregationKind::Histogram { .. } => State::Spans(Spans::default()),
            AggregationKind::Filters(_) => State::Filters { counts: Vec::new() },
            AggregationKind::Stats { .. } => State::Stats(Vec::new()),
            AggregationKind::Cardinality { .. } => State::Cardinality(Distinct::default()),
            AggregationKind::Percentiles { .. }
            | AggregationKind::PercentileRanks { .. }
            | AggregationKind::MedianAbsoluteDeviation { .. } => State::Numbers(Numbers::default()),
            AggregationKind::WeightedMean { .. } => State::Weighted(Vec::new()),
            AggregationKind::Top { .. } => State::Top(Top::default()),
        };
        let children = question.children.iter().map(|child| Self::below(child, memory)).collect::<Result<_, _>>()?;
        Ok(Self { question, state, held: memory.hold(0)?, children })
    }

    /// Counts the rows.
    ///
    /// # Errors
    /// When more would be held than may be.
    pub fn collect(
        &mut self,
        chunk: &Chunk,
        selected: &Selected,
        context: &mut ScanContext<'_>,
    ) -> Result<(), StorageError> {
        if selected.rows.is_empty() {
            return Ok(());
        }
        let mut below = Selected::default();
        let has_children = !self.children.is_empty();
        let mut into_bucket = |row: u32, bucket: u32| {
            if has_children {
                below.push(row, bucket);
            }
        };
        match &mut self.state {
            State::Terms { keys, buckets, short } => match (&self.question.asked.kind, short) {
                (AggregationKind::Tuples(tuples), _) => {
                    for_each_tuple(tuples, self.question, chunk, selected, &mut |row, parent, tuple| {
                        into_bucket(row, buckets.add(parent, keys.text(tuple), 1));
                    })?;
                }
                (_, Some(short)) if plain_texts(self.question, chunk).is_some() => {
                    count_texts(self.question, chunk, selected, short, &mut |text| {
                        buckets.add(0, keys.text(text), 1);
                    });
                }
                _ => for_each_key(self.question, chunk, selected, keys, &mut |row, parent, key| {
                    into_bucket(row, buckets.add(parent, key, 1));
                }),
            },
            State::Cardinality(distinct) => distinct.collect(self.question, chunk, selected),
            State::Spans(spans) => spans.collect(self.question, chunk, selected, &mut into_bucket),
            State::Filters { counts } => {
                let per_parent = self.question.filters.len() as u32;
                let parent_count = selected.parents.iter().max().map_or(0, |last| *last as usize + 1);
                let needed = (parent_count * per_parent as usize).max(counts.len());
                self.held.resize(needed * size_of::<u64>())?;
                for (number, filter) in (0..).zip(&self.question.filters) {
                    let matching = evaluate(filter, chunk, &mut context.tests);
                    for (row, parent) in selected.pairs().filter(|(row, _)| matching.value(*row as usize)) {
                        let bucket = parent * per_parent + number;
                        *slot(counts, bucket) += 1;
                        into_bucket(row, bucket);
                    }
                }
            }
            State::Stats(states) => add_stats(self.question, chunk, selected, states),
            State::Weighted(states) => add_weighted(self.question, chunk, selected, states),
            State::Top(top) => {
                if let AggregationKind::Top { ranking, size } = &self.question.asked.kind {
                    top.collect((ranking, *size), self.question, chunk, selected);
                }
            }
            State::Numbers(Numbers { lists, len }) => {
                for_each_number(self.question, chunk, selected, &mut |_, parent, number| {
                    slot(lists, parent).push(number);
                    *len += 1;
                });
            }
        }
        self.held.resize(self.state.bytes())?;
        self.children.iter_mut().try_for_each(|child| child.collect(chunk, &below, context))
    }

    /// What is counted for.
    pub fn question(&self) -> &'q Question {
        self.question
    }

    /// Counts so many rows of one log type whose time lies in the span of `nanos`, for a question that counts pages.
    pub fn count_page(&mut self, log_type: LogType, nanos: i64, count: u64) {
        match &mut self.state {
            State::Spans(spans) => {
                let Some(span) = self.question.span_of(nanos) else { return };
                let bucket = spans.bucket(0, span.start);
                spans.entries[bucket as usize].2 += count;
            }
            State::Terms { keys, buckets, .. } => {
                buckets.add(0, keys.text(log_type.as_str()), count);
            }
            State::Filters { .. }
            | State::Stats(_)
            | State::Weighted(_)
            | State::Cardinality { .. }
            | State::Top(_)
            | State::Numbers(_) => {}
        }
    }

    /// The partial answer for the one parent of a question that is not below another.
    pub fn finish(self) -> Partial {
        let kind = self.question.asked.kind.clone();
        self.partials(1).pop().unwrap_or_else(|| Partial::empty(&kind))
    }

    /// The partial answer for each parent.
    fn partials(self, parent_count: usize) -> Vec<Partial> {
        let children = self.children;
        match self.state {
            State::Terms { keys, buckets, short } => {
                let mut entries = buckets.into_entries();
                let below = children_by_bucket(children, entries.len());
                let keys = compact(keys.into_keys(), &mut entries);
                let short = short.map(|short| short.finish()).unwrap_or_default();
                terms_partials(Arc::new(keys), entries, below, short, parent_count)
            }
            State::Cardinality(distinct) => {
                let lists = distinct.finish(parent_count);
                lists.map(|hashes| Partial::Cardinality(vec![Arc::new(hashes)])).collect()
            }
            State::Spans(spans) => {
                let below = children_by_bucket(children, spans.entries.len());
                let mut histograms = vec![BTreeMap::new(); parent_count];
                for ((parent, start, count), children) in spans.entries.into_iter().zip(below) {
                    histograms[parent as usize].insert(start, BucketState { count, children });
                }
                histograms.into_iter().map(Partial::Spans).collect()
            }
            State::Filters { mut counts } => {
                let per_parent = self.question.filters.len();
                counts.resize(parent_count * per_parent, 0);
                let below = children_by_bucket(children, counts.len());
                let states: Vec<BucketState> =
                    counts.into_iter().zip(below).map(|(count, children)| BucketState { count, children }).collect();
                if per_parent == 0 {
                    return vec![Partial::Filters(Vec::new()); parent_count];
                }
                states.chunks(per_parent).map(|states| Partial::Filters(states.to_vec())).collect()
            }
            State::Stats(mut states) => {
                states.resize_with(parent_count, StatsState::default);
                states.into_iter().map(Partial::Stats).collect()
            }
            State::Top(top) => {
                let AggregationKind::Top { ranking, size } = &self.question.asked.kind else { return Vec::new() };
                let lists = top.finish(ranking, *size, parent_count);
                lists.map(|list| Partial::Top(vec![Arc::new(list)])).collect()
            }
            State::Weighted(mut states) => {
                states.resize_with(parent_count, WeightedState::default);
                states.into_iter().map(Partial::Weighted).collect()
            }
            State::Numbers(Numbers { mut lists, .. }) => {
                lists.resize_with(parent_count, Vec::new);
                lists.into_iter().map(|list| Partial::Numbers(vec![Arc::new(NumberList::new(list))])).collect()
            }
        }
    }
}

/// The keys of the entries alone when they are few of many: the others need not be held.
fn compact(keys: Keys, entries: &mut [BucketCount]) -> Keys {
    if !keys.are_many_beside(entries.len()) {
        return keys;
    }
    let mut few = KeySpace::default();
    entries.iter_mut().for_each(|(_, key, _)| *key = few.key(keys.get(*key)));
    few.into_keys()
}

/// The partial answers of all children, bucket by bucket.
fn children_by_bucket(children: Vec<Collector<'_>>, bucket_count: usize) -> Vec<Vec<Partial>> {
    let mut by_bucket = vec![Vec::new(); bucket_count];
    for child in children {
        child.partials(bucket_count).into_iter().zip(&mut by_bucket).for_each(|(partial, bucket)| bucket.push(partial));
    }
    by_bucket
}

fn terms_partials(
    keys: Arc<Keys>,
    entries: Vec<BucketCount>,
    below: Vec<Vec<Partial>>,
    mut short: CountedTexts,
    parent_count: usize,
) -> Vec<Partial> {
    let mut segments = vec![(Vec::new(), Vec::new()); parent_count];
    for ((parent, key, count), children) in entries.into_iter().zip(below) {
        let (counts, all_children) = &mut segments[parent as usize];
        counts.push((key, count));
        if !children.is_empty() {
            all_children.push(children);
        }
    }
    // Short strings are counted of one parent alone.
    let mut segment = |(counts, children)| {
        Arc::new(TermsSegment { keys: keys.clone(), counts, short: std::mem::take(&mut short), children })
    };
    segments.into_iter().map(|parts| Partial::Terms(vec![segment(parts)])).collect()
}

impl Partial {
    /// The partial answer before any event was seen.
    pub fn empty(kind: &AggregationKind) -> Self {
        match kind {
            AggregationKind::Terms { .. } | AggregationKind::Tuples(_) => Self::Terms(Vec::new()),
            AggregationKind::DateHistogram { .. }
            | AggregationKind::CalendarHistogram(_)
            | AggregationKind::InstantHistogram { .. }
            | AggregationKind::Histogram { .. } => Self::Spans(BTreeMap::new()),
            AggregationKind::Filters(filters) => Self::Filters(vec![BucketState::default(); filters.len()]),
            AggregationKind::Stats { .. } => Self::Stats(StatsState::default()),
            AggregationKind::Cardinality { .. } => Self::Cardinality(Vec::new()),
            AggregationKind::Percentiles { .. }
            | AggregationKind::PercentileRanks { .. }
            | AggregationKind::MedianAbsoluteDeviation { .. } => Self::Numbers(Vec::new()),
            AggregationKind::WeightedMean { .. } => Self::Weighted(WeightedState::default()),
            AggregationKind::Top { .. } => Self::Top(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use vigie_domain::aggregation::{Aggregation, RankKey, Ranking};
    use vigie_domain::query::parse;
    use vigie_domain::{Event, EventBatch, Scope, Timestamp, Value};

    use super::super::memory::{MemoryBounds, Pool};
    use super::super::run::Run;
    use super::*;
    use crate::chunk::{ChunkBuilder, IndexColumns};

    const ROWS: usize = 1_000;

    fn chunk() -> Chunk {
        let events: EventBatch = (0..ROWS)
            .map(|number| {
                let at = Timestamp::from_seconds(number as i64);
                let body = vec![
                    ("user_id".into(), Value::text(format!("user-{number}"))),
                    ("n".into(), Value::number(number as f64 / 8.0).unwrap()),
                ];
                Event { id: None, timestamp: at, ingested_at: at, log_type: LogType::Error, body }
            })
            .collect();
        ChunkBuilder::build(LogType::Error, (0..).zip(events.rows()), &IndexColumns::default())
    }

    /// Every row counted for the question holds at least so many bytes.
    fn check(asked: &Aggregation, row_bytes_min: usize) {
        let pool = Pool::new(MemoryBounds { one_bytes_max: usize::MAX, all_bytes_max: usize::MAX });
        let run = Run::new(None, Budget::new(&pool), &Run::free().kept);
        let question = Question::new(asked, &Scope::main(), Timestamp::default()).unwrap();
        let mut collector = Collector::new(&question, &run.memory).unwrap();
        let rows = Selected { rows: (0..ROWS as u32).collect(), parents: vec![0; ROWS] };
        collector.collect(&chunk(), &rows, &mut ScanContext::new(&run).unwrap()).unwrap();
        let held = pool.held_bytes();
        assert!(held >= ROWS * row_bytes_min, "{held} bytes are held for {asked:?}");
        drop(collector);
        assert_eq!(pool.held_bytes(), 0);
    }

    #[test]
    fn every_kind_counts_what_it_holds() {
        let percentiles = |name: &str| {
            let kind = AggregationKind::Percentiles { field: "n".into(), percents: vec![50.0] };
            Aggregation::leaf(name, kind)
        };
        let filters = |count: usize| {
            let filters = (0..count).map(|number| (number.to_string(), parse("n:*").unwrap()));
            Aggregation::leaf("filters", AggregationKind::Filters(filters.collect()))
        };
        let seconds = AggregationKind::DateHistogram { interval_ns: 1_000_000_000, offset_ns: 0 };
        // The text itself, its place, its number, the bucket.
        let terms = 8 + 16 + 4 + 16;
        // The text in two numbers, the count.
        check(&Aggregation::terms("users", "user_id", 1), 16 + 8);
        check(&Aggregation::cardinality("users", "user_id"), 8);
        check(&Aggregation::terms("users", "user_id", 1).with(Aggregation::stats("n", "n")), terms + 64);
        check(&Aggregation::terms("users", "user_id", 1).with(filters(50)), terms + 50 * 8);
        check(&Aggregation::leaf("seconds", seconds.clone()), 24);
        check(&Aggregation::leaf("seconds", seconds).with(percentiles("p")), 24 + 24 + 32);
        check(&percentiles("p"), 8);
        let ranking = Ranking::by(vec![RankKey::new("user_id", true)]);
        check(&Aggregation::leaf("top", AggregationKind::Top { ranking, size: ROWS }), 64);
    }
}
