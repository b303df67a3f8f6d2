//! Spans of time of a histogram in Elasticsearch's words.

use jiff::tz::TimeZone;
use serde_json::{Map, Value as Json};
use vigie_domain::{Result, TimeRange, Timestamp};

use super::place::Place;

const SECOND_NS: i64 = 1_000_000_000;
const MINUTE_NS: i64 = 60 * SECOND_NS;
const HOUR_NS: i64 = 60 * MINUTE_NS;
const DAY_NS: i64 = 24 * HOUR_NS;
/// The first Monday of the epoch, where calendar weeks begin.
const MONDAY_NS: i64 = 4 * DAY_NS;

/// Spans of one width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spans {
    /// Width.
    pub(super) interval_ns: i64,
    /// Shift of their borders from the epoch.
    pub(super) offset_ns: i64,
    /// How far the clocks are ahead of UTC by which they are named.
    pub(super) zone_ns: i64,
}

impl Spans {
    /// Where the span of an instant begins.
    pub(super) fn start_of(self, at: Timestamp) -> i64 {
        let (interval, offset) = (i128::from(self.interval_ns), i128::from(self.offset_ns));
        let start = (i128::from(at.as_nanos()) - offset).div_euclid(interval) * interval + offset;
        i64::try_from(start).unwrap_or(i64::MIN)
    }

    /// The instant as the clocks there show it, such as `2026-11-23T00:00:00.000+01:00`.
    pub(super) fn local_text(self, at: Timestamp) -> String {
        let text = at.saturating_add_nanos(self.zone_ns).to_string();
        if self.zone_ns == 0 {
            return text;
        }
        let (sign, ahead) = (if self.zone_ns < 0 { '-' } else { '+' }, self.zone_ns.abs());
        let (hours, minutes) = (ahead / HOUR_NS, ahead % HOUR_NS / MINUTE_NS);
        format!("{}{sign}{hours:02}:{minutes:02}", text.trim_end_matches('Z'))
    }
}

/// Reads interval, time zone and offset.
///
/// # Errors
/// `Malformed` for an interval that is none or has no fixed width in the zone.
pub(super) fn read(object: &Map<String, Json>, range: TimeRange, place: &Place) -> Result<Spans> {
    let text = |key: &str| object.get(key).map(|json| place.key(key).text(json)).transpose();
    let (fixed, calendar, older) = (text("fixed_interval")?, text("calendar_interval")?, text("interval")?);
    let (interval_ns, mut offset_ns) = match (fixed, calendar, older) {
        (Some(fixed), None, None) => (width(&fixed).ok_or_else(|| no_interval(&fixed, place))?, 0),
        (None, Some(name), None) => calendar_width(&name, place)?,
        (None, None, Some(older)) => match width(&older) {
            Some(width) => (width, 0),
            None => calendar_width(&older, place)?,
        },
        _ => return Err(place.wrong("must have one of [fixed_interval] and [calendar_interval]")),
    };
    let zone_ns = match text("time_zone")? {
        Some(zone) => zone_offset_ns(&zone, range, interval_ns, place)?,
        None => 0,
    };
    offset_ns -= zone_ns;
    if let Some(offset) = text("offset")? {
        let (sign, rest) = match offset.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, offset.trim_start_matches('+')),
        };
        let shift = width(rest).or((rest == "0").then_some(0));
        offset_ns +=
            sign * shift.ok_or_else(|| place.key("offset").wrong(&format!("\"{offset}\" is no span such as +6h")))?;
    }
    Ok(Spans { interval_ns, offset_ns: offset_ns.rem_euclid(interval_ns), zone_ns })
}

fn no_interval(text: &str, place: &Place) -> vigie_domain::Error {
    place.wrong(&format!("\"{text}\" is no interval; use a number with ms, s, m, h or d, such as 30s"))
}

/// `30s` in nanoseconds.
fn width(text: &str) -> Option<i64> {
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

/// Width and offset of a unit of the calendar.
fn calendar_width(name: &str, place: &Place) -> Result<(i64, i64)> {
    match name {
        "second" | "1s" => Ok((SECOND_NS, 0)),
        "minute" | "1m" => Ok((MINUTE_NS, 0)),
        "hour" | "1h" => Ok((HOUR_NS, 0)),
        "day" | "1d" => Ok((DAY_NS, 0)),
        "week" | "1w" => Ok((7 * DAY_NS, MONDAY_NS)),
        "month" | "1M" | "quarter" | "1q" | "year" | "1y" => {
            Err(place.missing(&format!("the calendar interval [{name}]")))
        }
        other => Err(no_interval(other, place)),
    }
}

/// How far the clocks of a zone are ahead of UTC in all of the range.
fn zone_offset_ns(name: &str, range: TimeRange, interval_ns: i64, place: &Place) -> Result<i64> {
    let place = place.key("time_zone");
    if let Some(fixed) = fixed_offset_ns(name) {
        return Ok(fixed);
    }
    let zone = TimeZone::get(name)
        .map_err(|_| place.wrong(&format!("\"{name}\" is no time zone; use one such as Europe/Paris or +01:00")))?;
    let offset = |at: Timestamp| i64::from(zone.to_offset(at.to_jiff()).seconds()) * SECOND_NS;
    let (first, last) = (offset(range.from), offset(range.to));
    let changes = zone.following(range.from.to_jiff()).take_while(|change| change.timestamp() < range.to.to_jiff());
    let offsets: Vec<i64> = changes
        .take(4_096)
        .map(|change| i64::from(change.offset().seconds()) * SECOND_NS)
        .chain([first, last])
        .collect();
    // Spans of an hour or less begin at the same instants whatever whole hours the clocks are ahead.
    let is_the_same = offsets.iter().all(|offset| (offset - first).rem_euclid(interval_ns) == 0);
    if is_the_same {
        return Ok(first);
    }
    let words = format!(
        "the clocks of {name} change within the time that is asked for, and spans have one width; ask for less time, or name an offset such as +01:00"
    );
    Err(place.wrong(&words))
}

/// `+01:00`, `-0530`, `Z` or `UTC`.
fn fixed_offset_ns(name: &str) -> Option<i64> {
    if matches!(name, "Z" | "UTC" | "GMT" | "Etc/UTC") {
        return Some(0);
    }
    let (sign, rest) = match name.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let digits: String = rest.chars().filter(|sign| *sign != ':').collect();
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.parse::<i64>().ok()?, 0),
        4 => (digits.get(..2)?.parse().ok()?, digits.get(2..)?.parse().ok()?),
        _ => return None,
    };
    (hours <= 18 && minutes < 60).then_some(sign * (hours * HOUR_NS + minutes * MINUTE_NS))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(json: Json, expected: Result<(i64, i64), &str>) {
        // A month without a change of clocks, and one with.
        let may =
            TimeRange { from: Timestamp::from_seconds(1_777_593_600), to: Timestamp::from_seconds(1_780_272_000) };
        let found = read(json.as_object().unwrap(), may, &Place::of("date_histogram"));
        match (found, expected) {
            (Ok(found), Ok((seconds, offset))) => {
                assert_eq!((found.interval_ns, found.offset_ns), (seconds * SECOND_NS, offset * SECOND_NS), "{json}");
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
        check(json!({"calendar_interval": "month"}), Err("is not there"));
        check(json!({"fixed_interval": "1w"}), Err("is no interval"));
        check(json!({"fixed_interval": "0s"}), Err("is no interval"));
        check(json!({"fixed_interval": "1d", "time_zone": "Mars/Base"}), Err("is no time zone"));
        check(json!({}), Err("must have one of"));
    }

    #[test]
    fn spans_are_named_by_the_clocks_of_their_zone() {
        let check = |zone_ns: i64, expected: &str| {
            let spans = Spans { interval_ns: DAY_NS, offset_ns: 0, zone_ns };
            assert_eq!(spans.local_text(Timestamp::from_seconds(1_795_442_645)), expected);
        };
        check(0, "2026-11-23T14:04:05.000Z");
        check(HOUR_NS, "2026-11-23T15:04:05.000+01:00");
        check(-5 * HOUR_NS - 30 * MINUTE_NS, "2026-11-23T08:34:05.000-05:30");
    }

    #[test]
    fn a_change_of_clocks_within_the_range_is_refused_where_it_matters() {
        let march =
            TimeRange { from: Timestamp::from_seconds(1_772_323_200), to: Timestamp::from_seconds(1_775_001_600) };
        let read = |interval: &str| {
            let json = json!({"fixed_interval": interval, "time_zone": "Europe/Paris"});
            read(json.as_object().unwrap(), march, &Place::of("date_histogram"))
        };
        assert!(read("1d").unwrap_err().message.contains("clocks of Europe/Paris change"));
        assert!(read("1h").is_ok());
    }
}
