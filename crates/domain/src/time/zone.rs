//! Time zones by their names or offsets.

use jiff::tz::{Offset, TimeZone};

/// The zone that is meant by `Europe/Paris`, `UTC`, `Z`, `+01:00`, `-0530` or `+2`.
pub fn zone_named(name: &str) -> Option<TimeZone> {
    if matches!(name, "Z" | "UTC" | "GMT" | "Etc/UTC") {
        return Some(TimeZone::UTC);
    }
    let (sign, rest) = match name.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return TimeZone::get(name).ok(),
    };
    let digits: String = rest.chars().filter(|sign| *sign != ':').collect();
    if !digits.bytes().all(|sign| sign.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.parse::<i32>().ok()?, 0),
        4 => (digits[..2].parse().ok()?, digits[2..].parse().ok()?),
        _ => return None,
    };
    let is_offset = hours <= 18 && minutes < 60;
    let offset = is_offset.then_some(sign * (hours * 3_600 + minutes * 60))?;
    Offset::from_seconds(offset).ok().map(TimeZone::fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected_s: Option<i32>) {
        let instant = jiff::Timestamp::UNIX_EPOCH;
        assert_eq!(zone_named(name).map(|zone| zone.to_offset(instant).seconds()), expected_s, "{name}");
    }

    #[test]
    fn zones_are_named_or_offsets() {
        check("Z", Some(0));
        check("Europe/Paris", Some(3_600));
        check("+01:00", Some(3_600));
        check("-0530", Some(-19_800));
        check("+2", Some(7_200));
        check("Mars/Base", None);
        check("+19:00", None);
        check("+1:60", None);
        check("+é1", None);
        check("", None);
    }
}
