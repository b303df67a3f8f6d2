//! The canonical text of an instant, written and read without going through a calendar library: once or twice per event.
//!
//! Source of the calendar: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013), `civil_from_days`
//! and `days_from_civil`.

use super::{NANOS_PER_DAY, NANOS_PER_SECOND, Timestamp};
use crate::value::Text;

/// Bytes of the longest canonical text.
const BYTES_MAX: usize = "1677-09-21T00:12:43.145224192Z".len();
/// Bytes before the fraction.
const SECONDS_BYTES: usize = "1677-09-21T00:12:43".len();

/// The canonical text: RFC 3339, UTC, with 3, 6 or 9 digits of the second: the fewest that lose nothing.
pub(super) struct Canonical {
    bytes: [u8; BYTES_MAX],
    len: usize,
}

impl Canonical {
    /// Of an instant.
    pub(super) fn new(instant: Timestamp) -> Self {
        let nanos = instant.as_nanos();
        let (days, of_day) = (nanos.div_euclid(NANOS_PER_DAY), nanos.rem_euclid(NANOS_PER_DAY));
        let (year, month, day) = civil_from_days(days);
        let (seconds, fraction) = (of_day / NANOS_PER_SECOND, of_day % NANOS_PER_SECOND);
        let mut bytes = *b"0000-00-00T00:00:00.000000000Z";
        put(&mut bytes[0..4], year);
        put(&mut bytes[5..7], month);
        put(&mut bytes[8..10], day);
        put(&mut bytes[11..13], seconds / 3_600);
        put(&mut bytes[14..16], seconds / 60 % 60);
        put(&mut bytes[17..19], seconds % 60);
        let (digits, fraction) = match fraction {
            nanos if nanos % 1_000_000 == 0 => (3, nanos / 1_000_000),
            nanos if nanos % 1_000 == 0 => (6, nanos / 1_000),
            nanos => (9, nanos),
        };
        put(&mut bytes[SECONDS_BYTES + 1..SECONDS_BYTES + 1 + digits], fraction);
        bytes[SECONDS_BYTES + 1 + digits] = b'Z';
        Self { bytes, len: SECONDS_BYTES + 2 + digits }
    }

    /// As text.
    pub(super) fn as_str(&self) -> &str {
        // Digits and signs.
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

/// Writes a number with leading zeros.
fn put(digits: &mut [u8], mut number: i64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

impl Timestamp {
    /// Its canonical text.
    pub fn to_text(self) -> Text {
        Text::new(Canonical::new(self).as_str())
    }

    /// Whether this is its canonical text.
    pub fn has_text(self, text: &str) -> bool {
        Canonical::new(self).as_str() == text
    }
}

/// Reads `YYYY-MM-DDTHH:MM:SS`, at most nine digits of the second, `Z`: what most senders write. `None` for any other
/// form, for leap seconds and for dates that do not exist.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let number = |range: std::ops::Range<usize>| {
        bytes
            .get(range)?
            .iter()
            .try_fold(0_i64, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(*byte - b'0')))
    };
    let signs = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if signs.iter().any(|(place, sign)| bytes.get(*place) != Some(sign)) || bytes.last() != Some(&b'Z') {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of_month = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(is_leap),
        _ => return None,
    };
    if !(1..=days_of_month).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction = &bytes[SECONDS_BYTES..bytes.len() - 1];
    let nanos = match fraction {
        [] => 0,
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
            number(SECONDS_BYTES + 1..bytes.len() - 1)? * 10_i64.pow(9 - digits.len() as u32)
        }
        _ => return None,
    };
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    seconds.checked_mul(NANOS_PER_SECOND)?.checked_add(nanos).map(Timestamp::from_nanos)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_calendar_agrees_with_jiff(nanos in any::<i64>(), digits in prop::sample::select(&[1, 1_000, 1_000_000, 1_000_000_000][..])) {
            let instant = Timestamp::from_nanos(nanos / digits * digits);
            let precision = match instant.as_nanos().rem_euclid(NANOS_PER_SECOND) {
                nanos if nanos % 1_000_000 == 0 => 3,
                nanos if nanos % 1_000 == 0 => 6,
                _ => 9,
            };
            let expected = format!("{:.precision$}", instant.to_jiff());
            prop_assert_eq!(instant.to_string(), expected.clone());
            prop_assert!(instant.has_text(&expected));
            prop_assert_eq!(read(&expected), Some(instant));
        }

        #[test]
        fn what_is_read_is_what_jiff_reads(text in "(1[6-9]|2[0-3])[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,10})?Z") {
            if let Some(instant) = read(&text) {
                let expected: jiff::Timestamp = text.parse().unwrap();
                prop_assert_eq!(Timestamp::from_jiff(expected), Some(instant));
            }
        }
    }

    #[test]
    fn other_forms_are_left_to_others() {
        for text in [
            "",
            "2026-11-23",
            "2026-11-23 10:00:00Z",
            "2026-11-23T10:00:00",
            "2026-11-23T10:00:60Z",
            "2026-02-29T10:00:00Z",
            "2026-11-23T10:00:00.Z",
            "2026-11-23T10:00:00.1234567890Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
