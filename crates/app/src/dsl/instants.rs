//! Instants in Elasticsearch's words: date math, epoch milliseconds, and dates that stand for a whole day at one end of a range.

use serde_json::Value as Json;
use vigie_domain::query::Bound;
use vigie_domain::time::parse_expression;
use vigie_domain::{Result, Timestamp};

use super::place::Place;

/// How instants are written that name no form of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateForm {
    /// Texts, and numbers as milliseconds.
    Usual,
    /// Seconds since the epoch.
    EpochSeconds,
}

/// Forms that mean what is read anyway.
const USUAL_FORMS: [&str; 12] = [
    "epoch_millis",
    "strict_date_optional_time",
    "date_optional_time",
    "strict_date_optional_time_nanos",
    "strict_date_time",
    "date_time",
    "strict_date",
    "date",
    "yyyy-MM-dd",
    "yyyy-MM-dd HH:mm:ss",
    "yyyy-MM-dd'T'HH:mm:ss.SSSZ",
    "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
];

impl DateForm {
    /// Reads a `format`, of which alternatives are parted by `||`.
    ///
    /// # Errors
    /// `Malformed` for a form that is not there.
    pub(super) fn read(json: Option<&Json>, place: &Place) -> Result<Self> {
        let Some(json) = json else { return Ok(Self::Usual) };
        let text = place.text(json)?;
        if text == "epoch_second" {
            return Ok(Self::EpochSeconds);
        }
        match text.split("||").find(|form| !USUAL_FORMS.contains(form)) {
            None => Ok(Self::Usual),
            Some(form) => Err(place.missing(&format!("the date format [{form}]"))),
        }
    }
}

/// Which end of a range an instant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// `gte`.
    From,
    /// `gt`.
    After,
    /// `lte`.
    To,
    /// `lt`.
    Before,
}

/// An instant, or the span that a text rounds to.
struct Read {
    first: Timestamp,
    /// The first instant behind the span.
    behind: Option<Timestamp>,
}

/// The bound that a value of a range means.
///
/// # Errors
/// `Malformed` when it is no time.
pub(super) fn bound(json: &Json, end: End, form: DateForm, now: Timestamp, place: &Place) -> Result<Bound> {
    let read = read(json, form, now, place)?;
    let (first, behind) = (read.first.to_string(), read.behind.map(|at| at.to_string()));
    Ok(match (end, behind) {
        (End::From, _) => Bound::Inclusive(first),
        (End::Before, _) => Bound::Exclusive(first),
        (End::After, None) => Bound::Exclusive(first),
        (End::To, None) => Bound::Inclusive(first),
        (End::After, Some(behind)) => Bound::Inclusive(behind),
        (End::To, Some(behind)) => Bound::Exclusive(behind),
    })
}

/// The instant that a value means.
///
/// # Errors
/// `Malformed` when it is no time.
pub(super) fn instant(json: &Json, form: DateForm, now: Timestamp, place: &Place) -> Result<Timestamp> {
    Ok(read(json, form, now, place)?.first)
}

fn read(json: &Json, form: DateForm, now: Timestamp, place: &Place) -> Result<Read> {
    let text = place.text(json)?;
    let no_time =
        || place.wrong(&format!("\"{text}\" is no time; use 2026-11-23T14:00:00Z, epoch milliseconds or now-15m"));
    if let Some((date, unit)) = year_or_month(&text, form) {
        let first = parse_expression(&date, now).map_err(|_| no_time())?;
        return Ok(Read { first, behind: step(first, unit) });
    }
    if let Ok(number) = text.parse::<f64>()
        && (json.is_number() || text.len() > 4)
    {
        let unit_ns = match form {
            DateForm::Usual => 1e6,
            DateForm::EpochSeconds => 1e9,
        };
        // Whole numbers are exact; a float could not hold their nanoseconds.
        let nanos = match text.parse::<i64>() {
            Ok(whole) => whole.checked_mul(unit_ns as i64),
            Err(_) => {
                (number.is_finite() && (number * unit_ns).abs() < i64::MAX as f64).then_some((number * unit_ns) as i64)
            }
        };
        let first = Timestamp::from_nanos(nanos.ok_or_else(no_time)?);
        return Ok(Read { first, behind: None });
    }
    let (anchor, steps) = match text.split_once("||") {
        Some((anchor, steps)) => (parse_expression(anchor, now).map_err(|_| no_time())?, steps),
        None => match text.strip_prefix("now") {
            Some(steps) => (now, steps),
            None => {
                let first = parse_expression(&text, now).map_err(|_| no_time())?;
                return Ok(Read { first, behind: missing_unit(&text).and_then(|unit| step(first, unit)) });
            }
        },
    };
    let first = parse_expression(&format!("now{steps}"), anchor).map_err(|_| no_time())?;
    let rounded_to = steps.rsplit_once('/').map(|(_, unit)| unit).filter(|unit| unit.len() == 1);
    Ok(Read { first, behind: rounded_to.and_then(|unit| step(first, unit)) })
}

/// The first day of a year or month that is named alone, also as a number, and the unit of what is missing.
fn year_or_month(text: &str, form: DateForm) -> Option<(String, &'static str)> {
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    match (form, text.len(), text.split_once('-')) {
        (DateForm::Usual, 4, None) if is_number(text) => Some((format!("{text}-01-01"), "y")),
        (DateForm::Usual, 7, Some((year, month))) if year.len() == 4 && is_number(year) && is_number(month) => {
            Some((format!("{text}-01"), "M"))
        }
        _ => None,
    }
}

/// One unit behind an instant.
fn step(from: Timestamp, unit: &str) -> Option<Timestamp> {
    parse_expression(&format!("now+1{unit}"), from).ok()
}

/// The smallest unit that a date names, when it does not name the nanosecond: what is missing is all of it at one end of a range.
fn missing_unit(text: &str) -> Option<&'static str> {
    let text = text.trim_end_matches('Z');
    let zone = text.char_indices().skip(11).find(|(_, sign)| matches!(sign, '+' | '-')).map(|(at, _)| at);
    match zone.map_or(text.len(), |at| at) {
        10 => Some("d"),
        13 => Some("h"),
        16 => Some("m"),
        19 => Some("s"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// 2026-11-23T14:04:05Z, a Monday.
    const NOW: Timestamp = Timestamp::from_seconds(1_795_442_645);

    fn check(json: &Json, end: End, expected: &str) {
        let found = match bound(json, end, DateForm::Usual, NOW, &Place::of("range")) {
            Ok(Bound::Inclusive(text)) => format!("[{text}"),
            Ok(Bound::Exclusive(text)) => format!("({text}"),
            Ok(Bound::Open) => "open".to_owned(),
            Err(error) => error.message,
        };
        assert!(found.contains(expected), "{json} as {end:?} is {found}, not {expected}");
    }

    #[test]
    fn instants_are_read_as_elasticsearch_reads_them() {
        check(&json!(1_795_442_645_123_i64), End::From, "[2026-11-23T14:04:05.123Z");
        check(&json!("1795442645123"), End::Before, "(2026-11-23T14:04:05.123Z");
        check(&json!("now-15m"), End::From, "[2026-11-23T13:49:05.000Z");
        check(&json!("2026-11-20T10:00:00.000Z||+1d/d"), End::From, "[2026-11-21T00:00:00.000Z");
        check(&json!("2026-11-20T15:00:00.000+01:00"), End::To, "[2026-11-20T14:00:00.000Z");
        check(&json!("soon"), End::To, "is no time");
        check(&json!({}), End::To, "must be a text");
    }

    #[test]
    fn what_is_rounded_covers_its_unit() {
        check(&json!("now/d"), End::From, "[2026-11-23T00:00:00.000Z");
        check(&json!("now/d"), End::Before, "(2026-11-23T00:00:00.000Z");
        check(&json!("now/d"), End::To, "(2026-11-24T00:00:00.000Z");
        check(&json!("now/d"), End::After, "[2026-11-24T00:00:00.000Z");
        check(&json!("2026-11-20"), End::To, "(2026-11-21T00:00:00.000Z");
        check(&json!("2026-11-20"), End::From, "[2026-11-20T00:00:00.000Z");
        check(&json!("2026"), End::From, "[2026-01-01T00:00:00.000Z");
        check(&json!(2026), End::To, "(2027-01-01T00:00:00.000Z");
        check(&json!("2026-12"), End::After, "[2027-01-01T00:00:00.000Z");
        check(&json!("2026-12"), End::Before, "(2026-12-01T00:00:00.000Z");
        check(&json!("2026-13"), End::Before, "is no time");
        check(&json!("2026-11-20T14:04:05Z"), End::To, "(2026-11-20T14:04:06.000Z");
        check(&json!("2026-11-20T14:04:05.000Z"), End::To, "[2026-11-20T14:04:05.000Z");
    }

    #[test]
    fn forms_that_are_not_there_are_refused() {
        let place = Place::of("format");
        assert_eq!(DateForm::read(Some(&json!("epoch_second")), &place).unwrap(), DateForm::EpochSeconds);
        assert_eq!(
            DateForm::read(Some(&json!("strict_date_optional_time||epoch_millis")), &place).unwrap(),
            DateForm::Usual
        );
        assert!(DateForm::read(Some(&json!("dd/MM/yyyy")), &place).is_err());
        let seconds = instant(&json!(1_795_442_645), DateForm::EpochSeconds, NOW, &place).unwrap();
        assert_eq!(seconds, NOW);
    }
}
