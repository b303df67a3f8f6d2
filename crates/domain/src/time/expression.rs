//! What people type for a time: `now-15m`, `now/d`, `15m`, or any form of an instant.

use jiff::tz::TimeZone;
use jiff::{ToSpan, Unit};

use super::{Timestamp, parse_instant};

/// The text names no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no time; use 2026-11-23T14:00:00Z, 2026-11-23 14:00, now-15m, now/d or a UNIX time")]
pub struct TimeExpressionError(pub String);

/// The instant that a typed expression means at `now`.
///
/// `now`, then any of `±<n><unit>` and `/<unit>` (round down, UTC), unit one of `s m h d w M y`; a bare
/// `15m` means `now-15m`.
///
/// # Errors
/// When the text is none of these, or leaves the range of instants.
pub fn parse_expression(text: &str, now: Timestamp) -> Result<Timestamp, TimeExpressionError> {
    let fail = || TimeExpressionError(text.to_owned());
    let trimmed = text.trim();
    if let Some(steps) = trimmed.strip_prefix("now") {
        return apply_steps(steps, now).ok_or_else(fail);
    }
    if trimmed.len() <= 6 && trimmed.ends_with(|last: char| last.is_ascii_alphabetic()) {
        return apply_steps(&format!("-{trimmed}"), now).ok_or_else(fail);
    }
    parse_instant(trimmed, now).ok_or_else(fail)
}

fn apply_steps(steps: &str, now: Timestamp) -> Option<Timestamp> {
    let mut at = now.to_jiff().to_zoned_datetime(TimeZone::UTC);
    let mut rest = steps;
    while let Some(operator) = rest.chars().next() {
        rest = &rest[operator.len_utf8()..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let amount: i64 = if digits == 0 { 1 } else { rest[..digits].parse().ok()? };
        rest = &rest[digits..];
        let unit = rest.chars().next()?;
        rest = &rest[unit.len_utf8()..];
        at = match operator {
            '+' => at.checked_add(span(amount, unit)?).ok()?,
            '-' => at.checked_sub(span(amount, unit)?).ok()?,
            '/' if digits == 0 => round_down(&at, unit)?,
            _ => return None,
        };
    }
    Timestamp::from_jiff(at.timestamp())
}

fn span(amount: i64, unit: char) -> Option<jiff::Span> {
    let zero = 0.seconds();
    match unit {
        's' => zero.try_seconds(amount),
        'm' => zero.try_minutes(amount),
        'h' => zero.try_hours(amount),
        'd' => zero.try_days(amount),
        'w' => zero.try_weeks(amount),
        'M' => zero.try_months(amount),
        'y' => zero.try_years(amount),
        _ => return None,
    }
    .ok()
}

fn round_down(at: &jiff::ZonedDateTime, unit: char) -> Option<jiff::ZonedDateTime> {
    let to = |unit: Unit| at.round(jiff::ZonedDateTimeRound::new().smallest(unit).mode(jiff::RoundMode::Floor)).ok();
    match unit {
        's' => to(Unit::Second),
        'm' => to(Unit::Minute),
        'h' => to(Unit::Hour),
        'd' => at.start_of_day().ok(),
        'w' => {
            let days = i64::from(at.weekday().to_monday_zero_offset());
            at.start_of_day().ok()?.checked_sub(days.days()).ok()
        }
        'M' => at.first_of_month().ok()?.start_of_day().ok(),
        'y' => at.first_of_year().ok()?.start_of_day().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T14:04:05Z, a Monday.
    const NOW_S: i64 = 1_795_442_645;

    fn check(text: &str, expected: Option<&str>) {
        let instant = parse_expression(text, Timestamp::from_seconds(NOW_S)).ok();
        assert_eq!(instant.map(|at| at.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn relative_times() {
        check("now", Some("2026-11-23T14:04:05.000Z"));
        check("now-15m", Some("2026-11-23T13:49:05.000Z"));
        check("15m", Some("2026-11-23T13:49:05.000Z"));
        check("now-1d/d", Some("2026-11-22T00:00:00.000Z"));
        check("now/w", Some("2026-11-23T00:00:00.000Z"));
        check("now-1M", Some("2026-10-23T14:04:05.000Z"));
        check("now+1h", Some("2026-11-23T15:04:05.000Z"));
    }

    #[test]
    fn absolute_times() {
        check("2026-11-20T15:00:00+01:00", Some("2026-11-20T14:00:00.000Z"));
        check("1795183200000", Some("2026-11-20T14:00:00.000Z"));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "soon", "now-", "now-1x", "now*2d", "now-99999999999999999999d", "now-9999999y"] {
            check(text, None);
        }
    }
}
