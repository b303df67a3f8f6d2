//! Reading instants in the forms that senders use.

use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

use super::Timestamp;

/// Reads an instant; `now` gives the year to forms without one, so that they never lie in the future.
///
/// RFC 3339 with any offset, the same without one (UTC) with `T` or a space, `YYYY-MM-DD`, `dd/Mon/yyyy:HH:MM:SS Z`
/// (web servers), RFC 2822, syslog's `Mon dd HH:MM:SS`, `yyyy/mm/dd HH:MM:SS`, and UNIX numbers (see `from_epoch_number`).
pub fn parse_instant(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(instant) = super::rfc3339::read(text) {
        return Some(instant);
    }
    let first = *text.as_bytes().first()?;
    if first.is_ascii_digit() || first == b'-' {
        return parse_digits_first(text);
    }
    parse_rfc2822(text).or_else(|| parse_syslog(text, now))
}

fn parse_digits_first(text: &str) -> Option<Timestamp> {
    if let Ok(number) = text.parse::<f64>() {
        return from_epoch_text(text, number);
    }
    if text.as_bytes().get(4) == Some(&b'-') {
        return parse_iso(text);
    }
    if text.as_bytes().get(2) == Some(&b'/') && text.contains(':') {
        return parse_web_server(text);
    }
    if text.as_bytes().get(4) == Some(&b'/') {
        return parse_civil("%Y/%m/%d %H:%M:%S%.f", text);
    }
    None
}

fn parse_iso(text: &str) -> Option<Timestamp> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Timestamp::from_jiff(instant);
    }
    if let Ok(civil) = text.replacen(',', ".", 1).parse::<DateTime>() {
        return from_civil(civil);
    }
    text.parse::<Date>().ok().and_then(|date| from_civil(date.to_datetime(jiff::civil::Time::midnight())))
}

fn parse_web_server(text: &str) -> Option<Timestamp> {
    let parsed = BrokenDownTime::parse("%d/%b/%Y:%H:%M:%S %z", text).ok()?;
    parsed.to_timestamp().ok().and_then(Timestamp::from_jiff)
}

fn parse_rfc2822(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().and_then(|zoned| Timestamp::from_jiff(zoned.timestamp()))
}

/// A date without a year is the latest of its kind that does not lie more than a day ahead: at New Year it may be of the
/// next year, where clocks differ, and 29 February is of the last leap year.
fn parse_syslog(text: &str, now: Timestamp) -> Option<Timestamp> {
    /// Years between two leap years where a century without one lies between.
    const LEAP_YEARS_APART_MAX: i16 = 8;
    if let Some(instant) = parse_civil("%b %d %Y %H:%M:%S%.f", text) {
        return Some(instant);
    }
    // Most text that comes here is no date at all: it is told once, in a year that has every day.
    parse_civil("%Y %b %d %H:%M:%S%.f", &format!("2000 {text}"))?;
    let latest = now.saturating_add_nanos(super::NANOS_PER_DAY);
    let year = now.to_jiff().to_zoned_datetime(TimeZone::UTC).year();
    let in_year = |year: i16| parse_civil("%Y %b %d %H:%M:%S%.f", &format!("{year} {text}"));
    (year - LEAP_YEARS_APART_MAX..=year + 1).rev().filter_map(in_year).find(|instant| *instant <= latest)
}

fn parse_civil(format: &str, text: &str) -> Option<Timestamp> {
    DateTime::strptime(format, text).ok().and_then(from_civil)
}

fn from_civil(civil: DateTime) -> Option<Timestamp> {
    civil.to_zoned_datetime(TimeZone::UTC).ok().and_then(|zoned| Timestamp::from_jiff(zoned.timestamp()))
}

/// Digits are read exactly, so that nanoseconds do not pass through a float.
fn from_epoch_text(text: &str, number: f64) -> Option<Timestamp> {
    match text.parse::<i64>() {
        Ok(whole) => from_epoch_whole(whole),
        Err(_) => from_epoch_decimal(text).or_else(|| from_epoch_number(number)),
    }
}

/// `None` when the text is not of the form `1795442645.678`.
fn from_epoch_decimal(text: &str) -> Option<Timestamp> {
    const FRACTION_DIGITS: usize = 9;
    let (whole, fraction) = text.split_once('.')?;
    let whole: i64 = whole.parse().ok()?;
    let kept: i64 = format!("{fraction:0<FRACTION_DIGITS$.FRACTION_DIGITS$}").parse().ok()?;
    let unit = unit_nanos(whole.unsigned_abs() as f64)?;
    let part = (i128::from(kept) * i128::from(unit) / 10_i128.pow(FRACTION_DIGITS as u32)) as i64;
    whole.checked_mul(unit)?.checked_add(if whole < 0 { -part } else { part }).map(Timestamp::from_nanos)
}

fn from_epoch_whole(number: i64) -> Option<Timestamp> {
    let nanos_per_unit = unit_nanos(number.unsigned_abs() as f64)?;
    number.checked_mul(nanos_per_unit).map(Timestamp::from_nanos)
}

/// Reads a UNIX time in s, ms, µs or ns, told apart by size: each unit reaches to the year 5138.
///
/// Below 10^8 (March 1973 in seconds) a number is more likely something else and is not read.
pub fn from_epoch_number(number: f64) -> Option<Timestamp> {
    if !number.is_finite() {
        return None;
    }
    if number.fract() == 0.0 {
        return from_epoch_whole(number as i64);
    }
    let nanos = number * unit_nanos(number.abs())? as f64;
    (nanos.abs() < i64::MAX as f64).then(|| Timestamp::from_nanos(nanos.round() as i64))
}

fn unit_nanos(size: f64) -> Option<i64> {
    match size {
        size if size < 1e8 => None,
        size if size < 1e11 => Some(1_000_000_000),
        size if size < 1e14 => Some(1_000_000),
        size if size < 1e17 => Some(1_000),
        _ => Some(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T14:04:05Z.
    const INSTANT_S: i64 = 1_795_442_645;

    fn check(text: &str, expected: Option<Timestamp>) {
        assert_eq!(parse_instant(text, Timestamp::from_seconds(INSTANT_S)), expected, "{text}");
    }

    #[test]
    fn one_instant_in_many_forms() {
        let instant = Some(Timestamp::from_seconds(INSTANT_S));
        check("2026-11-23T14:04:05Z", instant);
        check("2026-11-23T15:04:05+01:00", instant);
        check("2026-11-23 14:04:05", instant);
        check("2026-11-23T14:04:05", instant);
        check("2026-11-23 14:04:05,000", instant);
        check("2026/11/23 14:04:05", instant);
        check("23/Nov/2026:15:04:05 +0100", instant);
        check("Mon, 23 Nov 2026 14:04:05 +0000", instant);
        check("Nov 23 14:04:05", instant);
        check("Nov 23 2026 14:04:05", instant);
        check("2026-11-23T15:04:05+0100", instant);
        check("1795442645", instant);
        check("1795442645000", instant);
        check("1795442645000000", instant);
        check("1795442645000000000", instant);
        check("1795442645.0", instant);
    }

    #[test]
    fn fractions_and_days() {
        check("2026-11-23T14:04:05.678Z", Some(Timestamp::from_millis(INSTANT_S * 1000 + 678)));
        check("1795442645.678", Some(Timestamp::from_millis(INSTANT_S * 1000 + 678)));
        check("1795442645678.9", Some(Timestamp::from_nanos((INSTANT_S * 1000 + 678) * 1_000_000 + 900_000)));
        check("-1795442645.25", Some(Timestamp::from_millis(-INSTANT_S * 1000 - 250)));
        check("2026-11-23 14:04:05.678", Some(Timestamp::from_millis(INSTANT_S * 1000 + 678)));
        check("2026-11-23", Some(Timestamp::from_seconds(1_795_392_000)));
        check("2026-11-23 14:04", Some(Timestamp::from_seconds(INSTANT_S - 5)));
    }

    #[test]
    fn dates_without_a_year_are_not_in_the_future() {
        check("Dec 24 00:00:00", Some(Timestamp::from_seconds(1_766_534_400)));
        check("Nov 24 14:04:05", Some(Timestamp::from_seconds(INSTANT_S + 86_400)));
        check("Nov 24 14:04:06", Some(Timestamp::from_seconds(INSTANT_S + 86_401 - 365 * 86_400)));
        check("Nov 23 2025 14:04:05", Some(Timestamp::from_seconds(INSTANT_S - 365 * 86_400)));
        check("Feb 30 00:00:00", None);
    }

    fn check_year(text: &str, now: &str, expected: &str) {
        let now = parse_instant(now, Timestamp::default()).unwrap();
        assert_eq!(parse_instant(text, now).map(|instant| instant.to_string()).as_deref(), Some(expected), "{text}");
    }

    #[test]
    fn the_year_turns_both_ways_and_leap_days_exist() {
        check_year("Dec 31 23:59:58", "2027-01-01T00:00:03Z", "2026-12-31T23:59:58.000Z");
        check_year("Jan  1 00:00:05", "2026-12-31T23:59:58Z", "2027-01-01T00:00:05.000Z");
        check_year("Feb 29 12:00:00", "2028-02-29T12:00:01Z", "2028-02-29T12:00:00.000Z");
        check_year("Feb 29 12:00:00", "2027-03-01T00:00:00Z", "2024-02-29T12:00:00.000Z");
        check_year("Feb 29 12:00:00", "2103-03-01T00:00:00Z", "2096-02-29T12:00:00.000Z");
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in ["", "yesterday", "2026-13-01", "12", "99/99/9999", "9999-12-31T00:00:00Z", "NaN", "1e999"] {
            check(text, None);
        }
    }
}
