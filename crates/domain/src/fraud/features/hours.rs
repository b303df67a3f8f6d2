//! What a history keeps of occurrences that it no longer keeps singly: totals by the hour, and one of all before those.

use std::collections::BTreeMap;

use super::Totals;
use crate::Timestamp;
use crate::time::NANOS_PER_SECOND;

/// Nanoseconds in an hour.
const NANOS_PER_HOUR: i64 = 3_600 * NANOS_PER_SECOND;

/// The hour an instant lies in, counted from 1970.
pub(super) const fn hour_of(at: Timestamp) -> i64 {
    at.as_nanos().div_euclid(NANOS_PER_HOUR)
}

/// Totals by hour. At most as many as the reach of a history has hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hours {
    /// All that lies before the hours.
    pub(super) before: Totals,
    /// Totals of an hour, by its number.
    pub(super) by_hour: BTreeMap<i64, Totals>,
    /// The newest occurrence that is in here: what reaches back no further is exact.
    pub(super) newest_at: Option<Timestamp>,
}

impl Hours {
    /// Adds what a history keeps no longer singly.
    pub(super) fn fold(&mut self, at: Timestamp, totals: Totals) {
        *self.by_hour.entry(hour_of(at)).or_default() += totals;
        self.newest_at = self.newest_at.max(Some(at));
    }

    /// Joins the hours before `hour` into one.
    pub(super) fn join_before(&mut self, hour: i64) {
        while let Some(first) = self.by_hour.first_entry().filter(|first| *first.key() < hour) {
            self.before += first.remove();
        }
    }

    /// Adds marks to what is in here already.
    pub(super) fn mark(&mut self, at: Timestamp, marks: Totals) {
        match self.by_hour.get_mut(&hour_of(at)) {
            Some(totals) => *totals += marks,
            None => self.before += marks,
        }
    }

    /// Whether totals through `at` are exact.
    pub(super) fn is_exact(&self, at: Timestamp) -> bool {
        self.newest_at.is_none_or(|newest| newest <= at)
    }

    /// Totals of everything in here up to `at`; an hour counts once it is over.
    pub(super) fn through(&self, at: Timestamp) -> Totals {
        let hour_end = if self.is_exact(at) { i64::MAX } else { hour_of(at) };
        self.by_hour.range(..hour_end).fold(self.before, |sum, (_, totals)| sum + *totals)
    }
}
