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

/// The occurrences of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Ordered by time and id.
    pub(super) kept: VecDeque<Kept>,
    pub(super) hours: Hours,
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
            self.hours.fold(first.occurrence.at, first.own());
            self.kept.pop_front();
        }
        self.hours.join_before(first_hour);
        true
    }

    /// Puts an occurrence among those kept singly, and counts it in what follows.
    pub(super) fn insert_kept(&mut self, occurrence: Occurrence, mark: Mark) -> bool {
        let order = (occurrence.at, occurrence.id);
        let place = self.kept.partition_point(|kept| kept.order() < order);
        if self.kept.get(place).is_some_and(|kept| kept.order() == order) {
            return false;
        }
        let before = match place.checked_sub(1) {
            Some(previous) => self.kept[previous].through,
            None => self.hours.through(Timestamp::MAX),
        };
        let mut kept = Kept { occurrence, mark, through: before };
        let own = kept.own();
        kept.through += own;
        self.kept.insert(place, kept);
        self.add_from(place + 1, own);
        true
    }

    /// Notes that the occurrence was fraud; false when it is unknown or was marked before. One that is kept by the hour only is
    /// counted each time it is named.
    pub fn mark_fraud(&mut self, at: Timestamp, id: u64, is_usual: bool) -> bool {
        let mark = if is_usual { Mark::UsualFraud } else { Mark::UnusualFraud };
        let place = self.kept.partition_point(|kept| kept.order() < (at, id));
        match self.kept.get_mut(place).filter(|kept| kept.order() == (at, id)) {
            Some(kept) if kept.mark != Mark::Unmarked => return false,
            Some(kept) => kept.mark = mark,
            None if self.hours.newest_at.is_some_and(|newest| at <= newest) => self.hours.mark(at, mark.totals()),
            None => return false,
        }
        self.add_from(place, mark.totals());
        true
    }

    /// Takes the mark of a fraud back; false when it had none, or is kept by the hour only.
    pub fn clear_fraud(&mut self, at: Timestamp, id: u64) -> bool {
        let place = self.kept.partition_point(|kept| kept.order() < (at, id));
        let Some(kept) = self.kept.get_mut(place).filter(|kept| kept.order() == (at, id)) else { return false };
        let mark = std::mem::replace(&mut kept.mark, Mark::Unmarked);
        self.take_from(place, mark.totals());
        mark != Mark::Unmarked
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
        match self.kept.partition_point(|kept| kept.occurrence.at <= end).checked_sub(1) {
            Some(last) => self.kept[last].through,
            None => self.hours.through(end),
        }
    }

    /// Counts and sums of `(end − window, end]`.
    pub fn window(&self, window: Window, end: Timestamp) -> WindowTotals {
        let (after, end) = window.ending(end);
        WindowTotals { totals: self.through(end) - self.through(after), is_exact: self.hours.is_exact(after) }
    }

    /// How many different items `(end − window, end]` holds of those kept singly, and whether that is all.
    pub fn distinct_count(&self, window: Window, end: Timestamp) -> (usize, bool) {
        let (after, end) = window.ending(end);
        let items: HashSet<u64> = self.kept_within(after, end).map(|kept| kept.occurrence.item).collect();
        (items.len(), self.hours.is_exact(after))
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
        let from = self.kept.partition_point(|kept| kept.occurrence.at <= after);
        let to = self.kept.partition_point(|kept| kept.occurrence.at <= end);
        self.kept.range(from..to.max(from))
    }

    /// When its newest occurrence was.
    pub fn newest_at(&self) -> Option<Timestamp> {
        self.kept.back().map(|kept| kept.occurrence.at)
    }
}
