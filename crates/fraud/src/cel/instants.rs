//! Instants and lengths of time as rules write them, and the calendar of an instant, in UTC.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use vigie_domain::Timestamp;

use super::frame::Elapsed;

/// Units of Go's durations, which CEL takes over; longer names before those that they begin with.
const UNIT_NANOS: [(&str, i64); 6] = [
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
];

/// Reads RFC 3339, with an offset or `Z`. `None` for other forms and beyond the years 1677 to 2262.
pub(super) fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let has_signs = [(10, b'T'), (13, b':'), (16, b':')].iter().all(|(place, sign)| bytes.get(*place) == Some(sign));
    let ends_in_offset = bytes.iter().rev().nth(5).is_some_and(|sign| matches!(sign, b'+' | b'-'));
    let has_offset = text.ends_with('Z') || (ends_in_offset && bytes.iter().rev().nth(2) == Some(&b':'));
    if !has_signs || !has_offset {
        return None;
    }
    text.parse().ok().and_then(Timestamp::from_jiff)
}

/// Reads numbers with units, `1h30m`, `1.5h`, `-10s`; units are `h m s ms us ns`. `None` for other forms and beyond 292 years.
/// What is below a nanosecond is cut off.
pub(super) fn parse_duration(text: &str) -> Option<Elapsed> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let mut rest = unsigned;
    let mut nanos: i64 = 0;
    while !rest.is_empty() {
        let (whole, behind) = split_digits(rest);
        let (fraction, behind) = behind.strip_prefix('.').map_or(("", behind), split_digits);
        let (unit, unit_nanos) = UNIT_NANOS.iter().find(|(unit, _)| behind.starts_with(unit))?;
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        nanos = nanos.checked_add(whole.checked_mul(*unit_nanos)?)?.checked_add(part_of(fraction, *unit_nanos))?;
        rest = &behind[unit.len()..];
    }
    let is_negative = unsigned.len() < text.len();
    (!unsigned.is_empty()).then_some(Elapsed(if is_negative { -nanos } else { nanos }))
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|next: char| !next.is_ascii_digit()).unwrap_or(text.len()))
}

/// Digits behind the point, in nanoseconds of a unit.
fn part_of(digits: &str, unit_nanos: i64) -> i64 {
    let (mut nanos, mut scale) = (0_i128, 1_i128);
    // More digits than these are below a nanosecond of every unit.
    for digit in digits.bytes().take(18) {
        nanos = nanos * 10 + i128::from(digit - b'0');
        scale *= 10;
    }
    (nanos * i128::from(unit_nanos) / scale) as i64
}

/// Date and time of day.
pub(super) fn civil(at: Timestamp) -> DateTime {
    Offset::UTC.to_datetime(at.to_jiff())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_timestamp(text: &str, expected_nanos: Option<i64>) {
        assert_eq!(parse_timestamp(text).map(Timestamp::as_nanos), expected_nanos, "{text}");
    }

    fn check_duration(text: &str, expected_nanos: Option<i64>) {
        assert_eq!(parse_duration(text), expected_nanos.map(Elapsed), "{text}");
    }

    #[test]
    fn instants_are_rfc_3339() {
        check_timestamp("1970-01-01T00:00:01Z", Some(1_000_000_000));
        check_timestamp("1970-01-01T01:00:00.5+01:00", Some(500_000_000));
        check_timestamp("1969-12-31T23:59:59Z", Some(-1_000_000_000));
        check_timestamp("1970-01-01", None);
        check_timestamp("1970-01-01T00:00:00", None);
        check_timestamp("1970-01-01 00:00:00Z", None);
        check_timestamp("1970-01-01T00:00:00+01:00[Europe/Paris]", None);
        check_timestamp("2026-02-30T00:00:00Z", None);
        check_timestamp("3000-01-01T00:00:00Z", None);
        check_timestamp("é", None);
        check_timestamp("", None);
    }

    #[test]
    fn durations_are_those_of_go() {
        check_duration("1h30m", Some(5_400_000_000_000));
        check_duration("1.5h", Some(5_400_000_000_000));
        check_duration("-10s", Some(-10_000_000_000));
        check_duration("1m1s1ms1us1ns", Some(61_001_001_001));
        check_duration(".5s", Some(500_000_000));
        check_duration("1.s", Some(1_000_000_000));
        check_duration("0.0000000019s", Some(1));
        check_duration("0.33333333333333333333333h", Some(1_199_999_999_999));
        check_duration("2562047h", Some(9_223_369_200_000_000_000));
        check_duration("2562048h", None);
        check_duration("1d", None);
        check_duration("1", None);
        check_duration("h", None);
        check_duration(".h", None);
        check_duration("-", None);
        check_duration("", None);
        check_duration("1h é", None);
    }
}
