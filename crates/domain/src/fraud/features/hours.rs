//! What a history keeps of occurrences that it no longer keeps singly: totals by the hour, and one of all before those.

use std::collections::VecDeque;

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
    /// Hours with anything in them, by their numbers in order, each with the totals of everything through its end.
    through_hour: VecDeque<(i64, Totals)>,
    /// The newest occurrence that is in here: what reaches back no further is exact.
    pub(super) newest_at: Option<Timestamp>,
}

impl Hours {
    /// No hour yet, and all of this before.
    pub(super) fn behind(before: Totals) -> Self {
        Self { before, ..Self::default() }
    }

    /// Adds what a history keeps no longer singly.
    pub(super) fn fold(&mut self, at: Timestamp, totals: Totals) {
        self.add(hour_of(at), totals);
        self.newest_at = self.newest_at.max(Some(at));
    }

    /// Adds to an hour.
    pub(super) fn add(&mut self, hour: i64, totals: Totals) {
        let place = self.place_of(hour);
        if self.through_hour.get(place).is_none_or(|(there, _)| *there != hour) {
            self.through_hour.insert(place, (hour, self.through_place(place)));
        }
        self.add_from(place, totals);
    }

    /// Joins the hours before `hour` into one.
    pub(super) fn join_before(&mut self, hour: i64) {
        while let Some((_, through)) = self.through_hour.pop_front_if(|(first, _)| *first < hour) {
            self.before = through;
        }
    }

    /// Adds marks to what is in here already.
    pub(super) fn mark(&mut self, at: Timestamp, marks: Totals) {
        let place = self.place_of(hour_of(at));
        match self.through_hour.get(place) {
            Some((there, _)) if *there == hour_of(at) => self.add_from(place, marks),
            _ => {
                self.before += marks;
                self.add_from(0, marks);
            }
        }
    }

    /// Whether totals through `at` are exact.
    pub(super) fn is_exact(&self, at: Timestamp) -> bool {
        self.newest_at.is_none_or(|newest| newest <= at)
    }

    /// Totals of everything in here up to `at`; an hour counts once it is over.
    pub(super) fn through(&self, at: Timestamp) -> Totals {
        let place = if self.is_exact(at) { self.through_hour.len() } else { self.place_of(hour_of(at)) };
        self.through_place(place)
    }

    /// Each hour with its own totals, in order.
    pub(super) fn by_hour(&self) -> impl ExactSizeIterator<Item = (i64, Totals)> {
        let own = |(place, (hour, through)): (usize, &(i64, Totals))| (*hour, *through - self.through_place(place));
        self.through_hour.iter().enumerate().map(own)
    }

    /// Where an hour is, or would be.
    fn place_of(&self, hour: i64) -> usize {
        self.through_hour.partition_point(|(there, _)| *there < hour)
    }

    /// Totals of everything before the hour at that place.
    fn through_place(&self, place: usize) -> Totals {
        place.checked_sub(1).and_then(|last| self.through_hour.get(last)).map_or(self.before, |(_, through)| *through)
    }

    fn add_from(&mut self, place: usize, totals: Totals) {
        self.through_hour.range_mut(place..).for_each(|(_, through)| *through += totals);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(count: u32) -> Totals {
        Totals { count, ..Totals::default() }
    }

    #[test]
    fn hours_are_summed_in_whatever_order_they_are_filled() {
        let at = |hour: i64| Timestamp::from_nanos(hour * NANOS_PER_HOUR + 1);
        let mut hours = Hours::default();
        for (hour, added) in [(5, 1), (9, 2), (7, 4), (5, 8)] {
            hours.fold(at(hour), count(added));
        }
        let by_hour = |hours: &Hours| hours.by_hour().map(|(hour, totals)| (hour, totals.count)).collect::<Vec<_>>();
        assert_eq!(by_hour(&hours), [(5, 9), (7, 4), (9, 2)]);
        let through = |hours: &Hours, hour: i64| hours.through(at(hour)).count;
        assert_eq!([5, 6, 7, 8, 9].map(|hour| through(&hours, hour)), [0, 9, 9, 13, 15]);
        hours.join_before(7);
        assert_eq!((hours.before.count, by_hour(&hours)), (9, vec![(7, 4), (9, 2)]));
        // What is marked lies in an hour, or before all of them.
        hours.mark(at(7), count(16));
        hours.mark(at(3), count(32));
        assert_eq!((hours.before.count, by_hour(&hours)), (41, vec![(7, 20), (9, 2)]));
        assert_eq!([7, 8, 9].map(|hour| through(&hours, hour)), [41, 61, 63]);
    }
}
