//! How many distinct values a column has, about: the smallest hashes of them, mergeable from part to part.
//!
//! Source: Bar-Yossef et al., "Counting Distinct Elements in a Data Stream" (2002), the k-minimum-values estimator.

use std::collections::BTreeSet;

/// Hashes kept; the estimate is off by about 6 %.
const KEPT: usize = 256;

/// The smallest hashes of the values seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistinctSketch {
    smallest: BTreeSet<u64>,
}

impl DistinctSketch {
    /// Takes a value's hash into account.
    pub fn add(&mut self, hash: u64) {
        if self.smallest.len() < KEPT {
            self.smallest.insert(hash);
        } else if self.smallest.last().is_some_and(|largest| hash < *largest) && self.smallest.insert(hash) {
            self.smallest.pop_last();
        }
    }

    /// The hashes kept, ascending.
    pub fn hashes(&self) -> impl ExactSizeIterator<Item = u64> + '_ {
        self.smallest.iter().copied()
    }

    /// The number of distinct values, about; exact while there are few.
    pub fn estimate(&self) -> f64 {
        match self.smallest.last() {
            Some(largest) if self.smallest.len() == KEPT => {
                (KEPT - 1) as f64 / ((*largest as f64 + 1.0) / (u64::MAX as f64 + 1.0))
            }
            _ => self.smallest.len() as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part::token_filter::hash_of;

    #[test]
    fn distinct_values_are_counted_about() {
        for (count, tolerance) in [(10, 0.0), (255, 0.0), (10_000, 0.2), (200_000, 0.2)] {
            let (mut left, mut right) = (DistinctSketch::default(), DistinctSketch::default());
            for n in 0..count {
                let hash = hash_of(&format!("user-{n}"));
                left.add(hash);
                if n % 2 == 0 { &mut left } else { &mut right }.add(hash);
            }
            right.hashes().for_each(|hash| left.add(hash));
            let error = (left.estimate() - f64::from(count)).abs() / f64::from(count);
            assert!(error <= tolerance, "{count}: {}", left.estimate());
        }
    }
}
