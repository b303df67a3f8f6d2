//! Spans of time as Elasticsearch's API writes them: a whole number and its unit, such as `500ms`, `1m` or `5d`.

use std::time::Duration;

/// Units with their length in nanoseconds; those that end alike from the longest name to the shortest.
const UNITS: [(&str, u64); 7] = [
    ("nanos", 1),
    ("micros", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 60 * 60 * 1_000_000_000),
    ("d", 24 * 60 * 60 * 1_000_000_000),
];

/// The span that the text names; `None` when it names none. `0` and `-1` need no unit and are no time at all.
pub fn time_value(text: &str) -> Option<Duration> {
    let text = text.trim().to_ascii_lowercase();
    if text == "0" || text == "-1" {
        return Some(Duration::ZERO);
    }
    let (number, nanos) = UNITS.iter().find_map(|(unit, nanos)| Some((text.strip_suffix(unit)?, nanos)))?;
    let number: u64 = number.trim_end().parse().ok()?;
    number.checked_mul(*nanos).map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_number_and_a_unit() {
        let check = |text: &str, expected: Option<Duration>| assert_eq!(time_value(text), expected, "{text}");
        check("7nanos", Some(Duration::from_nanos(7)));
        check("8micros", Some(Duration::from_micros(8)));
        check("500ms", Some(Duration::from_millis(500)));
        check("1s", Some(Duration::from_secs(1)));
        check("2 m", Some(Duration::from_secs(120)));
        check("3H", Some(Duration::from_secs(3 * 3600)));
        check("5d", Some(Duration::from_secs(5 * 86_400)));
        check("0", Some(Duration::ZERO));
        check("-1", Some(Duration::ZERO));
        for wrong in ["", "5", "s", "1.5s", "-2s", "1w", "1s1", "99999999999999999999d", "9999999999d"] {
            check(wrong, None);
        }
    }
}
