//! From partial answers to answers: keys joined, buckets sorted, cut and completed.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use vigie_domain::Value;
use vigie_domain::aggregation::{
    Aggregation, AggregationAnswer, AggregationKind, BUCKETS_MAX, Bucket, percentile_of_sorted, percentiles_of,
};

use super::keys::{FastMap, KeyRef};
use super::partial::{BucketState, Partial, TermsSegment, ValuesSegment, merge_all};
use crate::error::StorageError;

/// Values sorted whole; of more, only the places asked for are put in order.
const SORTED_MAX: usize = 4_096;

/// The answer to a question from everything that was counted for it.
///
/// # Errors
/// `TooLarge` when there are more buckets than allowed.
pub fn finish(question: &Aggregation, partial: &Partial) -> Result<AggregationAnswer, StorageError> {
    Ok(match (&question.kind, partial) {
        (AggregationKind::Terms { size, .. }, Partial::Terms(segments)) => finish_terms(question, segments, *size)?,
        (AggregationKind::DateHistogram { interval_ns, .. }, Partial::DateHistogram(states)) => {
            finish_histogram(question, states, *interval_ns)?
        }
        (AggregationKind::Filters(filters), Partial::Filters(states)) => {
            let named = filters.iter().map(|(name, _)| Value::text(name)).zip(states);
            let buckets = named.map(|(key, state)| bucket(question, key, state.count, &state.children));
            AggregationAnswer::Buckets { buckets: buckets.collect::<Result<_, _>>()?, other_count: 0 }
        }
        (AggregationKind::Percentiles { percents, .. }, Partial::Percentiles(segments)) => {
            AggregationAnswer::Percentiles(finish_percentiles(percents, segments))
        }
        (_, Partial::Stats(state)) => AggregationAnswer::Stats(state.finish()),
        (_, Partial::Cardinality(segments)) => AggregationAnswer::Cardinality { count: count_distinct(segments) },
        (_, _) => unreachable!("a partial answer is of the kind of its question"),
    })
}

fn finish_percentiles(percents: &[f64], segments: &[std::sync::Arc<Vec<f64>>]) -> Vec<(f64, Option<f64>)> {
    let mut numbers: Vec<f64> = segments.iter().flat_map(|segment| segment.iter().copied()).collect();
    if numbers.len() > SORTED_MAX {
        return percentiles_of(&mut numbers, percents);
    }
    numbers.sort_unstable_by(f64::total_cmp);
    percents.iter().map(|percent| (*percent, percentile_of_sorted(&numbers, *percent))).collect()
}

fn count_distinct(segments: &[std::sync::Arc<ValuesSegment>]) -> u64 {
    let mut distinct: FastMap<KeyRef<'_>, ()> = FastMap::default();
    distinct.reserve(segments.iter().map(|segment| segment.numbers.len()).max().unwrap_or_default());
    for segment in segments {
        distinct.extend(segment.numbers.iter().map(|number| (segment.keys.get(*number), ())));
    }
    distinct.len() as u64
}

/// A bucket of terms while it is put together: where the segments have it.
struct Term<'a> {
    key: KeyRef<'a>,
    count: u64,
    places: Vec<(usize, usize)>,
}

fn finish_terms(
    question: &Aggregation,
    segments: &[std::sync::Arc<TermsSegment>],
    size: usize,
) -> Result<AggregationAnswer, StorageError> {
    let mut terms = join_terms(segments, !question.children.is_empty());
    let total: u64 = terms.iter().map(|term| term.count).sum();
    let order = |left: &Term<'_>, right: &Term<'_>| -> Ordering {
        right.count.cmp(&left.count).then_with(|| left.key.compare(right.key))
    };
    if size == 0 {
        terms.clear();
    } else if terms.len() > size {
        terms.select_nth_unstable_by(size - 1, order);
        terms.truncate(size);
    }
    terms.sort_unstable_by(order);
    let shown: u64 = terms.iter().map(|term| term.count).sum();
    let mut buckets = Vec::with_capacity(terms.len());
    for term in terms {
        let mut children = Vec::new();
        for (segment, entry) in term.places {
            merge_all(&mut children, &segments[segment].children[entry])?;
        }
        buckets.push(bucket(question, term.key.to_value(), term.count, &children)?);
    }
    Ok(AggregationAnswer::Buckets { buckets, other_count: total - shown })
}

fn join_terms(segments: &[std::sync::Arc<TermsSegment>], has_children: bool) -> Vec<Term<'_>> {
    let mut terms: Vec<Term<'_>> = Vec::new();
    let mut places: FastMap<KeyRef<'_>, usize> = FastMap::default();
    places.reserve(segments.iter().map(|segment| segment.counts.len()).max().unwrap_or_default());
    for (number, segment) in segments.iter().enumerate() {
        for (entry, (key, count)) in segment.counts.iter().enumerate() {
            let key = segment.keys.get(*key);
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

fn finish_histogram(
    question: &Aggregation,
    states: &BTreeMap<i64, BucketState>,
    interval_ns: i64,
) -> Result<AggregationAnswer, StorageError> {
    let (Some(first), Some(last)) = (states.keys().next().copied(), states.keys().next_back().copied()) else {
        return Ok(AggregationAnswer::Buckets { buckets: Vec::new(), other_count: 0 });
    };
    let count = (i128::from(last) - i128::from(first)) / i128::from(interval_ns.max(1)) + 1;
    if count > BUCKETS_MAX as i128 {
        return Err(StorageError::TooLarge(format!(
            "the histogram would have {count} buckets, at most {BUCKETS_MAX} are allowed; use a wider interval or a shorter time range"
        )));
    }
    let empty = BucketState::default();
    let buckets = (0..count)
        .map(|index| first + index as i64 * interval_ns)
        .map(|start| {
            let state = states.get(&start).unwrap_or(&empty);
            bucket(question, Value::Int(start), state.count, &state.children)
        })
        .collect::<Result<_, _>>()?;
    Ok(AggregationAnswer::Buckets { buckets, other_count: 0 })
}

fn bucket(question: &Aggregation, key: Value, count: u64, partials: &[Partial]) -> Result<Bucket, StorageError> {
    let children = question
        .children
        .iter()
        .enumerate()
        .map(|(place, child)| {
            let answer = match partials.get(place) {
                Some(partial) => finish(child, partial)?,
                None => finish(child, &Partial::empty(&child.kind))?,
            };
            Ok((child.name.clone(), answer))
        })
        .collect::<Result<_, StorageError>>()?;
    Ok(Bucket { key, count, children })
}
