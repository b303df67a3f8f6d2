//! The event's own time: from the field that the caller names, `@timestamp` or one of its aliases; else its arrival.

use std::borrow::Cow;

use vigie_domain::event::pseudo_fields::TIMESTAMP;
use vigie_domain::mapping::FIELD_ALIASES;
use vigie_domain::time::parse_instant;
use vigie_domain::{Object, Timestamp, Value};

use super::{top, top_mut};
use crate::options::DecodeOptions;
use crate::parse::Draft;
use crate::stages::field_path::find;
use crate::tag;

/// What was sent as `@timestamp` and is not the event's time stays under this name.
const TIMESTAMP_ORIGINAL: &str = "@timestamp_original";

/// What a value says of the time.
enum Reading {
    Instant(Timestamp),
    /// A date before 1677 or after 2262: more than nanoseconds reach.
    OutOfRange,
    Unreadable,
}

/// The event's time, which the body then has as `@timestamp`; or why the event is refused.
pub(super) fn resolve(draft: &mut Draft, options: &DecodeOptions) -> Result<Timestamp, String> {
    let Some((name, value)) = source(&draft.body, options) else {
        draft.tag(tag::NO_TIMESTAMP);
        put(draft, options.received_at, false);
        return Ok(options.received_at);
    };
    let has_own_name = name == TIMESTAMP;
    let window = options.window.filter(|_| !draft.is_of_any_time());
    match (read(value, options.received_at), window) {
        (Reading::Instant(instant), Some(window)) if !window.contains(instant) => {
            Err(outside(name, &instant.to_string(), options))
        }
        (Reading::Instant(instant), _) => {
            put(draft, instant, has_own_name);
            Ok(instant)
        }
        (Reading::OutOfRange, Some(_)) => Err(outside(name, &text_of(value).unwrap_or_default(), options)),
        (Reading::OutOfRange, None) | (Reading::Unreadable, _) => {
            draft.tag(tag::DATE_PARSE_FAILURE);
            put(draft, options.received_at, false);
            Ok(options.received_at)
        }
    }
}

/// The field to read: its name as sent, and its value.
fn source<'d>(body: &'d Object, options: &'d DecodeOptions) -> Option<(&'d str, &'d Value)> {
    let by_caller = options.time_field.as_deref().and_then(|name| Some((name, find(body, name)?)));
    let has_value = |value: &Value| match value {
        Value::Null => false,
        Value::Text(text) => !text.trim().is_empty(),
        _ => true,
    };
    let mut known = names().filter_map(|name| Some((name, top(body, name)?)));
    by_caller.filter(|(_, value)| has_value(value)).or_else(|| known.find(|(_, value)| has_value(value)))
}

/// Names under which the time is sent, the first one first.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let aliases = FIELD_ALIASES.iter().filter(|(canonical, _)| *canonical == TIMESTAMP).flat_map(|(_, names)| *names);
    std::iter::once(TIMESTAMP).chain(aliases.copied())
}

fn read(value: &Value, now: Timestamp) -> Reading {
    let Some(text) = text_of(value) else { return Reading::Unreadable };
    match parse_instant(&text, now) {
        Some(instant) => Reading::Instant(instant),
        None if is_date(&text) => Reading::OutOfRange,
        None => Reading::Unreadable,
    }
}

fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::BigNumber(literal) => Some(Cow::Borrowed(literal)),
        Value::Int(number) => Some(Cow::Owned(number.to_string())),
        Value::Float(number) => Some(Cow::Owned(number.to_string())),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Object(_) => None,
    }
}

/// Whether the text begins with a date of any year.
fn is_date(text: &str) -> bool {
    const DATE_BYTES: usize = 10;
    text.trim().get(..DATE_BYTES).is_some_and(|date| date.parse::<jiff::civil::Date>().is_ok())
}

/// Writes the time into the body. What stood there is kept beside it, unless it is where the time was read.
fn put(draft: &mut Draft, instant: Timestamp, was_read_there: bool) {
    let text = Value::Text(instant.to_text());
    let Some(value) = top_mut(&mut draft.body, TIMESTAMP) else {
        draft.body.push((TIMESTAMP.into(), text));
        return;
    };
    let says_the_same = was_read_there || *value == text;
    let sent = std::mem::replace(value, text);
    if !says_the_same && sent != Value::Null {
        draft.body.push((TIMESTAMP_ORIGINAL.into(), sent));
    }
}

fn outside(name: &str, instant: &str, options: &DecodeOptions) -> String {
    let window = options.window.map(|window| format!(" {} to {}", window.from, window.to)).unwrap_or_default();
    format!("{name} {instant} is outside the accepted window{window}; {}", options.window_advice)
}
