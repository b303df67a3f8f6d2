//! Spans of time of a histogram in Elasticsearch's words.

use jiff::tz::TimeZone;
use serde_json::{Map, Value as Json};
use vigie_domain::aggregation::{AggregationKind, CalendarSpans, CalendarUnit, TimeSpans};
use vigie_domain::time::zone_named;
use vigie_domain::{Result, TimeRange, Timestamp};

use super::place::Place;

const SECOND_NS: i64 = 1_000_000_000;
const MINUTE_NS: i64 = 60 * SECOND_NS;
const HOUR_NS: i64 = 60 * MINUTE_NS;
const DAY_NS: i64 = 24 * HOUR_NS;
/// The first Monday of the epoch, where calendar weeks begin.
const MONDAY_NS: i64 = 4 * DAY_NS;
/// Changes of clocks within a range that are looked at: those of some two thousand years.
const CHANGES_MAX: usize = 4_096;

/// Spans that follow one another, and the zone by whose clocks they are named.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spans {
    width: Width,
    zone: TimeZone,
}

#[derive(Clone, Debug, PartialEq)]
enum Width {
    /// One width; borders are shifted from the epoch by the offset.
    Fixed { interval_ns: i64, offset_ns: i64 },
    /// That of a unit of the calendar.
    Calendar(CalendarSpans),
}

impl Spans {
    /// What the store is asked.
    pub(super) fn question(&self) -> AggregationKind {
        match &self.width {
            Width::Fixed { interval_ns, offset_ns } => {
                AggregationKind::DateHistogram { interval_ns: *interval_ns, offset_ns: *offset_ns }
            }
            Width::Calendar(spans) => AggregationKind::CalendarHistogram(spans.clone()),
        }
    }

    /// The same spans of another field than the events' own time.
    pub(super) fn time_spans(&self) -> TimeSpans {
        match &self.width {
            Width::Fixed { interval_ns, offset_ns } => {
                TimeSpans::Fixed { interval_ns: *interval_ns, offset_ns: *offset_ns }
            }
            Width::Calendar(spans) => TimeSpans::Calendar(spans.clone()),
        }
    }

    /// Whether they are named by the clocks of UTC.
    pub(super) fn is_utc(&self) -> bool {
        self.zone == TimeZone::UTC
    }

    /// Where the span of an instant begins.
    pub(super) fn start_of(&self, at: Timestamp) -> Timestamp {
        match &self.width {
            Width::Fixed { interval_ns, offset_ns } => {
                let (interval, offset) = (i128::from(*interval_ns), i128::from(*offset_ns));
                let start = (i128::from(at.as_nanos()) - offset).div_euclid(interval) * interval + offset;
                i64::try_from(start).map_or(Timestamp::MIN, Timestamp::from_nanos)
            }
            Width::Calendar(spans) => spans.start_of(at),
        }
    }

    /// Where the span behind the one that begins there begins.
    pub(super) fn next_of(&self, start: Timestamp) -> Timestamp {
        match &self.width {
            Width::Fixed { interval_ns, .. } => start.saturating_add_nanos(*interval_ns),
            Width::Calendar(spans) => spans.next_of(start),
        }
    }

    /// The instant as the clocks there show it, such as `2026-11-23T00:00:00.000+01:00`.
    pub(super) fn local_text(&self, at: Timestamp) -> String {
        let ahead_s = self.zone.to_offset(at.to_jiff()).seconds();
        let text = at.saturating_add_nanos(i64::from(ahead_s) * SECOND_NS).to_string();
        if ahead_s == 0 {
            return text;
        }
        let (sign, ahead_s) = (if ahead_s < 0 { '-' } else { '+' }, ahead_s.abs());
        let (hours, minutes) = (ahead_s / 3_600, ahead_s % 3_600 / 60);
        format!("{}{sign}{hours:02}:{minutes:02}", text.trim_end_matches('Z'))
    }
}

/// How wide spans are asked to be.
#[derive(Clone, Copy)]
enum Asked {
    Fixed(i64),
    Unit(CalendarUnit),
}

/// Reads interval, time zone and offset.
///
/// # Errors
/// `Malformed` for an interval that is none or has no fixed width in the zone.
pub(super) fn read(object: &Map<String, Json>, range: TimeRange, place: &Place) -> Result<Spans> {
    let text = |key: &str| object.get(key).map(|json| place.key(key).text(json)).transpose();
    let (fixed, calendar, older) = (text("fixed_interval")?, text("calendar_interval")?, text("interval")?);
    let asked = match (fixed, calendar, older) {
        (Some(fixed), None, None) => Asked::Fixed(width(&fixed).ok_or_else(|| no_interval(&fixed, place))?),
        (None, Some(name), None) => calendar_unit(&name, place)?,
        (None, None, Some(older)) => match width(&older) {
            Some(width) => Asked::Fixed(width),
            None => calendar_unit(&older, place)?,
        },
        _ => return Err(place.wrong("must have one of [fixed_interval] and [calendar_interval]")),
    };
    let zone = text("time_zone")?.map_or(Ok(TimeZone::UTC), |name| zone(&name, &place.key("time_zone")))?;
    let offset_ns = text("offset")?.map_or(Ok(0), |text| shift(&text, &place.key("offset")))?;
    spans(asked, zone, offset_ns, range, place)
}

/// The spans; those of one width are counted fastest.
fn spans(asked: Asked, zone: TimeZone, offset_ns: i64, range: TimeRange, place: &Place) -> Result<Spans> {
    let (interval_ns, first_ns) = match asked {
        Asked::Fixed(interval_ns) => (Some(interval_ns), 0),
        Asked::Unit(CalendarUnit::Day) => (Some(DAY_NS), 0),
        Asked::Unit(CalendarUnit::Week) => (Some(7 * DAY_NS), MONDAY_NS),
        Asked::Unit(CalendarUnit::Month | CalendarUnit::Quarter | CalendarUnit::Year) => (None, 0),
    };
    let same_width = interval_ns.and_then(|interval_ns| Some((interval_ns, ahead_ns(&zone, range, interval_ns)?)));
    let width = match (same_width, asked) {
        (Some((interval_ns, ahead_ns)), _) => {
            let offset_ns =
                (i128::from(first_ns) - i128::from(ahead_ns) + i128::from(offset_ns)).rem_euclid(interval_ns.into());
            // Less than the interval.
            Width::Fixed { interval_ns, offset_ns: offset_ns as i64 }
        }
        (None, Asked::Unit(unit)) => Width::Calendar(CalendarSpans { unit, zone: zone.clone(), offset_ns }),
        (None, Asked::Fixed(_)) => {
            let name = zone.iana_name().unwrap_or("the zone");
            return Err(place.key("time_zone").wrong(&format!(
                "the clocks of {name} change within the time that is asked for, and spans have one width; ask for less time, name an offset such as +01:00, or use [calendar_interval]"
            )));
        }
    };
    Ok(Spans { width, zone })
}

fn zone(name: &str, place: &Place) -> Result<TimeZone> {
    zone_named(name)
        .ok_or_else(|| place.wrong(&format!("\"{name}\" is no time zone; use one such as Europe/Paris or +01:00")))
}

/// `+6h` or `-1d` in nanoseconds.
fn shift(text: &str, place: &Place) -> Result<i64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.trim_start_matches('+')),
    };
    let shift = width(rest).or((rest == "0").then_some(0));
    Ok(sign * shift.ok_or_else(|| place.wrong(&format!("\"{text}\" is no span such as +6h")))?)
}

fn no_interval(text: &str, place: &Place) -> vigie_domain::Error {
    place.wrong(&format!("\"{text}\" is no interval; use a number with ms, s, m, h or d, such as 30s"))
}

/// `30s` in nanoseconds.
pub(super) fn width(text: &str) -> Option<i64> {
    let digits = text.len() - text.trim_start_matches(|sign: char| sign.is_ascii_digit()).len();
    let number: i64 = text[..digits].parse().ok()?;
    let unit = match &text[digits..] {
        "ms" => 1_000_000,
        "s" => SECOND_NS,
        "m" => MINUTE_NS,
        "h" => HOUR_NS,
        "d" => DAY_NS,
        _ => return None,
    };
    number.checked_mul(unit).filter(|width| *width > 0)
}

fn calendar_unit(name: &str, place: &Place) -> Result<Asked> {
    Ok(match name {
        "second" | "1s" => Asked::Fixed(SECOND_NS),
        "minute" | "1m" => Asked::Fixed(MINUTE_NS),
        "hour" | "1h" => Asked::Fixed(HOUR_NS),
        "day" | "1d" => Asked::Unit(CalendarUnit::Day),
        "week" | "1w" => Asked::Unit(CalendarUnit::Week),
        "month" | "1M" => Asked::Unit(CalendarUnit::Month),
        "quarter" | "1q" => Asked::Unit(CalendarUnit::Quarter),
        "year" | "1y" => Asked::Unit(CalendarUnit::Year),
        other => return Err(no_interval(other, place)),
    })
}

/// How far the clocks of a zone are ahead of UTC in all of the range; `None` when they change so that spans do.
fn ahead_ns(zone: &TimeZone, range: TimeRange, interval_ns: i64) -> Option<i64> {
    let offset = |at: Timestamp| i64::from(zone.to_offset(at.to_jiff()).seconds()) * SECOND_NS;
    let first = offset(range.from);
    let changes = zone.following(range.from.to_jiff()).take_while(|change| change.timestamp() < range.to.to_jiff());
    let mut offsets = changes
        .take(CHANGES_MAX)
        .map(|change| i64::from(change.offset().seconds()) * SECOND_NS)
        .chain([offset(range.to)]);
    // Spans of an hour or less begin at the same instants whatever whole hours the clocks are ahead.
    offsets.all(|offset| (offset - first).rem_euclid(interval_ns) == 0).then_some(first)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // A month without a change of clocks, and one with.
    const MAY: TimeRange =
        TimeRange { from: Timestamp::from_seconds(1_777_593_600), to: Timestamp::from_seconds(1_780_272_000) };
    const MARCH: TimeRange =
        TimeRange { from: Timestamp::from_seconds(1_772_323_200), to: Timestamp::from_seconds(1_775_001_600) };

    fn read_in(json: &Json, range: TimeRange) -> Result<Spans> {
        read(json.as_object().unwrap(), range, &Place::of("date_histogram"))
    }

    fn check(json: Json, expected: Result<(i64, i64), &str>) {
        match (read_in(&json, MAY).map(|spans| spans.width), expected) {
            (Ok(Width::Fixed { interval_ns, offset_ns }), Ok((seconds, offset))) => {
                assert_eq!((interval_ns, offset_ns), (seconds * SECOND_NS, offset * SECOND_NS), "{json}");
            }
            (Err(error), Err(words)) => assert!(error.message.contains(words), "{json}: {}", error.message),
            (found, _) => panic!("{json}: {found:?}"),
        }
    }

    #[test]
    fn intervals_are_read() {
        check(json!({"fixed_interval": "30s"}), Ok((30, 0)));
        check(json!({"interval": "1m", "offset": "-15s"}), Ok((60, 45)));
        check(json!({"calendar_interval": "week"}), Ok((604_800, 345_600)));
        check(json!({"calendar_interval": "1d", "time_zone": "+01:00"}), Ok((86_400, 82_800)));
        check(json!({"calendar_interval": "1d", "time_zone": "Europe/Paris"}), Ok((86_400, 79_200)));
        check(json!({"fixed_interval": "1w"}), Err("is no interval"));
        check(json!({"fixed_interval": "-1h"}), Err("is no interval"));
        check(json!({"calendar_interval": "2M"}), Err("is no interval"));
        check(json!({"fixed_interval": "0s"}), Err("is no interval"));
        check(json!({"fixed_interval": "1d", "time_zone": "Mars/Base"}), Err("[date_histogram.time_zone]"));
        check(json!({"fixed_interval": "1d", "offset": "1M"}), Err("is no span such as +6h"));
        check(json!({}), Err("must have one of"));
    }

    #[test]
    fn months_and_longer_are_units_of_the_calendar() {
        let check = |name: &str, unit: CalendarUnit| {
            let json = json!({"calendar_interval": name, "time_zone": "Europe/Paris", "offset": "+1h"});
            let zone = zone_named("Europe/Paris").unwrap();
            let expected = Width::Calendar(CalendarSpans { unit, zone, offset_ns: HOUR_NS });
            assert_eq!(read_in(&json, MAY).unwrap().width, expected, "{name}");
        };
        check("month", CalendarUnit::Month);
        check("1q", CalendarUnit::Quarter);
        check("1y", CalendarUnit::Year);
    }

    #[test]
    fn spans_are_named_by_the_clocks_of_their_zone() {
        let check = |zone: &str, at_s: i64, expected: &str| {
            let spans = read_in(&json!({"fixed_interval": "1h", "time_zone": zone}), MARCH).unwrap();
            assert_eq!(spans.local_text(Timestamp::from_seconds(at_s)), expected);
        };
        check("UTC", 1_795_442_645, "2026-11-23T14:04:05.000Z");
        check("+01:00", 1_795_442_645, "2026-11-23T15:04:05.000+01:00");
        check("-05:30", 1_795_442_645, "2026-11-23T08:34:05.000-05:30");
        // An hour before the clocks change, and then.
        check("Europe/Paris", 1_774_742_400, "2026-03-29T01:00:00.000+01:00");
        check("Europe/Paris", 1_774_746_000, "2026-03-29T03:00:00.000+02:00");
    }

    #[test]
    fn where_the_clocks_change_days_are_those_of_the_calendar_and_other_spans_refused() {
        let read = |key: &str, interval: &str| read_in(&json!({key: interval, "time_zone": "Europe/Paris"}), MARCH);
        assert!(read("fixed_interval", "1d").unwrap_err().message.contains("clocks of Europe/Paris change"));
        assert!(read("fixed_interval", "1h").is_ok());
        let days = read("calendar_interval", "day").unwrap();
        // The 29th of March has 23 hours.
        let start = days.start_of(Timestamp::from_seconds(1_774_785_600));
        assert_eq!(days.local_text(start), "2026-03-29T00:00:00.000+01:00");
        assert_eq!(days.next_of(start).as_nanos() - start.as_nanos(), 23 * HOUR_NS);
    }
}
