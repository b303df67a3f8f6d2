//! Spans of the calendar: days, weeks, months, quarters and years as the clocks of a zone show them, so that they are of
//! different length.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};

use crate::time::Timestamp;

/// A unit of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarUnit {
    /// From midnight to midnight.
    Day,
    /// From Monday on.
    Week,
    /// From the first day of a month on.
    Month,
    /// Three months, from January, April, July or October on.
    Quarter,
    /// From January on.
    Year,
}

impl CalendarUnit {
    /// The first day of the unit that holds this one.
    fn first_day(self, day: Date) -> Option<Date> {
        let first_of = |month: i8| Date::new(day.year(), month, 1).ok();
        match self {
            Self::Day => Some(day),
            Self::Week => day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()).ok(),
            Self::Month => first_of(day.month()),
            Self::Quarter => first_of((day.month() - 1) / 3 * 3 + 1),
            Self::Year => first_of(1),
        }
    }

    fn length(self) -> Span {
        match self {
            Self::Day => 1.day(),
            Self::Week => 1.week(),
            Self::Month => 1.month(),
            Self::Quarter => 3.months(),
            Self::Year => 1.year(),
        }
    }
}

/// Spans that follow one another without a gap.
#[derive(Clone, Debug, PartialEq)]
pub struct CalendarSpans {
    /// How long each is.
    pub unit: CalendarUnit,
    /// Whose clocks are meant.
    pub zone: TimeZone,
    /// By how much each begins later than the clocks say, in nanoseconds.
    pub offset_ns: i64,
}

impl CalendarSpans {
    /// Where the span that holds the instant begins; the ends of the range of instants are not passed.
    pub fn start_of(&self, at: Timestamp) -> Timestamp {
        let day = self.zone.to_datetime(at.saturating_add_nanos(self.offset_ns.saturating_neg()).to_jiff()).date();
        self.unit.first_day(day).and_then(|first| self.instant(first)).unwrap_or(Timestamp::MIN)
    }

    /// Where the span behind the one that begins there begins.
    pub fn next_of(&self, start: Timestamp) -> Timestamp {
        let day = self.zone.to_datetime(start.saturating_add_nanos(self.offset_ns.saturating_neg()).to_jiff()).date();
        // A span that begins at the end of the range begins within a unit.
        let next = self.unit.first_day(day).and_then(|first| first.checked_add(self.unit.length()).ok());
        next.and_then(|next| self.instant(next)).unwrap_or(Timestamp::MAX)
    }

    /// The first instant of a day; where the clocks pass midnight over, the one at which they do.
    fn instant(&self, day: Date) -> Option<Timestamp> {
        let midnight = self.zone.to_timestamp(day.to_datetime(Time::midnight())).ok()?;
        Timestamp::from_jiff(midnight).map(|at| at.saturating_add_nanos(self.offset_ns))
    }

    /// What tells these spans from others, as text.
    pub fn text(&self) -> String {
        let zone = match (self.zone.iana_name(), self.zone.to_fixed_offset()) {
            (Some(name), _) => name.to_owned(),
            (None, Ok(offset)) => offset.to_string(),
            (None, Err(_)) => format!("{:?}", self.zone),
        };
        format!("{:?} {zone} {}", self.unit, self.offset_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::parse_instant;

    fn check(unit: CalendarUnit, zone: &str, at: &str, expected: [&str; 2]) {
        let spans = CalendarSpans { unit, zone: TimeZone::get(zone).unwrap(), offset_ns: 0 };
        let start = spans.start_of(parse_instant(at, Timestamp::default()).unwrap());
        let found = [start, spans.next_of(start)].map(|at| at.to_string().replace(":00.000Z", ""));
        assert_eq!(found, expected, "{unit:?} of {at} in {zone}");
        assert_eq!(spans.start_of(spans.next_of(start)), spans.next_of(start), "{unit:?} of {at} in {zone}");
    }

    #[test]
    fn spans_begin_where_the_clocks_say() {
        use CalendarUnit::{Day, Month, Quarter, Week, Year};
        check(Month, "UTC", "2026-02-28T23:59:59Z", ["2026-02-01T00:00", "2026-03-01T00:00"]);
        check(Month, "UTC", "2026-12-01T00:00:00Z", ["2026-12-01T00:00", "2027-01-01T00:00"]);
        check(Quarter, "UTC", "2026-11-23T10:00:00Z", ["2026-10-01T00:00", "2027-01-01T00:00"]);
        check(Year, "UTC", "1969-11-23T10:00:00Z", ["1969-01-01T00:00", "1970-01-01T00:00"]);
        check(Week, "UTC", "2026-11-22T23:00:00Z", ["2026-11-16T00:00", "2026-11-23T00:00"]);
        // The clocks change on the 29th of March and the 25th of October.
        check(Month, "Europe/Paris", "2026-03-31T22:30:00Z", ["2026-03-31T22:00", "2026-04-30T22:00"]);
        check(Day, "Europe/Paris", "2026-03-29T12:00:00Z", ["2026-03-28T23:00", "2026-03-29T22:00"]);
        check(Day, "Europe/Paris", "2026-10-25T12:00:00Z", ["2026-10-24T22:00", "2026-10-25T23:00"]);
        // Midnight was passed over: the clocks went from 24:00 to 1:00.
        check(Day, "America/Sao_Paulo", "2018-11-04T12:00:00Z", ["2018-11-04T03:00", "2018-11-05T02:00"]);
    }

    #[test]
    fn spans_are_shifted_as_a_whole_and_end_with_the_range_of_instants() {
        let spans = CalendarSpans { unit: CalendarUnit::Month, zone: TimeZone::UTC, offset_ns: 6 * 3_600_000_000_000 };
        let at = |text: &str| parse_instant(text, Timestamp::default()).unwrap();
        assert_eq!(spans.start_of(at("2026-11-01T05:59:59Z")), at("2026-10-01T06:00:00Z"));
        assert_eq!(spans.next_of(at("2026-10-01T06:00:00Z")), at("2026-11-01T06:00:00Z"));
        assert_eq!(spans.next_of(spans.start_of(Timestamp::MAX)), Timestamp::MAX);
        assert_eq!(spans.start_of(Timestamp::MIN), Timestamp::MIN);
    }
}
