//! Instants, days and ranges. Nothing here reads a clock: whoever needs "now" passes it in.

mod expression;
mod parse;
mod rfc3339;
mod zone;

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use expression::{TimeExpressionError, parse_expression};
pub use parse::{from_epoch_number, parse_instant};
pub use zone::zone_named;

/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// Nanoseconds in a day.
pub const NANOS_PER_DAY: i64 = 86_400 * NANOS_PER_SECOND;

/// An instant: nanoseconds since 1970-01-01T00:00:00Z, so 1677-09-21 to 2262-04-11.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest instant.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest instant.
    pub const MAX: Self = Self(i64::MAX);

    /// From nanoseconds since the epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From milliseconds since the epoch; out of range becomes the nearest instant.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// From seconds since the epoch; out of range becomes the nearest instant.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(NANOS_PER_SECOND))
    }

    /// From jiff's instant; `None` outside of what nanoseconds in `i64` reach.
    pub fn from_jiff(instant: jiff::Timestamp) -> Option<Self> {
        i64::try_from(instant.as_nanosecond()).ok().map(Self)
    }

    /// As jiff's instant. Every `i64` of nanoseconds is within its range.
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_nanosecond(i128::from(self.0)).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since the epoch, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(NANOS_PER_SECOND)
    }

    /// This instant and so many nanoseconds, stopping at the ends of the range.
    #[must_use]
    pub const fn saturating_add_nanos(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// The UTC day it lies in.
    pub const fn day(self) -> Day {
        Day(self.0.div_euclid(NANOS_PER_DAY) as i32)
    }
}

/// RFC 3339, UTC, with 3, 6 or 9 digits of the second: the fewest that lose nothing.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(rfc3339::Canonical::new(*self).as_str())
    }
}

/// A UTC day, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i32);

impl Day {
    /// Its first instant.
    pub const fn start(self) -> Timestamp {
        Timestamp((self.0 as i64).saturating_mul(NANOS_PER_DAY))
    }

    /// The first instant after it.
    pub const fn end(self) -> Timestamp {
        Timestamp((self.0 as i64 + 1).saturating_mul(NANOS_PER_DAY))
    }

    /// The name of its index, `ecommerce-logs-YYYY.MM.DD`.
    pub fn index_name(self) -> String {
        format!("{INDEX_PREFIX}{self}")
    }

    /// Reads `YYYY.MM.DD`.
    pub fn parse(text: &str) -> Option<Self> {
        let date = Date::strptime("%Y.%m.%d", text).ok()?;
        let start = date.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp();
        Timestamp::from_jiff(start).map(Timestamp::day)
    }
}

/// What the name of every daily index begins with.
pub const INDEX_PREFIX: &str = "ecommerce-logs-";

/// `YYYY.MM.DD`, as in index names.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.start().to_jiff().to_zoned_datetime(TimeZone::UTC).date();
        write!(f, "{:04}.{:02}.{:02}", date.year(), date.month(), date.day())
    }
}

/// Instants from `from` (included) to `to` (not included).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// First instant within.
    pub from: Timestamp,
    /// First instant past it; the latest of all has none after it and lies within.
    pub to: Timestamp,
}

impl TimeRange {
    /// Every instant.
    pub const ALL: Self = Self { from: Timestamp::MIN, to: Timestamp::MAX };

    /// Whether the instant lies within.
    pub fn contains(&self, instant: Timestamp) -> bool {
        self.from <= instant && self.is_before_end(instant)
    }

    /// Whether any instant from `first` to `last`, both included, lies within.
    pub fn overlaps(&self, first: Timestamp, last: Timestamp) -> bool {
        self.from <= last && self.is_before_end(first)
    }

    /// Whether all instants from `first` to `last`, both included, lie within.
    pub fn covers(&self, first: Timestamp, last: Timestamp) -> bool {
        self.from <= first && self.is_before_end(last)
    }

    /// Whether the instant does not lie past the end.
    pub fn is_before_end(&self, instant: Timestamp) -> bool {
        instant < self.to || self.to == Timestamp::MAX
    }

    /// Length in nanoseconds; 0 when it is empty.
    pub fn length_nanos(&self) -> i64 {
        self.to.as_nanos().saturating_sub(self.from.as_nanos()).max(0)
    }

    /// The range of the same length that ends where this one begins.
    #[must_use]
    pub fn previous(&self) -> Self {
        Self { from: self.from.saturating_add_nanos(-self.length_nanos()), to: self.from }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_text_loses_nothing() {
        assert_eq!(Timestamp::from_seconds(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_nanos(1_500).to_string(), "1970-01-01T00:00:00.000001500Z");
        assert_eq!(Timestamp::from_nanos(-1_000_000).to_string(), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn days_have_names_and_borders() {
        let day = Timestamp::from_seconds(1_795_392_000).day();
        assert_eq!(day.index_name(), "ecommerce-logs-2026.11.23");
        assert_eq!(Day::parse("2026.11.23"), Some(day));
        assert_eq!(Day::parse("2026-11-23"), None);
        assert!(day.start().day() == day && day.end().day() == Day(day.0 + 1));
        assert_eq!(Timestamp::from_nanos(-1).day(), Day(-1));
    }

    #[test]
    fn a_range_ends_before_its_end_unless_nothing_is_after_it() {
        let check = |to: i64, nanos: i64, expected: bool| {
            let (range, instant) = (TimeRange { to: Timestamp(to), ..TimeRange::ALL }, Timestamp(nanos));
            let all = [range.contains(instant), range.overlaps(instant, instant), range.covers(instant, instant)];
            assert_eq!(all, [expected; 3], "{nanos} before {to}");
        };
        check(7, 6, true);
        check(7, 7, false);
        check(i64::MAX - 1, i64::MAX - 1, false);
        check(i64::MAX, i64::MAX - 1, true);
        check(i64::MAX, i64::MAX, true);
    }

    #[test]
    fn the_previous_range_touches_this_one() {
        let range = TimeRange { from: Timestamp::from_seconds(100), to: Timestamp::from_seconds(160) };
        assert_eq!(range.previous(), TimeRange { from: Timestamp::from_seconds(40), to: Timestamp::from_seconds(100) });
    }
}
