//! The past of one key: its occurrences in order of time, each kept singly up to a bound.
//!
//! A history is a function of the set of its occurrences: they are ordered by time and id, whatever the order they came in. What
//! is kept singly are the newest `kept_max` of those within reach. Past that bound the oldest are folded into totals by
//! the hour: counts and sums of a window that reaches so far back hold up to an hour too much at its far end, distinct counts leave out
//! what was folded, and both say so.

use std::collections::VecDeque;

use foldhash::HashSet;

use super::hours::{Hours, hour_of};
use super::window::REACH_NANOS;
use super::{Amount, Totals, Window, WindowTotals};
use crate::Timestamp;

/// One event at a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// When it happened.
    pub at: Timestamp,
    /// What tells it from others of the same instant; orders them.
    pub id: u64,
    /// The amount of money that moved.
    pub amount: Amount,
    /// What was met at this key, such as the merchant of a card; counted distinctly.
    pub item: u64,
}

/// What is known of an occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Nothing bad.
    Unmarked,
    /// It was fraud, and its amount told so.
    UnusualFraud,
    /// It was fraud, with an amount that is usual for who paid.
    UsualFraud,
}

impl Mark {
    fn totals(self) -> Totals {
        let (fraud_count, usual_fraud_count) = match self {
            Self::Unmarked => (0, 0),
            Self::UnusualFraud => (1, 0),
            Self::UsualFraud => (1, 1),
        };
        Totals { fraud_count, usual_fraud_count, ..Totals::default() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) occurrence: Occurrence,
    pub(super) mark: Mark,
    /// Totals of everything in the history up to and including this one.
    through: Totals,
}

impl Kept {
    pub(super) fn order(&self) -> (Timestamp, u64) {
        (self.occurrence.at, self.occurrence.id)
    }

    /// Totals of everything in the history before this one.
    pub(super) fn before(&self) -> Totals {
        self.through - self.own()
    }

    pub(super) fn own(&self) -> Totals {
        let amount_parts = i128::from(self.occurrence.amount.parts());
        Totals { count: 1, amount_parts, ..self.mark.totals() }
    }
}

/// How many different items are told apart by comparing each with each; past them they are hashed.
const FEW_ITEMS: usize = 16;

fn count_distinct(mut items: impl Iterator<Item = u64>) -> usize {
    let (mut few, mut count) = ([0; FEW_ITEMS], 0);
    for item in items.by_ref() {
        if few[..count].contains(&item) {
            continue;
        }
        if count == FEW_ITEMS {
            let all: HashSet<u64> = few.into_iter().chain([item]).chain(items).collect();
            return all.len();
        }
        few[count] = item;
        count += 1;
    }
    count
}

/// The occurrences of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Ordered by time and id.
    pub(super) kept: VecDeque<Kept>,
    /// None while nothing was folded, which is so at nearly all keys.
    pub(super) hours: Option<Box<Hours>>,
}

impl History {
    /// Puts an occurrence in its place; false when it is among those kept singly already. Of more than `kept_max` the oldest
    /// are folded.
    pub fn insert(&mut self, occurrence: Occurrence, kept_max: usize) -> bool {
        if !self.insert_kept(occurrence, Mark::Unmarked) {
            return false;
        }
        let newest_at = self.newest_at().unwrap_or(occurrence.at);
        let first_hour = hour_of(newest_at.saturating_add_nanos(-REACH_NANOS));
        while let Some(first) = self.kept.front() {
            if self.kept.len() <= kept_max && hour_of(first.occurrence.at) >= first_hour {
                break;
            }
            self.hours.get_or_insert_default().fold(first.occurrence.at, first.own());
            self.kept.pop_front();
        }
        if let Some(hours) = &mut self.hours {
            hours.join_before(first_hour);
        }
        true
    }

    /// Puts an occurrence among those kept singly, and counts it in what follows.
    pub(super) fn insert_kept(&mut self, occurrence: Occurrence, mark: Mark) -> bool {
        let order = (occurrence.at, occurrence.id);
        let place = self.place_behind(|kept| kept.order() < order);
        if self.kept.get(place).is_some_and(|kept| kept.order() == order) {
            return false;
        }
        let before = match place.checked_sub(1) {
            Some(previous) => self.kept[previous].through,
            None => self.folded_through(Timestamp::MAX),
        };
        let mut kept = Kept { occurrence, mark, through: before };
        let own = kept.own();
        kept.through += own;
        if self.kept.len() == self.kept.capacity() {
            // Most keys have one occurrence, for which the standard growth would make room for four.
            self.kept.reserve_exact(self.kept.len().max(1));
        }
        self.kept.insert(place, kept);
        self.add_from(place + 1, own);
        true
    }

    /// Notes that the occurrence was fraud; false when it is unknown or was marked before. One that is kept by the hour only is
    /// counted each time it is named.
    pub fn mark_fraud(&mut self, at: Timestamp, id: u64, is_usual: bool) -> bool {
        let mark = if is_usual { Mark::UsualFraud } else { Mark::UnusualFraud };
        let place = self.place_behind(|kept| kept.order() < (at, id));
        match self.kept.get_mut(place).filter(|kept| kept.order() == (at, id)) {
            Some(kept) if kept.mark != Mark::Unmarked => return false,
            Some(kept) => kept.mark = mark,
            None => match &mut self.hours {
                Some(hours) if hours.newest_at.is_some_and(|newest| at <= newest) => hours.mark(at, mark.totals()),
                _ => return false,
            },
        }
        self.add_from(place, mark.totals());
        true
    }

    /// Takes the mark of a fraud back; false when it had none, or is kept by the hour only.
    pub fn clear_fraud(&mut self, at: Timestamp, id: u64) -> bool {
        let place = self.place_behind(|kept| kept.order() < (at, id));
        let Some(kept) = self.kept.get_mut(place).filter(|kept| kept.order() == (at, id)) else { return false };
        let mark = std::mem::replace(&mut kept.mark, Mark::Unmarked);
        self.take_from(place, mark.totals());
        mark != Mark::Unmarked
    }

    /// The place behind all that `is_before` holds for, which are the first ones. Looked for from the end in growing steps: what is
    /// asked for is mostly new, and the rest is not in the processor's cache.
    pub(super) fn place_behind(&self, is_before: impl Fn(&Kept) -> bool) -> usize {
        let (mut end, mut step) = (self.kept.len(), 1);
        loop {
            let start = end.saturating_sub(step);
            if start == end || self.kept.get(start).is_some_and(&is_before) {
                let (mut low, mut high) = ((start + 1).min(end), end);
                while low < high {
                    let middle = low + (high - low) / 2;
                    if is_before(&self.kept[middle]) { low = middle + 1 } else { high = middle }
                }
                return low;
            }
            (end, step) = (start, 2 * step);
        }
    }

    fn add_from(&mut self, place: usize, totals: Totals) {
        self.kept.range_mut(place..).for_each(|kept| kept.through += totals);
    }

    /// As if what has these totals had never been counted from that place on.
    pub(super) fn take_from(&mut self, place: usize, totals: Totals) {
        self.kept.range_mut(place..).for_each(|kept| kept.through = kept.through - totals);
    }

    /// Totals of all occurrences up to `end`, however old.
    pub fn through(&self, end: Timestamp) -> Totals {
        match self.place_behind(|kept| kept.occurrence.at <= end).checked_sub(1) {
            Some(last) => self.kept[last].through,
            None => self.folded_through(end),
        }
    }

    /// Totals up to `end` of what is kept by the hour.
    fn folded_through(&self, end: Timestamp) -> Totals {
        self.hours.as_ref().map(|hours| hours.through(end)).unwrap_or_default()
    }

    /// Whether nothing after `after` is kept by the hour only.
    fn is_exact(&self, after: Timestamp) -> bool {
        self.hours.as_ref().is_none_or(|hours| hours.is_exact(after))
    }

    /// Counts and sums of `(end − window, end]`.
    pub fn window(&self, window: Window, end: Timestamp) -> WindowTotals {
        let (after, end) = window.ending(end);
        WindowTotals { totals: self.through(end) - self.through(after), is_exact: self.is_exact(after) }
    }

    /// How many different items `(end − window, end]` holds of those kept singly, and whether that is all.
    pub fn distinct_count(&self, window: Window, end: Timestamp) -> (usize, bool) {
        let (after, end) = window.ending(end);
        let items = self.kept_within(after, end).map(|kept| kept.occurrence.item);
        (count_distinct(items), self.is_exact(after))
    }

    /// Different items of what is kept singly up to `end`, the latest first, `max` at most.
    pub fn latest_items(&self, end: Timestamp, max: usize) -> Vec<u64> {
        let mut items = Vec::new();
        for kept in self.kept_within(Timestamp::MIN, end).rev() {
            if items.len() >= max {
                break;
            }
            if !items.contains(&kept.occurrence.item) {
                items.push(kept.occurrence.item);
            }
        }
        items
    }

    /// What is kept singly of `(after, end]`, in order.
    pub(super) fn kept_within(&self, after: Timestamp, end: Timestamp) -> impl DoubleEndedIterator<Item = &Kept> {
        let from = self.place_behind(|kept| kept.occurrence.at <= after);
        let to = self.place_behind(|kept| kept.occurrence.at <= end);
        self.kept.range(from..to.max(from))
    }

    /// When its newest occurrence was.
    pub fn newest_at(&self) -> Option<Timestamp> {
        self.kept.back().map(|kept| kept.occurrence.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_items_are_counted_however_many() {
        let check = |items: &[u64], expected: usize| assert_eq!(count_distinct(items.iter().copied()), expected);
        check(&[], 0);
        check(&[0, 0, 0], 1);
        let many: Vec<u64> = (0..40).flat_map(|item| [item, item / 2]).collect();
        check(&many[..2 * FEW_ITEMS], FEW_ITEMS);
        check(&many[..2 * FEW_ITEMS + 2], FEW_ITEMS + 1);
        check(&many, 40);
    }

    #[test]
    fn places_are_found_from_the_end_as_from_the_start() {
        let mut history = History::default();
        for length in 0..40_i64 {
            for second in -1..=2 * length {
                let order = (Timestamp::from_seconds(second), 0);
                let expected = history.kept.partition_point(|kept| kept.order() < order);
                assert_eq!(history.place_behind(|kept| kept.order() < order), expected, "{second} of {length}");
            }
            let at = Timestamp::from_seconds(2 * length);
            history.insert(Occurrence { at, id: 0, amount: Amount::default(), item: 0 }, 100);
        }
    }

    #[test]
    fn a_history_of_one_occurrence_is_small() {
        let mut history = History::default();
        history.insert(Occurrence { at: Timestamp::MIN, id: 1, amount: Amount::default(), item: 1 }, 100);
        assert_eq!((history.kept.capacity(), history.hours.is_none()), (1, true));
        assert!(size_of::<History>() <= 40 && size_of::<Kept>() <= 64);
    }
}
