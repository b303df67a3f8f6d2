//! Night and weekend of a transaction. UTC: whoever knows the shop's zone moves the instant first.

use crate::Timestamp;
use crate::time::NANOS_PER_DAY;

/// Nanoseconds in an hour.
const NANOS_PER_HOUR: i64 = 3_600 * crate::time::NANOS_PER_SECOND;
/// The last hour of the night: 06:59:59 still is one.
const NIGHT_HOUR_LAST: i64 = 6;
/// 1970-01-01 was a Thursday; counted from Monday.
const WEEKDAY_OF_DAY_ZERO: i32 = 3;
/// Saturday, counted from Monday.
const SATURDAY: i32 = 5;

/// Whether it lies on a Saturday or a Sunday.
pub fn is_weekend(at: Timestamp) -> bool {
    (at.day().0 + WEEKDAY_OF_DAY_ZERO).rem_euclid(7) >= SATURDAY
}

/// Whether its hour is 0 to 6.
pub fn is_night(at: Timestamp) -> bool {
    at.as_nanos().rem_euclid(NANOS_PER_DAY) / NANOS_PER_HOUR <= NIGHT_HOUR_LAST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nights_and_weekends_are_told() {
        let check = |text: &str, weekend: bool, night: bool| {
            let at = Timestamp::from_jiff(text.parse().unwrap()).unwrap();
            assert_eq!((is_weekend(at), is_night(at)), (weekend, night), "{text}");
        };
        check("2018-07-27T23:59:59Z", false, false);
        check("2018-07-28T00:00:00Z", true, true);
        check("2018-07-29T06:59:59Z", true, true);
        check("2018-07-30T07:00:00Z", false, false);
        check("1969-12-27T12:00:00Z", true, false);
    }
}
