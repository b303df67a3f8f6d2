//! Spans of time as people compare them: hours, days, weeks and months, as the clocks of a zone show them.

use std::collections::HashMap;
use std::str::FromStr;

use jiff::tz::TimeZone;
use vigie_domain::aggregation::{Aggregation, AggregationAnswer, AggregationKind, Bucket, CalendarSpans, CalendarUnit};
use vigie_domain::time::{NANOS_PER_DAY, NANOS_PER_SECOND, zone_named};
use vigie_domain::{Error, Result, TimeRange, Timestamp, Value};

use super::answers::Answers;
use super::histogram::BUCKETS_MAX;

/// An hour.
const HOUR_NS: i64 = 3_600 * NANOS_PER_SECOND;
/// Longest ranges that are shown by hours, days and weeks unless the caller says otherwise.
const HOURLY_UP_TO_NS: i64 = 3 * NANOS_PER_DAY;
const DAILY_UP_TO_NS: i64 = 92 * NANOS_PER_DAY;
const WEEKLY_UP_TO_NS: i64 = 2 * 366 * NANOS_PER_DAY;
/// The name of the question.
const NAME: &str = "timeline";

/// How long a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    /// Hours.
    Hourly,
    /// Days, from midnight.
    Daily,
    /// Weeks, from Monday.
    Weekly,
    /// Months, from the first.
    Monthly,
}

impl Granularity {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }

    /// The one that makes some dozens of spans.
    const fn for_length(length_ns: i64) -> Self {
        if length_ns <= HOURLY_UP_TO_NS {
            Self::Hourly
        } else if length_ns <= DAILY_UP_TO_NS {
            Self::Daily
        } else if length_ns <= WEEKLY_UP_TO_NS {
            Self::Weekly
        } else {
            Self::Monthly
        }
    }
}

impl FromStr for Granularity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "hourly" => Self::Hourly,
            "daily" => Self::Daily,
            "weekly" => Self::Weekly,
            "monthly" => Self::Monthly,
            _ => {
                let message = format!("\"{text}\" is no granularity; use hourly, daily, weekly or monthly");
                return Err(Error::invalid_field("granularity", message));
            }
        })
    }
}

/// A range in spans.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    pub(super) granularity: Granularity,
    range: TimeRange,
    zone: TimeZone,
    starts: Vec<Timestamp>,
}

impl Timeline {
    /// The range in the spans asked for, or in those that suit its length; in UTC unless a zone is said.
    pub(super) fn new(range: TimeRange, granularity: Option<&str>, zone: Option<&str>) -> Result<Self> {
        let granularity = match granularity {
            Some(text) => text.parse()?,
            None => Granularity::for_length(range.length_nanos()),
        };
        let zone = match zone {
            Some(name) => zone_named(name).ok_or_else(|| {
                let message = format!("\"{name}\" is no time zone; use a name such as Europe/Paris, UTC or +02:00");
                Error::invalid_field("timezone", message)
            })?,
            None => TimeZone::UTC,
        };
        let mut timeline = Self { granularity, range, zone, starts: Vec::new() };
        timeline.starts = timeline.starts_within()?;
        Ok(timeline)
    }

    /// The same spans over another range.
    pub(super) fn over(&self, range: TimeRange) -> Result<Self> {
        let mut other = Self { range, ..self.clone() };
        other.starts = other.starts_within()?;
        Ok(other)
    }

    /// A bucket for each span.
    pub(super) fn question(&self) -> Aggregation {
        let kind = match self.calendar() {
            Some(spans) => AggregationKind::CalendarHistogram(spans),
            None => AggregationKind::DateHistogram { interval_ns: HOUR_NS, offset_ns: self.hour_offset_ns() },
        };
        Aggregation::leaf(NAME, kind)
    }

    /// Every span of the range with its events and the answers about them, those without events too.
    pub(super) fn read<'a>(&'a self, answers: Answers<'a>) -> impl Iterator<Item = Span<'a>> {
        let starts_at = |bucket: &'a Bucket| match bucket.key {
            Value::Int(start_ns) => Some((start_ns, bucket)),
            _ => None,
        };
        let buckets: HashMap<i64, &Bucket> = answers.buckets(NAME).iter().filter_map(starts_at).collect();
        self.starts.iter().map(move |start| {
            let bucket = buckets.get(&start.as_nanos()).copied();
            Span { start: *start, count: bucket.map_or(0, |bucket| bucket.count), answers: children(bucket) }
        })
    }

    fn calendar(&self) -> Option<CalendarSpans> {
        let unit = match self.granularity {
            Granularity::Hourly => return None,
            Granularity::Daily => CalendarUnit::Day,
            Granularity::Weekly => CalendarUnit::Week,
            Granularity::Monthly => CalendarUnit::Month,
        };
        Some(CalendarSpans { unit, zone: self.zone.clone(), offset_ns: 0 })
    }

    /// Where hours begin in zones that are half an hour off.
    fn hour_offset_ns(&self) -> i64 {
        let offset_s = self.zone.to_offset(self.range.from.to_jiff()).seconds();
        (i64::from(-offset_s) * NANOS_PER_SECOND).rem_euclid(HOUR_NS)
    }

    fn starts_within(&self) -> Result<Vec<Timestamp>> {
        if self.range.from >= self.range.to {
            return Ok(Vec::new());
        }
        let (calendar, offset_ns) = (self.calendar(), self.hour_offset_ns());
        let first_hour = |at: Timestamp| {
            let past = (at.as_nanos().saturating_sub(offset_ns)).rem_euclid(HOUR_NS);
            at.saturating_add_nanos(-past)
        };
        let first =
            calendar.as_ref().map_or_else(|| first_hour(self.range.from), |spans| spans.start_of(self.range.from));
        let next = |start: &Timestamp| match &calendar {
            Some(spans) => Some(spans.next_of(*start)),
            None => Some(start.saturating_add_nanos(HOUR_NS)),
        };
        let within = |start: &Timestamp| *start < self.range.to;
        let bound = usize::try_from(BUCKETS_MAX).unwrap_or(usize::MAX);
        let starts: Vec<_> = std::iter::successors(Some(first), next).take_while(within).take(bound + 1).collect();
        if starts.len() <= bound {
            return Ok(starts);
        }
        let message = format!(
            "{} spans would be more than {BUCKETS_MAX}; use a longer granularity or a shorter time range",
            self.granularity.name()
        );
        Err(Error::invalid_field("granularity", message))
    }
}

/// One span of a timeline.
pub(super) struct Span<'a> {
    /// Its first instant; that of the first span may lie before the range.
    pub(super) start: Timestamp,
    /// Its events.
    pub(super) count: u64,
    /// What was answered about them.
    pub(super) answers: Answers<'a>,
}

fn children(bucket: Option<&Bucket>) -> Answers<'_> {
    const NONE: &[(String, AggregationAnswer)] = &[];
    Answers::new(bucket.map_or(NONE, |bucket| bucket.children.as_slice()))
}

#[cfg(test)]
mod tests {
    use vigie_domain::time::parse_instant;

    use super::*;

    fn starts(from: &str, to: &str, granularity: Option<&str>, zone: Option<&str>) -> Vec<String> {
        let at = |text: &str| parse_instant(text, Timestamp::MIN).unwrap();
        let range = TimeRange { from: at(from), to: at(to) };
        let timeline = Timeline::new(range, granularity, zone).unwrap();
        timeline.starts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn spans_are_those_of_the_zone() {
        // The night in which the clocks of Paris go back an hour.
        let days = starts("2026-10-24T12:00:00Z", "2026-10-27T00:00:00Z", Some("daily"), Some("Europe/Paris"));
        let expected = [
            "2026-10-23T22:00:00.000Z",
            "2026-10-24T22:00:00.000Z",
            "2026-10-25T23:00:00.000Z",
            "2026-10-26T23:00:00.000Z",
        ];
        assert_eq!(days, expected);
        let hours = starts("2026-11-23T10:15:00Z", "2026-11-23T12:00:00Z", None, Some("Asia/Kolkata"));
        assert_eq!(hours, ["2026-11-23T09:30:00.000Z", "2026-11-23T10:30:00.000Z", "2026-11-23T11:30:00.000Z"]);
        let weeks = starts("2026-11-25T00:00:00Z", "2026-12-01T00:00:00Z", Some("weekly"), None);
        assert_eq!(weeks, ["2026-11-23T00:00:00.000Z", "2026-11-30T00:00:00.000Z"]);
        assert_eq!(starts("2026-11-25T00:00:00Z", "2026-11-25T00:00:00Z", Some("monthly"), None), Vec::<String>::new());
    }

    #[test]
    fn spans_suit_the_length_unless_said() {
        let check = |days: i64, expected: Granularity| {
            assert_eq!(Granularity::for_length(days * NANOS_PER_DAY), expected, "{days} days");
        };
        check(1, Granularity::Hourly);
        check(3, Granularity::Hourly);
        check(7, Granularity::Daily);
        check(365, Granularity::Weekly);
        check(3_650, Granularity::Monthly);
    }

    #[test]
    fn what_cannot_be_shown_is_refused_by_name() {
        let year =
            TimeRange { from: Timestamp::from_seconds(1_700_000_000), to: Timestamp::from_seconds(1_731_536_000) };
        let field = |granularity: &str, zone: &str| {
            Timeline::new(year, Some(granularity), Some(zone)).unwrap_err().details[0].field.clone()
        };
        assert_eq!(field("hourly", "UTC"), "granularity");
        assert_eq!(field("yearly", "UTC"), "granularity");
        assert_eq!(field("daily", "Mars/Base"), "timezone");
        assert!(Timeline::new(TimeRange::ALL, Some("daily"), None).is_err());
    }
}
