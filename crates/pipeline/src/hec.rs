//! Splunk's HTTP event collector: JSON objects that follow one another, or raw lines, to events.
//!
//! A request is read whole or not at all. A text event is told by itself, as from any input without fields; `host`,
//! `source`, `sourcetype`, `index` and `fields` are fields beside it, and `time` counts. Protocol and codes:
//! <https://docs.splunk.com/Documentation/Splunk/latest/Data/TroubleshootHTTPEventCollector>.

use serde_json::value::RawValue;
use vigie_domain::{Object, Timestamp, Value};

use crate::beside::{Beside, Telling};
use crate::framed::Assembler;
use crate::parse::json_value::parse_json;

/// Comes before the name of a field that the event has too.
const ORIGIN: &str = "splunk";
/// What may be told about all raw lines of a request.
pub const RAW_FIELDS: [&str; 4] = ["host", "source", "sourcetype", "index"];
/// Digits of a second's fraction that count.
const FRACTION_DIGITS: usize = 9;

/// Why a request cannot be read, in the words and numbers of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} (event {event_number}): {detail}", kind.text())]
pub struct HecError {
    /// What is wrong.
    pub kind: HecErrorKind,
    /// The event that it is wrong with, from 0.
    pub event_number: u64,
    /// What is wrong with it and what to do.
    pub detail: String,
}

/// What may be wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HecErrorKind {
    /// There is no event.
    NoData,
    /// It is not JSON as it should be.
    InvalidFormat,
    /// An object without `event`.
    EventRequired,
    /// `event` is an empty text.
    EventBlank,
    /// `fields` is no object.
    IndexedFields,
}

impl HecErrorKind {
    /// Its number.
    pub const fn code(self) -> u8 {
        match self {
            Self::NoData => 5,
            Self::InvalidFormat => 6,
            Self::EventRequired => 12,
            Self::EventBlank => 13,
            Self::IndexedFields => 15,
        }
    }

    /// Its words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoData => "No data",
            Self::InvalidFormat => "Invalid data format",
            Self::EventRequired => "Event field is required",
            Self::EventBlank => "Event field cannot be blank",
            Self::IndexedFields => "Error in handling indexed fields",
        }
    }
}

/// What is told about all raw lines of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RawTelling {
    /// Those of [`RAW_FIELDS`] that were sent.
    pub fields: Object,
    /// `time`, as it was sent.
    pub time: Option<String>,
}

/// Puts events that follow one another into the assembler; a list of them is read too.
///
/// # Errors
/// When one of them cannot be read; what was put in until then is then to be forgotten.
pub fn push_events(body: &[u8], assembler: &mut Assembler<'_>) -> Result<(), HecError> {
    let documents = serde_json::Deserializer::from_slice(body).into_iter::<&RawValue>();
    let mut event_number = 0;
    for document in documents {
        let pushed = document
            .map_err(|error| wrong(HecErrorKind::InvalidFormat, format!("{error}; send {{\"event\":…}}")))
            .and_then(|document| {
                parse_json(document.get()).map_err(|reason| wrong(HecErrorKind::InvalidFormat, reason))
            })
            .and_then(|document| match document {
                Value::List(items) => {
                    items.into_iter().try_for_each(|item| push_numbered(item, &mut event_number, assembler))
                }
                other => push_numbered(other, &mut event_number, assembler),
            });
        pushed.map_err(|error| HecError { event_number, ..error })?;
    }
    if event_number == 0 {
        return Err(wrong(HecErrorKind::NoData, "the body is empty; send {\"event\":…}".to_owned()));
    }
    Ok(())
}

fn push_numbered(document: Value, event_number: &mut u64, assembler: &mut Assembler<'_>) -> Result<(), HecError> {
    push_event(document, assembler)?;
    *event_number += 1;
    Ok(())
}

/// Puts each line into the assembler.
///
/// # Errors
/// When there is none, or the time cannot be read.
pub fn push_raw(body: &[u8], telling: &RawTelling, assembler: &mut Assembler<'_>) -> Result<(), HecError> {
    if body.trim_ascii().is_empty() {
        return Err(wrong(HecErrorKind::NoData, "the body is empty; send lines".to_owned()));
    }
    let at = telling.time.as_deref().map(|time| instant(&Value::text(time))).transpose()?.flatten();
    let beside = Beside::new(ORIGIN, telling.fields.clone());
    for line in body.split(|byte| *byte == b'\n') {
        assembler.push_line_told(line, Telling { at, fields: &[&beside] });
    }
    Ok(())
}

const fn wrong(kind: HecErrorKind, detail: String) -> HecError {
    HecError { kind, event_number: 0, detail }
}

fn push_event(document: Value, assembler: &mut Assembler<'_>) -> Result<(), HecError> {
    let Value::Object(fields) = document else {
        return Err(wrong(HecErrorKind::InvalidFormat, "an event must be an object {\"event\":…}".to_owned()));
    };
    let (mut event, mut at, mut told, mut indexed) = (Value::Null, None, Object::new(), Object::new());
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("event", value) => event = value,
            ("time", value) => at = instant(&value)?,
            ("fields", Value::Object(fields)) => indexed = fields,
            ("fields", Value::Null) => {}
            ("fields", _) => {
                return Err(wrong(HecErrorKind::IndexedFields, "\"fields\" must be an object".to_owned()));
            }
            (_, Value::Null) => {}
            // `host`, `source`, `sourcetype`, `index`, and what the protocol does not know.
            (_, value) => told.push((name, value)),
        }
    }
    let (indexed, told) = (Beside::new(ORIGIN, indexed), Beside::new(ORIGIN, told));
    let telling = Telling { at, fields: &[&indexed, &told] };
    match event {
        Value::Null => Err(wrong(HecErrorKind::EventRequired, "send the event as \"event\"".to_owned())),
        Value::Text(text) if text.trim().is_empty() => {
            Err(wrong(HecErrorKind::EventBlank, "send what happened as \"event\"".to_owned()))
        }
        Value::Text(text) => {
            assembler.push_line_told(text.as_bytes(), telling);
            Ok(())
        }
        Value::Object(body) => {
            assembler.push_object_told(body, telling);
            Ok(())
        }
        other @ (Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::BigNumber(_) | Value::List(_)) => {
            let text = serde_json::to_string(&other).unwrap_or_default();
            assembler.push_object_told(vec![("message".into(), Value::text(text))], telling);
            Ok(())
        }
    }
}

/// Seconds since 1970, as a number or text; `None` when nothing was sent. More than 12 digits are milliseconds, as Splunk
/// reads them.
fn instant(value: &Value) -> Result<Option<Timestamp>, HecError> {
    let sent = match value {
        Value::Null => return Ok(None),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::BigNumber(text) => text.clone(),
        Value::Text(text) if text.trim().is_empty() => return Ok(None),
        Value::Text(text) => text.trim().to_owned(),
        Value::Bool(_) | Value::List(_) | Value::Object(_) => return Err(wrong_time("it is no number")),
    };
    seconds(&sent).map(Some).ok_or_else(|| wrong_time(&format!("{:?}", sent.chars().take(40).collect::<String>())))
}

fn wrong_time(what: &str) -> HecError {
    wrong(HecErrorKind::InvalidFormat, format!("\"time\" cannot be read ({what}); send seconds since 1970"))
}

/// The instant of so many seconds, exact to the nanosecond.
fn seconds(text: &str) -> Option<Timestamp> {
    const MILLIS_DIGITS_MIN: usize = 12;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let kept = &fraction[..fraction.len().min(FRACTION_DIGITS)];
    let nanos: i64 = format!("{kept:0<FRACTION_DIGITS$}").parse().ok()?;
    let whole_number: i64 = whole.parse().ok()?;
    let all = if whole.len() >= MILLIS_DIGITS_MIN {
        whole_number.checked_mul(1_000_000)?.checked_add(nanos / 1_000)?
    } else {
        whole_number.checked_mul(1_000_000_000)?.checked_add(nanos)?
    };
    Some(Timestamp::from_nanos(all))
}

#[cfg(test)]
mod tests;
