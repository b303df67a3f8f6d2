//! Widths of time as people type them (`30s`, `5m`, `1h`, `1d`, `2w`), and where spans of that width begin.

use vigie_domain::time::{NANOS_PER_DAY, NANOS_PER_SECOND};

/// Seven days.
pub(crate) const WEEK_NS: i64 = 7 * NANOS_PER_DAY;
/// The first Monday after the epoch, which was a Thursday: weeks begin on Mondays (ISO 8601).
const MONDAY_NS: i64 = 4 * NANOS_PER_DAY;

/// The width in nanoseconds, above 0; `None` when the text is none.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    let amount: i64 = digits.parse().ok()?;
    amount.checked_mul(seconds * NANOS_PER_SECOND).filter(|interval| *interval > 0)
}

/// Spans begin at multiples of their width, and weeks on Mondays.
pub(crate) const fn offset_of(interval_ns: i64) -> i64 {
    if interval_ns % WEEK_NS == 0 { MONDAY_NS } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_or_refused() {
        assert_eq!(parse("5m"), Some(300 * NANOS_PER_SECOND));
        assert_eq!(parse("2w"), Some(2 * WEEK_NS));
        for text in ["", "5", "m", "0s", "-1h", "5 m", "1y", "1h30m", "99999999999999d", "é"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
