//! From partial answers to answers: buckets sorted, cut and completed.

use std::collections::{BTreeMap, HashMap};

use vigie_domain::Value;
use vigie_domain::aggregation::{
    Aggregation, AggregationAnswer, AggregationKind, BUCKETS_MAX, Bucket, cmp_keys, percentile_of_sorted,
};

use super::partial::{BucketState, Key, Partial};
use crate::error::StorageError;

/// The answer to a question from everything that was counted for it.
///
/// # Errors
/// `TooLarge` when there are more buckets than allowed.
pub fn finish(question: &Aggregation, partial: Partial) -> Result<AggregationAnswer, StorageError> {
    Ok(match (&question.kind, partial) {
        (AggregationKind::Terms { size, .. }, Partial::Terms(states)) => finish_terms(question, states, *size)?,
        (AggregationKind::DateHistogram { interval_ns, .. }, Partial::DateHistogram(states)) => {
            finish_histogram(question, states, *interval_ns)?
        }
        (AggregationKind::Filters(filters), Partial::Filters(states)) => {
            let named = filters.iter().map(|(name, _)| Value::text(name)).zip(states);
            let buckets = named.map(|(key, state)| bucket(question, key, state)).collect::<Result<_, _>>()?;
            AggregationAnswer::Buckets { buckets, other_count: 0 }
        }
        (AggregationKind::Percentiles { percents, .. }, Partial::Percentiles(mut numbers)) => {
            numbers.sort_unstable_by(f64::total_cmp);
            AggregationAnswer::Percentiles(
                percents.iter().map(|percent| (*percent, percentile_of_sorted(&numbers, *percent))).collect(),
            )
        }
        (_, Partial::Stats(state)) => AggregationAnswer::Stats(state.finish()),
        (_, Partial::Cardinality(keys)) => AggregationAnswer::Cardinality { count: keys.len() as u64 },
        (_, _) => unreachable!("a partial answer is of the kind of its question"),
    })
}

fn finish_terms(
    question: &Aggregation,
    states: HashMap<Key, BucketState>,
    size: usize,
) -> Result<AggregationAnswer, StorageError> {
    let total: u64 = states.values().map(|state| state.count).sum();
    let mut sorted: Vec<(Value, BucketState)> =
        states.into_iter().map(|(key, state)| (key.into_value(), state)).collect();
    sorted.sort_unstable_by(|(left, left_state), (right, right_state)| {
        right_state.count.cmp(&left_state.count).then_with(|| cmp_keys(left, right))
    });
    sorted.truncate(size);
    let shown: u64 = sorted.iter().map(|(_, state)| state.count).sum();
    let buckets = sorted.into_iter().map(|(key, state)| bucket(question, key, state)).collect::<Result<_, _>>()?;
    Ok(AggregationAnswer::Buckets { buckets, other_count: total - shown })
}

fn finish_histogram(
    question: &Aggregation,
    mut states: BTreeMap<i64, BucketState>,
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
    let buckets = (0..count)
        .map(|index| first + index as i64 * interval_ns)
        .map(|start| bucket(question, Value::Int(start), states.remove(&start).unwrap_or_default()))
        .collect::<Result<_, _>>()?;
    Ok(AggregationAnswer::Buckets { buckets, other_count: 0 })
}

fn bucket(question: &Aggregation, key: Value, state: BucketState) -> Result<Bucket, StorageError> {
    let mut partials = state.children.into_iter();
    let children = question
        .children
        .iter()
        .map(|child| {
            let partial = partials.next().unwrap_or_else(|| Partial::empty(&child.kind));
            Ok((child.name.clone(), finish(child, partial)?))
        })
        .collect::<Result<_, StorageError>>()?;
    Ok(Bucket { key, count: state.count, children })
}
