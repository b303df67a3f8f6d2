//! A detector that learns without labels: how far out in the tails of what it has seen a payment lies.
//!
//! The score is the sum, over the features watched, of −ln P(value ≥ its own): large values are rare, and rare together is rarer. That is the
//! right-tailed form of ECOD (Li and others, 2022) on counts in bins instead of all values, so that memory is fixed.

use serde::{Deserialize, Serialize};

/// The smallest value with a bin of its own, as the power of two it starts at.
const FIRST_POWER: i32 = -20;
/// Powers of two that have bins.
const POWER_COUNT: usize = 64;
/// Bins of one power of two.
const BINS_PER_POWER: usize = 16;
/// Bits of the fraction of a number that tell its bin within a power.
const BIN_BITS: u32 = BINS_PER_POWER.ilog2();
/// Bits of the fraction of a number.
const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;
/// One bin for all that is too small, zero, less or no number.
const BIN_COUNT: usize = POWER_COUNT * BINS_PER_POWER + 1;

/// Counts of values by bin, for each feature watched. Some eight kilobytes a feature, however much it has seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Kept", try_from = "Kept")]
pub struct TailDetector {
    watched: Vec<usize>,
    counts: Vec<Vec<u64>>,
    seen_count: u64,
}

/// A detector as it is kept: of each feature the bins with anything in them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    watched: Vec<usize>,
    bins: Vec<Vec<(usize, u64)>>,
    seen_count: u64,
}

impl From<TailDetector> for Kept {
    fn from(TailDetector { watched, counts, seen_count }: TailDetector) -> Self {
        let bins = |counts: Vec<u64>| counts.into_iter().enumerate().filter(|(_, count)| *count > 0).collect();
        Self { watched, bins: counts.into_iter().map(bins).collect(), seen_count }
    }
}

impl TryFrom<Kept> for TailDetector {
    type Error = &'static str;

    fn try_from(Kept { watched, bins, seen_count }: Kept) -> Result<Self, Self::Error> {
        if watched.len() != bins.len() {
            return Err("as many lists of bins as watched features are needed");
        }
        let mut detector = Self::new(&watched);
        for (counts, bins) in detector.counts.iter_mut().zip(&bins) {
            let mut left = seen_count;
            for (bin, count) in bins {
                let place = counts.get_mut(*bin).ok_or("a bin that there is not")?;
                left = left.checked_sub(*count).ok_or("more values than rows")?;
                *place += count;
            }
            if left > 0 {
                return Err("fewer values than rows");
            }
        }
        Ok(Self { seen_count, ..detector })
    }
}

impl TailDetector {
    /// Watches the features at these places of a row; the higher their values, the more suspicious.
    pub fn new(watched: &[usize]) -> Self {
        Self { watched: watched.to_vec(), counts: vec![vec![0; BIN_COUNT]; watched.len()], seen_count: 0 }
    }

    /// Takes a row in.
    pub fn learn(&mut self, row: &[f64]) {
        self.seen_count += 1;
        for (counts, place) in self.counts.iter_mut().zip(&self.watched) {
            counts[bin(row.get(*place))] += 1;
        }
    }

    /// What each watched feature adds to the score, in their order.
    pub fn contributions(&self, row: &[f64]) -> Vec<f64> {
        let tail = |(counts, place): (&Vec<u64>, &usize)| {
            let as_large: u64 = counts[bin(row.get(*place))..].iter().sum();
            -((as_large + 1) as f64 / (self.seen_count + 1) as f64).ln()
        };
        self.counts.iter().zip(&self.watched).map(tail).collect()
    }

    /// How unusual a row is: 0 for what is no larger than anything seen.
    pub fn score(&self, row: &[f64]) -> f64 {
        self.contributions(row).iter().sum()
    }
}

/// The bin of a value: by its power of two and the first bits of its fraction, so that bins are at most a sixteenth wide.
fn bin(value: Option<&f64>) -> usize {
    let value = value.copied().unwrap_or(f64::NAN);
    if value.is_nan() || value < f64::exp2(f64::from(FIRST_POWER)) {
        return 0;
    }
    let step = |value: f64| (value.to_bits() >> (FRACTION_BITS - BIN_BITS)) as usize;
    (1 + step(value) - step(f64::exp2(f64::from(FIRST_POWER)))).min(BIN_COUNT - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_keep_the_order_of_values() {
        let values =
            [f64::NAN, -3.0, 0.0, 1e-9, 1e-5, 0.5, 1.0, 1.1, 1.2, 2.0, 220.0, 235.0, 1e12, 1e300, f64::INFINITY];
        let bins = values.map(|value| bin(Some(&value)));
        assert!(bins.is_sorted(), "{bins:?}");
        assert_eq!((bins[0], bins[3], bins[14]), (0, 0, BIN_COUNT - 1));
        assert!(bins[6] < bins[7] && bins[10] < bins[11], "{bins:?}");
        assert_eq!(bin(None), 0);
    }

    #[test]
    fn what_is_larger_than_nearly_everything_scores_high() {
        let mut detector = TailDetector::new(&[0, 2]);
        for number in 0..1_000 {
            detector.learn(&[f64::from(number), 1e9, f64::from(number % 10)]);
        }
        let usual = detector.score(&[0.0, 0.0, 0.0]);
        let large = detector.score(&[990.0, 0.0, 0.0]);
        let both = detector.score(&[5_000.0, 0.0, 50.0]);
        assert!(usual == 0.0 && large > 2.0 && both > 13.0, "{usual} {large} {both}");
        let parts = detector.contributions(&[990.0, 0.0, 0.0]);
        assert_eq!(parts.iter().sum::<f64>(), large);
        assert!(parts[0] > 2.0 && parts[1] == 0.0, "{parts:?}");
    }

    #[test]
    fn what_is_kept_is_read_back_and_what_is_none_is_refused() {
        let mut detector = TailDetector::new(&[1, 0]);
        for number in 0..100 {
            detector.learn(&[f64::from(number % 3), f64::from(number)]);
        }
        let text = serde_json::to_string(&detector).unwrap();
        assert_eq!(serde_json::from_str::<TailDetector>(&text).unwrap(), detector);
        let check = |text: &str, expected: &str| {
            let error = serde_json::from_str::<TailDetector>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(r#"{"watched":[0],"bins":[],"seen_count":0}"#, "lists of bins");
        check(r#"{"watched":[0],"bins":[[[1025,1]]],"seen_count":1}"#, "a bin that there is not");
        check(r#"{"watched":[0],"bins":[[[1,1],[1,1]]],"seen_count":1}"#, "more values");
        check(r#"{"watched":[0],"bins":[[[1,1]]],"seen_count":2}"#, "fewer values");
        check(r#"{"watched":[0],"bins":[[]],"seen_count":0,"more":1}"#, "unknown field");
    }

    #[test]
    fn memory_does_not_grow() {
        let mut detector = TailDetector::new(&[0]);
        for number in 0..100_000 {
            detector.learn(&[f64::from(number) * 1e7]);
        }
        assert_eq!(detector.counts[0].len(), BIN_COUNT);
        assert_eq!(detector.counts[0].iter().sum::<u64>(), 100_000);
    }
}
