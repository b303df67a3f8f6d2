//! One log record, however it was written, to the fields of an event.
//!
//! Names: a text body is the message, the fields of a body that is an object and the attributes are fields of the event,
//! then come those of the scope and of the resource (`service.name`, `host.name` …). Severity becomes the level.

use vigie_domain::{Level, Object, Timestamp, Value};

use super::{Recurrence, VALUE_DEPTH_MAX};
use crate::beside::{Beside, Telling};
use crate::framed::Assembler;

/// The record's own attributes where its body has the same name.
const ATTRIBUTES: &str = "attributes";
/// Attributes of the scope where the record has the same name.
const SCOPE: &str = "scope";
/// Attributes of the resource where the record or the scope has the same name.
const RESOURCE: &str = "resource";

/// A value is nested deeper than [`VALUE_DEPTH_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooDeep;

/// A log record as it was sent; what was not sent is 0 or empty.
#[derive(Debug, Default)]
pub(super) struct LogRecord {
    pub(super) time_unix_nano: u64,
    pub(super) observed_time_unix_nano: u64,
    pub(super) severity_number: i64,
    pub(super) severity_text: String,
    pub(super) body: Option<Value>,
    pub(super) attributes: Object,
    pub(super) dropped_attributes_count: u64,
    pub(super) flags: u32,
    /// In hexadecimal.
    pub(super) trace_id: String,
    /// In hexadecimal.
    pub(super) span_id: String,
    pub(super) event_name: String,
    /// Some value of it was too deep and is not there.
    pub(super) is_too_deep: bool,
}

/// The scope of some records as it was sent.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) attributes: Object,
}

impl Scope {
    /// What is told beside its records.
    pub(super) fn beside(self) -> Beside {
        let named = [("otel.scope.name", self.name), ("otel.scope.version", self.version)];
        let named = named.into_iter().filter(|(_, text)| !text.is_empty());
        let fields = named.map(|(name, text)| (name.into(), Value::text(text))).chain(self.attributes).collect();
        Beside::new(SCOPE, fields)
    }
}

/// What is told beside the records of a resource with these attributes.
pub(super) fn resource_beside(attributes: Object) -> Beside {
    Beside::new(RESOURCE, attributes)
}

/// Puts records into an assembler, and looks whether each has a time of its own.
pub(super) struct Pusher<'a, 'o> {
    assembler: &'a mut Assembler<'o>,
    recurrence: Recurrence,
}

impl<'a, 'o> Pusher<'a, 'o> {
    pub(super) const fn new(assembler: &'a mut Assembler<'o>) -> Self {
        Self { assembler, recurrence: Recurrence::Same }
    }

    /// Whether the same records again would be the same.
    pub(super) const fn recurrence(&self) -> Recurrence {
        self.recurrence
    }

    /// One record of a scope and a resource, that takes so many bytes as it was sent.
    pub(super) fn push(&mut self, record: LogRecord, size_bytes: usize, around: [&Beside; 2]) {
        if record.is_too_deep {
            let reason = format!("a value is nested more than {VALUE_DEPTH_MAX} levels deep; flatten it");
            return self.assembler.refuse(reason, &[]);
        }
        let bytes_max = self.assembler.record_bytes_max();
        if size_bytes > bytes_max {
            return self.assembler.refuse(crate::parse::too_large(size_bytes, bytes_max), &[]);
        }
        let at = match record.time() {
            Ok(at) => at,
            Err(reason) => return self.assembler.refuse(reason, &[]),
        };
        if at.is_none() {
            self.recurrence = Recurrence::MayBeNew;
        }
        let (body, attributes) = record.into_fields();
        let own = Beside::new(ATTRIBUTES, attributes);
        let [scope, resource] = around;
        self.assembler.push_object_told(body, Telling { at, fields: &[&own, scope, resource] });
    }
}

impl LogRecord {
    /// When it happened, else when it was seen; `None` when neither was sent.
    fn time(&self) -> Result<Option<Timestamp>, String> {
        let nanos = if self.time_unix_nano == 0 { self.observed_time_unix_nano } else { self.time_unix_nano };
        if nanos == 0 {
            return Ok(None);
        }
        timestamp(nanos).map(Some)
    }

    /// Its fields, and its attributes.
    fn into_fields(self) -> (Object, Object) {
        let mut fields = match self.body {
            None | Some(Value::Null) => Object::new(),
            Some(Value::Object(fields)) => fields,
            Some(text @ Value::Text(_)) => vec![("message".into(), text)],
            Some(other) => vec![("message".into(), Value::text(written(&other)))],
        };
        put_level(&mut fields, self.severity_number, &self.severity_text);
        let ids = [("trace_id", self.trace_id), ("span_id", self.span_id), ("event.name", self.event_name)];
        fields
            .extend(ids.into_iter().filter(|(_, id)| !id.is_empty()).map(|(name, id)| (name.into(), Value::text(id))));
        if self.flags != 0 {
            fields.push(("trace_flags".into(), Value::Int(i64::from(self.flags))));
        }
        if self.dropped_attributes_count != 0 {
            fields.push(("otel.dropped_attributes_count".into(), whole(self.dropped_attributes_count)));
        }
        let (time, observed) = (self.time_unix_nano, self.observed_time_unix_nano);
        if time != 0
            && observed != 0
            && time != observed
            && let Ok(observed) = timestamp(observed)
        {
            fields.push(("observed_timestamp".into(), Value::Text(observed.to_text())));
        }
        (fields, self.attributes)
    }
}

/// A whole number of any size.
pub(super) fn whole(number: u64) -> Value {
    i64::try_from(number).map_or_else(|_| Value::BigNumber(number.to_string()), Value::Int)
}

fn timestamp(nanos: u64) -> Result<Timestamp, String> {
    i64::try_from(nanos)
        .map(Timestamp::from_nanos)
        .map_err(|_| format!("the time {nanos} ns is after the year 2262; send nanoseconds since 1970"))
}

/// The level by the number, which is the normalised one, else by the word. What was sent stays beside it.
fn put_level(fields: &mut Object, number: i64, text: &str) {
    if number != 0 {
        fields.push(("severity_number".into(), Value::Int(number)));
    }
    let word = match (severity_level(number), text) {
        (Some(level), _) => level.as_str(),
        (None, "") => return,
        (None, text) => text,
    };
    let says_more = !text.is_empty() && !text.eq_ignore_ascii_case(word);
    let sent = fields.iter().position(|(name, _)| name == "level");
    match sent {
        None => fields.push(("level".into(), Value::text(word))),
        Some(place) => {
            let sent = std::mem::replace(&mut fields[place].1, Value::text(word));
            if sent.as_text().is_none_or(|sent| !sent.eq_ignore_ascii_case(word)) {
                fields.push(("level_original".into(), sent));
            }
        }
    }
    if says_more {
        let is_taken = fields.iter().any(|(name, _)| name == "level_original");
        let name = if is_taken { "severity_text" } else { "level_original" };
        fields.push((name.into(), Value::text(text)));
    }
}

/// The level of a severity number: six ranges of four (`SeverityNumber` in `logs.proto`).
const fn severity_level(number: i64) -> Option<Level> {
    Some(match number {
        1..=4 => Level::Trace,
        5..=8 => Level::Debug,
        9..=12 => Level::Info,
        13..=16 => Level::Warn,
        17..=20 => Level::Error,
        21..=24 => Level::Fatal,
        _ => return None,
    })
}

/// A value as a message.
fn written(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A float that may be no number, which an event does not have: it is then a word.
pub(super) fn float(number: f64) -> Value {
    Value::number(number).unwrap_or_else(|| {
        Value::text(if number.is_nan() {
            "NaN"
        } else if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        })
    })
}

/// Bytes in hexadecimal; an id of nothing but zeros is none.
pub(super) fn hex_id(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    if bytes.iter().all(|byte| *byte == 0) {
        return String::new();
    }
    let digits = bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    digits.map(char::from).collect()
}
