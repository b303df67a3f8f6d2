//! Lists of all numbers of a field, for percentiles, ranks and the median deviation.
//!
//! One-off questions only put in order what they need. A list that is kept and asked for again is put in order once;
//! then places among several such lists are found by searching them, without looking at every number.

use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use vigie_domain::aggregation::{percentile_of_sorted, percentiles_of};

use super::memory::{Budget, Held};
use crate::error::StorageError;

/// Numbers sorted whole; of more, only the places asked for are put in order.
const SORTED_MAX: usize = 4_096;
/// Places left among the lists from which on they are copied and put in order.
const COPIED_MAX: usize = 256;

/// Numbers that one run found.
#[derive(Debug)]
pub struct NumberList {
    count: usize,
    /// As they were found, until they are put in order.
    found: Mutex<Vec<f64>>,
    sorted: OnceLock<Vec<f64>>,
}

impl NumberList {
    /// As they were found.
    pub fn new(found: Vec<f64>) -> Self {
        Self { count: found.len(), found: Mutex::new(found), sorted: OnceLock::new() }
    }

    /// Bytes of the numbers.
    pub const fn bytes(&self) -> usize {
        self.count * size_of::<f64>()
    }

    /// Puts them in order, once.
    pub fn put_in_order(&self) {
        if self.sorted.get().is_none() {
            let mut found = self.lock();
            self.sorted.get_or_init(|| {
                let mut numbers = take(&mut *found);
                numbers.sort_unstable_by(f64::total_cmp);
                numbers
            });
        }
    }

    /// Adds them to others.
    fn append_to(&self, numbers: &mut Vec<f64>) {
        let found = self.lock();
        numbers.extend_from_slice(self.sorted.get().map_or(&found, |sorted| sorted));
    }

    /// How many of them are at most the value.
    fn count_to(&self, value: f64) -> usize {
        match self.sorted.get() {
            Some(sorted) => sorted.partition_point(|number| *number <= value),
            None => {
                let found = self.lock();
                let numbers = self.sorted.get().unwrap_or(&found);
                numbers.iter().filter(|number| **number <= value).count()
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<f64>> {
        // Sorting does not panic.
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All numbers in order, and what they take.
///
/// # Errors
/// When so much may not be held.
pub fn sorted<'b>(lists: &[Arc<NumberList>], memory: &'b Budget) -> Result<(Vec<f64>, Held<'b>), StorageError> {
    let (mut numbers, held) = joined(lists, memory)?;
    numbers.sort_unstable_by(f64::total_cmp);
    Ok((numbers, held))
}

fn joined<'b>(lists: &[Arc<NumberList>], memory: &'b Budget) -> Result<(Vec<f64>, Held<'b>), StorageError> {
    let count = count_of(lists);
    let held = memory.hold(count * size_of::<f64>())?;
    let mut numbers: Vec<f64> = Vec::with_capacity(count);
    lists.iter().for_each(|list| list.append_to(&mut numbers));
    Ok((numbers, held))
}

fn count_of(lists: &[Arc<NumberList>]) -> usize {
    lists.iter().map(|list| list.count).sum()
}

/// The values below which shares of all numbers lie, as of `percentile_of_sorted`.
///
/// # Errors
/// When so much may not be held.
pub fn percentiles(
    lists: &[Arc<NumberList>],
    percents: &[f64],
    memory: &Budget,
) -> Result<Vec<(f64, Option<f64>)>, StorageError> {
    if count_of(lists) <= SORTED_MAX {
        let (numbers, _held) = sorted(lists, memory)?;
        return Ok(percents.iter().map(|percent| (*percent, percentile_of_sorted(&numbers, *percent))).collect());
    }
    let (in_order, others): (Vec<_>, Vec<_>) = lists.iter().cloned().partition(|list| list.sorted.get().is_some());
    if count_of(&in_order) < count_of(&others) {
        let (mut numbers, _held) = joined(lists, memory)?;
        return Ok(percentiles_of(&mut numbers, percents));
    }
    let (others, _held) = sorted(&others, memory)?;
    let mut all: Vec<&[f64]> = in_order.iter().filter_map(|list| list.sorted.get()).map(Vec::as_slice).collect();
    all.push(&others);
    Ok(percents.iter().map(|percent| (*percent, percentile_among(&all, *percent))).collect())
}

/// Which share of all numbers, in percent, lies at or below each value; `None` without numbers.
pub fn percentile_ranks(lists: &[Arc<NumberList>], values: &[f64]) -> Vec<(f64, Option<f64>)> {
    let count = count_of(lists);
    let rank = |value: f64| {
        let below: usize = lists.iter().map(|list| list.count_to(value)).sum();
        (count > 0).then(|| below as f64 * 100.0 / count as f64)
    };
    values.iter().map(|value| (*value, rank(*value))).collect()
}

/// As `percentile_of_sorted`, of all numbers of several lists, each in order.
fn percentile_among(lists: &[&[f64]], percent: f64) -> Option<f64> {
    let count: usize = lists.iter().map(|list| list.len()).sum();
    let last = count.checked_sub(1)?;
    let rank = percent.clamp(0.0, 100.0) / 100.0 * last as f64;
    let (place, share) = (rank.floor() as usize, rank.fract());
    let below = number_at(lists.to_vec(), place);
    let above = if share > 0.0 { number_at(lists.to_vec(), (place + 1).min(last)) } else { below };
    Some(below + (above - below) * share)
}

/// The number that would be at the place if all lists were one; each is in order, and the place is one of theirs.
///
/// What cannot be at the place is cut off around the median of the lists' middles, weighted by their lengths: at least a
/// quarter of all each time. Source: Frederickson and Johnson, "The complexity of selection and ranking in X + Y and
/// matrices with sorted columns" (1982).
fn number_at(mut lists: Vec<&[f64]>, mut place: usize) -> f64 {
    loop {
        lists.retain(|list| !list.is_empty());
        let count: usize = lists.iter().map(|list| list.len()).sum();
        if count <= COPIED_MAX {
            let mut left = lists.concat();
            return *left.select_nth_unstable_by(place, f64::total_cmp).1;
        }
        let pivot = middle_of(&lists, count);
        let ends = |list: &&[f64]| {
            let start = list.partition_point(|number| number.total_cmp(&pivot).is_lt());
            (start, start + list[start..].partition_point(|number| number.total_cmp(&pivot).is_le()))
        };
        let ends: Vec<(usize, usize)> = lists.iter().map(ends).collect();
        let below: usize = ends.iter().map(|(start, _)| start).sum();
        let to: usize = ends.iter().map(|(_, end)| end).sum();
        if place < below {
            lists.iter_mut().zip(ends).for_each(|(list, (start, _))| *list = &list[..start]);
        } else if place < to {
            return pivot;
        } else {
            lists.iter_mut().zip(ends).for_each(|(list, (_, end))| *list = &list[end..]);
            place -= to;
        }
    }
}

/// The median of the lists' middles, weighted by their lengths; none is empty.
fn middle_of(lists: &[&[f64]], count: usize) -> f64 {
    let mut middles: Vec<(f64, usize)> = lists.iter().map(|list| (list[list.len() / 2], list.len())).collect();
    middles.sort_unstable_by(|left, right| left.0.total_cmp(&right.0));
    let mut passed = 0;
    let reached = middles.iter().find(|(_, length)| {
        passed += length;
        2 * passed >= count
    });
    reached.map_or(f64::NAN, |(middle, _)| *middle)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vigie_domain::aggregation::rank_in_sorted;

    use super::super::memory::{MemoryBounds, Pool};
    use super::*;

    fn budget() -> Budget {
        Budget::new(&Pool::new(MemoryBounds { one_bytes_max: 1 << 30, all_bytes_max: 1 << 30 }))
    }

    /// Lists of few numbers or many, equal ones among them.
    fn lists() -> impl Strategy<Value = Vec<(Vec<f64>, bool)>> {
        let number = prop_oneof![(-9_i32..9).prop_map(f64::from), -1e9..1e9, Just(-0.0)];
        let length = prop_oneof![0_usize..40, 0_usize..4_000];
        let list = length.prop_flat_map(move |length| prop::collection::vec(number.clone(), length));
        prop::collection::vec((list, any::<bool>()), 0..6)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

        #[test]
        fn places_among_lists_are_those_of_one_list(
            lists in lists(),
            percents in prop::collection::vec(0.0..100.0, 1..4),
            values in prop::collection::vec((-9_i32..9).prop_map(f64::from), 1..4),
        ) {
            let mut whole: Vec<f64> = lists.iter().flat_map(|(list, _)| list.clone()).collect();
            whole.sort_unstable_by(f64::total_cmp);
            let percents = [percents, vec![0.0, 50.0, 100.0]].concat();
            let expected: Vec<_> = percents.iter().map(|asked| (*asked, percentile_of_sorted(&whole, *asked))).collect();
            let ranks: Vec<_> = values.iter().map(|value| (*value, rank_in_sorted(&whole, *value))).collect();
            let (lists, in_order): (Vec<_>, Vec<bool>) =
                lists.into_iter().map(|(list, in_order)| (Arc::new(NumberList::new(list)), in_order)).unzip();
            let memory = budget();
            let all_in_order = vec![true; lists.len()];
            for in_order in [vec![false; lists.len()], in_order, all_in_order] {
                for (list, _) in lists.iter().zip(in_order).filter(|(_, in_order)| *in_order) {
                    list.put_in_order();
                }
                prop_assert_eq!(&percentiles(&lists, &percents, &memory).unwrap(), &expected);
                prop_assert_eq!(&percentile_ranks(&lists, &values), &ranks);
                prop_assert_eq!(&sorted(&lists, &memory).unwrap().0, &whole);
            }
            let parts: Vec<&[f64]> = lists.iter().map(|list| list.sorted.get().unwrap().as_slice()).collect();
            for (percent, expected) in &expected {
                prop_assert_eq!(percentile_among(&parts, *percent), *expected);
            }
        }
    }

    #[test]
    fn what_may_not_be_held_is_not_copied() {
        let memory = Budget::new(&Pool::new(MemoryBounds { one_bytes_max: 1_000, all_bytes_max: 1_000 }));
        let list = Arc::new(NumberList::new((0..10_000).map(f64::from).collect()));
        assert!(percentiles(std::slice::from_ref(&list), &[50.0], &memory).is_err());
        list.put_in_order();
        assert_eq!(percentiles(&[list], &[50.0], &memory).unwrap(), [(50.0, Some(4_999.5))]);
    }
}
