//! The windows of features: how long they are, and which of them wait for labels.

use super::Totals;
use crate::Timestamp;
use crate::time::{NANOS_PER_DAY, NANOS_PER_SECOND};

/// An event this much older than the newest one is still put in its place.
pub const LATENESS_NANOS_MAX: i64 = 300 * NANOS_PER_SECOND;
/// How long after a transaction its label is known: windows over labels end this long before the transaction asked for.
pub const LABEL_DELAY_NANOS: i64 = 7 * NANOS_PER_DAY;
/// What a history must reach back to: the longest window, behind the label's delay, of an event as late as may be.
pub(super) const REACH_NANOS: i64 = Window::Days30.nanos() + LABEL_DELAY_NANOS + LATENESS_NANOS_MAX;

/// A stretch of time that features look back over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Window {
    /// One minute.
    Minute1,
    /// Ten minutes.
    Minutes10,
    /// One hour.
    Hour1,
    /// 24 hours.
    Hours24,
    /// Seven days.
    Days7,
    /// 30 days.
    Days30,
}

impl Window {
    /// All of them, the shortest first.
    pub const ALL: [Self; 6] = [Self::Minute1, Self::Minutes10, Self::Hour1, Self::Hours24, Self::Days7, Self::Days30];

    /// Its length in nanoseconds.
    pub const fn nanos(self) -> i64 {
        match self {
            Self::Minute1 => 60 * NANOS_PER_SECOND,
            Self::Minutes10 => 600 * NANOS_PER_SECOND,
            Self::Hour1 => 3_600 * NANOS_PER_SECOND,
            Self::Hours24 => NANOS_PER_DAY,
            Self::Days7 => 7 * NANOS_PER_DAY,
            Self::Days30 => 30 * NANOS_PER_DAY,
        }
    }

    /// The window that ends at `end`, as `(after, end]`.
    pub(super) const fn ending(self, end: Timestamp) -> (Timestamp, Timestamp) {
        (end.saturating_add_nanos(-self.nanos()), end)
    }
}

/// What a window holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowTotals {
    /// Counts and sums.
    pub totals: Totals,
    /// False when the window reaches into what a history kept by the hour only: then up to an hour too much may be counted.
    pub is_exact: bool,
}
