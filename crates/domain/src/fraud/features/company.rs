//! What was met at a key before: with what, and when for the first and the last time.

use super::history::Kept;
use super::{History, Occurrence};
use crate::Timestamp;

impl History {
    /// What is kept singly before `(at, id)`, in order.
    fn kept_before(&self, at: Timestamp, id: u64) -> impl DoubleEndedIterator<Item = &Kept> {
        self.kept.range(..self.place_behind(|kept| kept.order() < (at, id)))
    }

    /// When the item was first met, of what is kept singly before `(at, id)`.
    pub fn first_met(&self, item: u64, at: Timestamp, id: u64) -> Option<Timestamp> {
        self.kept_before(at, id).map(|kept| kept.occurrence).find(|met| met.item == item).map(|met| met.at)
    }

    /// The last occurrence with another item, of what is kept singly before `(at, id)`.
    pub fn last_other(&self, item: u64, at: Timestamp, id: u64) -> Option<Occurrence> {
        self.kept_before(at, id).map(|kept| kept.occurrence).rfind(|met| met.item != item)
    }

    /// The first occurrence with the item after `after`, of what is kept singly.
    pub fn first_after(&self, item: u64, after: Timestamp) -> Option<Timestamp> {
        let from = self.place_behind(|kept| kept.occurrence.at <= after);
        self.kept.range(from..).map(|kept| kept.occurrence).find(|met| met.item == item).map(|met| met.at)
    }

    /// When its oldest occurrence was that is kept singly.
    pub fn oldest_at(&self) -> Option<Timestamp> {
        self.kept.front().map(|kept| kept.occurrence.at)
    }

    /// Takes an occurrence out that is kept singly; what it was counted in forgets it. False when there is none.
    pub fn remove(&mut self, at: Timestamp, id: u64) -> bool {
        let place = self.place_behind(|kept| kept.order() < (at, id));
        if self.kept.get(place).is_none_or(|kept| kept.order() != (at, id)) {
            return false;
        }
        if let Some(removed) = self.kept.remove(place) {
            self.take_from(place, removed.own());
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Amount, Window};
    use super::*;

    fn history(met: &[(i64, u64)]) -> History {
        let mut history = History::default();
        for (second, item) in met {
            let (at, amount) = (Timestamp::from_seconds(*second), Amount::from_parts(10 * second));
            history.insert(Occurrence { at, id: *second as u64, amount, item: *item }, 100);
        }
        history
    }

    #[test]
    fn company_is_remembered() {
        let history = history(&[(10, 1), (20, 2), (30, 1), (40, 1)]);
        let at = Timestamp::from_seconds;
        assert_eq!(history.first_met(1, at(40), 40), Some(at(10)));
        assert_eq!(history.first_met(2, at(20), 20), None);
        assert_eq!(history.last_other(1, at(40), 40).map(|met| met.at), Some(at(20)));
        assert_eq!(history.last_other(1, at(20), 20), None);
        assert_eq!((history.first_after(1, at(20)), history.first_after(2, at(20))), (Some(at(30)), None));
        assert_eq!(history.oldest_at(), Some(at(10)));
    }

    #[test]
    fn what_is_taken_out_was_never_there() {
        let mut left = history(&[(10, 1), (20, 2), (30, 1)]);
        assert!(left.remove(Timestamp::from_seconds(20), 20));
        assert!(!left.remove(Timestamp::from_seconds(20), 20));
        assert_eq!(left, history(&[(10, 1), (30, 1)]));
        assert_eq!(left.window(Window::Hour1, Timestamp::from_seconds(40)).totals.count, 2);
    }
}
