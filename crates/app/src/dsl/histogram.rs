//! Histograms of time and of numbers.

use serde_json::{Map, Value as Json};
use vigie_domain::aggregation::{AggregationKind, NumberSpans};
use vigie_domain::event::pseudo_fields;
use vigie_domain::{Result, TimeRange, Timestamp};

use super::aggregation::{PASSED_OVER, keyed, least_count};
use super::fields::{self, check_instants};
use super::instants::{DateForm, instant};
use super::intervals::{self, Spans};
use super::place::Place;
use super::shape::{Ends, KeyForm, Shape, SpansOfNumbers, TimeSpans, orders};

/// A histogram of the events' own time.
///
/// # Errors
/// `Malformed` when it cannot be read, or has something that is not there.
pub(super) fn of_time(
    json: &Json,
    now: Timestamp,
    range: TimeRange,
    place: &Place,
) -> Result<(Shape, AggregationKind)> {
    let object = place.object(json)?;
    let known = [
        "field",
        "missing",
        "fixed_interval",
        "calendar_interval",
        "interval",
        "time_zone",
        "offset",
        "min_doc_count",
        "extended_bounds",
        "hard_bounds",
        "format",
        "keyed",
        "order",
    ];
    place.check_keys(object, &known, PASSED_OVER)?;
    let field = fields::of_values(object, now, place)?;
    check_instants(&field, place)?;
    let is_own = field.name == pseudo_fields::TIMESTAMP;
    let spans = intervals::read(object, if is_own { range } else { TimeRange::ALL }, place)?;
    let at = |json: &Json, place: &Place| instant(json, DateForm::Usual, now, place);
    let (wanted, hard) = bounds(object, place, &at)?;
    let shape = TimeSpans {
        least_count: least_count(object, 0, place)?,
        is_keyed: keyed(object, false, place)?,
        form: key_form(object, place)?,
        order: orders(object.get("order"), place)?,
        spans: spans.clone(),
        wanted,
        hard,
    };
    let kind = match is_own {
        true => spans.question(),
        false => AggregationKind::InstantHistogram { field, spans: spans.time_spans() },
    };
    Ok((Shape::Spans(shape), kind))
}

/// How keys of spans are written as text.
pub(super) fn key_form(object: &Map<String, Json>, place: &Place) -> Result<KeyForm> {
    match object.get("format").map(|json| place.key("format").text(json)).transpose()?.as_deref() {
        None | Some("strict_date_optional_time" | "date_optional_time" | "strict_date_time" | "iso8601") => {
            Ok(KeyForm::Text)
        }
        Some("epoch_millis") => Ok(KeyForm::Millis),
        Some("yyyy-MM-dd" | "strict_date" | "date") => Ok(KeyForm::First(10)),
        Some("yyyy-MM" | "strict_year_month" | "year_month") => Ok(KeyForm::First(7)),
        Some("yyyy" | "strict_year" | "year") => Ok(KeyForm::First(4)),
        Some("yyyy-MM-dd'T'HH:mm:ss" | "strict_date_hour_minute_second" | "date_hour_minute_second") => {
            Ok(KeyForm::First(19))
        }
        Some("yyyy-MM-dd HH:mm:ss") => Ok(KeyForm::Spaced(19)),
        Some("yyyy-MM-dd HH:mm") => Ok(KeyForm::Spaced(16)),
        Some(other) => Err(place.missing(&format!("the date format [{other}]"))),
    }
}

/// A histogram of a field's numbers.
///
/// # Errors
/// As `of_time`.
pub(super) fn of_numbers(json: &Json, place: &Place) -> Result<(Shape, AggregationKind)> {
    let object = place.object(json)?;
    let known =
        ["field", "missing", "interval", "offset", "min_doc_count", "extended_bounds", "hard_bounds", "keyed", "order"];
    place.check_keys(object, &known, PASSED_OVER)?;
    let field = fields::of_numbers(object, place)?;
    let spans = number_spans(object, place)?;
    let (wanted, hard) = bounds(object, place, &number)?;
    let shape = SpansOfNumbers {
        least_count: least_count(object, 0, place)?,
        is_keyed: keyed(object, false, place)?,
        order: orders(object.get("order"), place)?,
        spans,
        wanted,
        hard,
    };
    Ok((Shape::NumberSpans(shape), AggregationKind::Histogram { field, spans }))
}

/// Interval and offset of spans of numbers.
pub(super) fn number_spans(object: &Map<String, Json>, place: &Place) -> Result<NumberSpans> {
    let interval = object.get("interval").ok_or_else(|| place.wrong("must have [interval]"))?;
    let interval = number(interval, &place.key("interval"))?;
    let offset = object.get("offset").map_or(Ok(0.0), |json| number(json, &place.key("offset")))?;
    let spans = NumberSpans { interval, offset };
    if spans.are_valid() {
        return Ok(spans);
    }
    Err(place.key("interval").wrong(&format!("must be above 0, found {interval}")))
}

/// A number, also written as text.
pub(super) fn number(json: &Json, place: &Place) -> Result<f64> {
    let number = match json {
        Json::String(text) => text.parse().ok(),
        other => other.as_f64(),
    };
    let number = number.filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| place.wrong(&format!("must be a number, found {json}")))
}

/// `extended_bounds` and `hard_bounds`.
fn bounds<T: Copy + PartialOrd>(
    object: &Map<String, Json>,
    place: &Place,
    read: &dyn Fn(&Json, &Place) -> Result<T>,
) -> Result<(Ends<T>, Ends<T>)> {
    let ends = |key: &str| -> Result<Ends<T>> {
        let (place, Some(json)) = (place.key(key), object.get(key)) else { return Ok([None, None]) };
        let object = place.object(json)?;
        place.check_keys(object, &["min", "max"], &[])?;
        let end = |key: &str| {
            object.get(key).filter(|json| !json.is_null()).map(|json| read(json, &place.key(key))).transpose()
        };
        let (min, max) = (end("min")?, end("max")?);
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            return Err(place.wrong("[min] must not be above [max]"));
        }
        Ok([min, max])
    };
    let (wanted, hard) = (ends("extended_bounds")?, ends("hard_bounds")?);
    let is_outside = |end: T| hard[0].is_some_and(|min| end < min) || hard[1].is_some_and(|max| end > max);
    if wanted.into_iter().flatten().any(is_outside) {
        return Err(place.key("extended_bounds").wrong("must lie within [hard_bounds]"));
    }
    Ok((wanted, hard))
}

/// The start of a span as text.
pub(super) fn key_text(at: Timestamp, spans: &Spans, form: KeyForm) -> String {
    let first = |count: usize| spans.local_text(at).get(..count).unwrap_or_default().to_owned();
    match form {
        KeyForm::Millis => at.as_millis().to_string(),
        KeyForm::Text => spans.local_text(at),
        KeyForm::First(count) => first(count),
        KeyForm::Spaced(count) => first(count).replace('T', " "),
    }
}
