//! What a key usually spends, and which of its amounts stand out.

use super::history::Kept;
use super::{History, Window};
use crate::Timestamp;

/// An amount of more than this many times the mean of all before it is unusual.
const UNUSUAL_RATIO: f64 = 2.5;
/// The least mean, in units, that amounts are divided by: else a first payment of a few cents makes all others unusual.
const MEAN_MIN: f64 = 1.0;

impl Kept {
    /// The amount as a multiple of the mean of all before it; 1 for the first.
    fn amount_ratio(&self) -> f64 {
        let before = self.before();
        if before.count == 0 { 1.0 } else { self.occurrence.amount.units() / before.mean().max(MEAN_MIN) }
    }

    fn is_usual(&self) -> bool {
        self.amount_ratio() <= UNUSUAL_RATIO
    }
}

impl History {
    fn kept(&self, at: Timestamp, id: u64) -> Option<&Kept> {
        let place = self.place_behind(|kept| kept.order() < (at, id));
        self.kept.get(place).filter(|kept| kept.order() == (at, id))
    }

    /// The amount of an occurrence as a multiple of the mean of all before it, and that mean in units; 1 and 0 for the first one,
    /// and for one that is not kept singly.
    pub fn amount_ratio(&self, at: Timestamp, id: u64) -> (f64, f64) {
        self.kept(at, id).map_or((1.0, 0.0), |kept| (kept.amount_ratio(), kept.before().mean()))
    }

    /// Whether the amount of an occurrence is within what was usual before it; so is one that is not kept singly.
    pub fn is_usual(&self, at: Timestamp, id: u64) -> bool {
        self.kept(at, id).is_none_or(Kept::is_usual)
    }

    /// How many of the occurrences within `(at − window, at]` and before the one named had an unusual amount.
    pub fn unusual_count(&self, window: Window, at: Timestamp, id: u64) -> usize {
        let (after, end) = window.ending(at);
        self.kept_within(after, end).filter(|kept| kept.order() < (at, id) && !kept.is_usual()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Amount, Occurrence};
    use super::*;

    #[test]
    fn amounts_are_measured_by_the_mean_before_them() {
        let mut history = History::default();
        let check = |history: &mut History, (second, units): (i64, f64), expected: (f64, f64, usize)| {
            let (at, id) = (Timestamp::from_seconds(second), second as u64);
            let amount = Amount::from_units(units).unwrap();
            history.insert(Occurrence { at, id, amount, item: 0 }, 100);
            let (ratio, mean) = history.amount_ratio(at, id);
            assert_eq!((ratio, mean, history.unusual_count(Window::Minute1, at, id)), expected, "{second}");
            assert_eq!(history.is_usual(at, id), ratio <= UNUSUAL_RATIO);
        };
        check(&mut history, (100, 10.0), (1.0, 0.0, 0));
        check(&mut history, (110, 30.0), (3.0, 10.0, 0));
        check(&mut history, (120, 20.0), (1.0, 20.0, 1));
        check(&mut history, (160, 20.0), (1.0, 20.0, 1));
        check(&mut history, (171, 50.0), (2.5, 20.0, 0));
    }
}
