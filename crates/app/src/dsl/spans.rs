//! Buckets of a histogram with the empty ones between them, before and behind them.

use vigie_domain::aggregation::Bucket;
use vigie_domain::{Error, ErrorKind, Result};

use super::shape::Ends;

/// Empty spans that are added to a histogram.
const ADDED_SPANS_MAX: usize = 20_000;

/// How spans follow one another.
pub(super) struct Steps<'a, K> {
    /// The span behind one; `None` behind the last there can be.
    pub(super) next_of: &'a dyn Fn(K) -> Option<K>,
    /// Events that a span must have to be shown.
    pub(super) least_count: u64,
}

impl<K: Copy + Ord> Steps<'_, K> {
    /// The buckets, which come in order, completed as far as the ends that are asked for.
    ///
    /// # Errors
    /// `TooLarge` when more empty ones would be added than may be.
    pub(super) fn completed<'b>(
        &self,
        name: &str,
        known: impl Iterator<Item = (K, &'b Bucket)>,
        wanted: Ends<K>,
    ) -> Result<Vec<(K, Option<&'b Bucket>)>> {
        let known: Vec<(K, Option<&Bucket>)> = known
            .filter(|(_, bucket)| bucket.count >= self.least_count)
            .map(|(key, bucket)| (key, Some(bucket)))
            .collect();
        let has_ends = !known.is_empty() || wanted.iter().all(Option::is_some);
        if self.least_count > 0 || !has_ends {
            return Ok(known);
        }
        let ends = known.iter().map(|(key, _)| *key).chain(wanted.into_iter().flatten());
        let (Some(mut at), Some(last)) = (ends.clone().min(), ends.max()) else { return Ok(known) };
        let mut shown = Vec::with_capacity(known.len());
        let (mut known, mut added) = (known.into_iter().peekable(), 0);
        loop {
            match known.next_if(|(key, _)| *key <= at) {
                Some(bucket) => shown.push(bucket),
                None => {
                    added += 1;
                    shown.push((at, None));
                }
            }
            if added > ADDED_SPANS_MAX {
                let words = format!(
                    "[{name}] has more than {ADDED_SPANS_MAX} spans without an event; ask for wider ones, for less time, or for a [min_doc_count] of 1"
                );
                return Err(Error::new(ErrorKind::TooLarge, words));
            }
            match (self.next_of)(at) {
                Some(next) if at < last => at = next,
                _ => return Ok(shown),
            }
        }
    }
}

/// Whether a span lies within the ends.
pub(super) fn is_within<K: PartialOrd>(key: K, [min, max]: Ends<K>) -> bool {
    min.is_none_or(|min| key >= min) && max.is_none_or(|max| key <= max)
}

#[cfg(test)]
mod tests {
    use vigie_domain::Value;

    use super::*;

    fn check(keys: &[i64], least_count: u64, wanted: Ends<i64>, expected: Result<&[(i64, u64)], &str>) {
        let buckets: Vec<Bucket> =
            keys.iter().map(|key| Bucket { key: Value::Int(*key), count: 2, children: Vec::new() }).collect();
        let steps = Steps { next_of: &|key: i64| key.checked_add(10), least_count };
        let found = steps.completed("h", keys.iter().copied().zip(&buckets), wanted);
        match (found, expected) {
            (Ok(found), Ok(expected)) => {
                let found: Vec<(i64, u64)> =
                    found.into_iter().map(|(key, bucket)| (key, bucket.map_or(0, |bucket| bucket.count))).collect();
                assert_eq!(found, expected, "{keys:?} {wanted:?}");
            }
            (Err(error), Err(words)) => assert!(error.message.contains(words), "{}", error.message),
            (found, _) => panic!("{keys:?} {wanted:?}: {found:?}"),
        }
    }

    #[test]
    fn gaps_are_filled_as_far_as_asked_for() {
        check(&[], 0, [None, None], Ok(&[]));
        check(&[], 0, [Some(0), None], Ok(&[]));
        check(&[], 0, [Some(0), Some(10)], Ok(&[(0, 0), (10, 0)]));
        check(&[0, 20], 0, [None, None], Ok(&[(0, 2), (10, 0), (20, 2)]));
        check(&[0, 20], 1, [Some(-10), Some(40)], Ok(&[(0, 2), (20, 2)]));
        check(&[0, 20], 3, [None, None], Ok(&[]));
        check(&[10], 0, [Some(0), Some(10)], Ok(&[(0, 0), (10, 2)]));
        check(&[10], 0, [None, Some(30)], Ok(&[(10, 2), (20, 0), (30, 0)]));
        check(&[0, i64::MAX], 0, [None, None], Err("[h] has more than 20000 spans"));
        check(&[i64::MAX], 0, [None, None], Ok(&[(i64::MAX, 2)]));
    }

    #[test]
    fn ends_are_within() {
        assert!(is_within(1, [Some(1), None]) && is_within(1, [None, Some(1)]) && is_within(1, [None, None]));
        assert!(!is_within(1, [Some(2), None]) && !is_within(1, [None, Some(0)]));
    }
}
