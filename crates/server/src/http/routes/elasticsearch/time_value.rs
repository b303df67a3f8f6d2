//! Spans of time as parameters of Elasticsearch's API name them: a whole number and its unit, such as `500ms`, `1m` or `5d`.

use std::time::Duration;

use vigie_domain::Error;

use super::params::Params;
use crate::http::error::ApiResult;

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

/// The span that a parameter names, if it is there. `0` and `-1` need no unit and are no time at all.
///
/// # Errors
/// `Malformed`, naming the parameter, for what is no span of time.
pub(super) fn time_value(params: &Params, name: &str) -> ApiResult<Option<Duration>> {
    let Some(text) = params.get(name) else { return Ok(None) };
    let words = || {
        format!(
            "failed to parse setting [{name}] with value [{text}] as a time value: use a whole number with nanos, micros, ms, s, m, h or d"
        )
    };
    read(text).map(Some).ok_or_else(|| Error::malformed_field(name, words()).into())
}

fn read(text: &str) -> Option<Duration> {
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
        let check = |text: &str, expected: Option<Duration>| assert_eq!(read(text), expected, "{text}");
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
