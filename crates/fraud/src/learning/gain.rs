//! How much better a model is than what judges now, and whether that is more than chance.

use serde::{Deserialize, Serialize};

use crate::{ScoredPayment, average_precision};

/// Parts of the test, one after the other, in each of which both are judged.
const PARTS: usize = 4;
/// Parts with frauds that are needed to tell chance from gain.
const PARTS_MIN: usize = 3;

/// What a model gains over what judges now.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// The version of the model that judges; `None`: the rules alone do.
    pub over: Option<u64>,
    /// By how much its average precision is greater, as mean over parts of the test.
    pub mean: f64,
    /// The standard deviation of that from part to part.
    pub deviation: f64,
}

impl Gain {
    /// Of a model over another one, payment by payment in order of time; `None` where too few parts of them have frauds.
    pub(super) fn of(over: Option<u64>, model: &[ScoredPayment], other: &[ScoredPayment]) -> Option<Self> {
        let part_len = model.len().div_ceil(PARTS).max(1);
        let parts = model.chunks(part_len).zip(other.chunks(part_len));
        let has_frauds = |(part, _): &(&[ScoredPayment], _)| part.iter().any(|payment| payment.is_fraud);
        let gain = |(model, other)| average_precision(model) - average_precision(other);
        let gains: Vec<f64> = parts.filter(has_frauds).map(gain).collect();
        if gains.len() < PARTS_MIN {
            return None;
        }
        let count = gains.len() as f64;
        let mean = gains.iter().sum::<f64>() / count;
        let squares: f64 = gains.iter().map(|gain| (gain - mean) * (gain - mean)).sum();
        Some(Self { over, mean, deviation: (squares / (count - 1.0)).sqrt() })
    }

    /// Whether it is more than what parts of the test differ by.
    pub fn is_clear(&self) -> bool {
        self.mean > 0.0 && self.mean > self.deviation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twelve payments, of which each third is a fraud; of every part, in how many places before its fraud good ones stand.
    fn scored(places: [usize; 4]) -> Vec<ScoredPayment> {
        let part = |place: usize| {
            (0..3).map(move |number| ScoredPayment {
                day: vigie_domain::Day(0),
                card: 0,
                score: if number == 2 { 10.0 - 2.0 * place as f64 } else { 9.0 - 2.0 * number as f64 },
                is_fraud: number == 2,
            })
        };
        places.into_iter().flat_map(part).collect()
    }

    #[test]
    fn what_is_more_than_parts_differ_by_is_clear() {
        let gain = |model, other| Gain::of(None, &scored(model), &scored(other)).unwrap();
        let clear = gain([0, 0, 0, 0], [1, 1, 1, 2]);
        assert!((clear.mean - (1.5 + 2.0 / 3.0) / 4.0).abs() < 1e-9, "{clear:?}");
        assert!(clear.deviation > 0.0 && clear.is_clear(), "{clear:?}");
        let chance = gain([0, 1, 0, 1], [1, 0, 1, 1]);
        assert!(chance.mean > 0.0 && !chance.is_clear(), "{chance:?}");
        let same = gain([1, 1, 1, 1], [1, 1, 1, 1]);
        assert_eq!((same.mean, same.deviation, same.is_clear()), (0.0, 0.0, false));
        assert!(!gain([2, 2, 2, 2], [0, 0, 0, 0]).is_clear());
    }

    #[test]
    fn with_few_frauds_nothing_is_told() {
        let mut few = scored([0, 0, 0, 0]);
        few.iter_mut().take(6).for_each(|payment| payment.is_fraud = false);
        assert_eq!(Gain::of(Some(3), &few, &few), None);
        assert_eq!(Gain::of(None, &[], &[]), None);
    }
}
