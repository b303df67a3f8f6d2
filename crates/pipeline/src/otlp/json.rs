//! OTLP as JSON: names in lower camel case (snake case is read too), 64-bit numbers as strings, ids in hexadecimal.
//!
//! The mapping is proto3's with OTLP's exceptions: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>.
//! Names that are not known are passed over, as the specification asks for.

use vigie_domain::{Object, Value};

use super::record::{LogRecord, Pusher, Scope, TooDeep, float, resource_beside};
use super::{Recurrence, VALUE_DEPTH_MAX};
use crate::framed::Assembler;
use crate::parse::json_value::parse_json;

/// Bytes of a quoted value in the words of an error.
const QUOTED_BYTES_MAX: usize = 60;
/// Bytes of the names and marks that JSON has around what a record says, roughly; only for its size.
const FIELD_BYTES: usize = 8;

/// Puts the records of an `ExportLogsServiceRequest` into the assembler.
pub(super) fn push_request(request: &[u8], assembler: &mut Assembler<'_>) -> Result<Recurrence, String> {
    let text = std::str::from_utf8(request).map_err(|_| "the JSON is no UTF-8".to_owned())?;
    let request = object(parse_json(text)?, "the request")?;
    let mut pusher = Pusher::new(assembler);
    for resource_logs in list(take(request, "resourceLogs"), "resourceLogs")? {
        push_resource_logs(object(resource_logs, "resourceLogs")?, &mut pusher)?;
    }
    Ok(pusher.recurrence())
}

fn push_resource_logs(resource_logs: Object, pusher: &mut Pusher<'_, '_>) -> Result<(), String> {
    let mut attributes = Object::new();
    let mut scope_logs = Vec::new();
    for (name, value) in resource_logs {
        match name.as_str() {
            "resource" => {
                let resource = object(value, "resource")?;
                attributes = told_attributes(take(resource, "attributes"))?;
            }
            "scopeLogs" | "scope_logs" => scope_logs = list(value, "scopeLogs")?,
            _ => {}
        }
    }
    let resource = resource_beside(attributes);
    for logs in scope_logs {
        let (mut scope, mut records) = (Scope::default(), Vec::new());
        for (name, value) in object(logs, "scopeLogs")? {
            match name.as_str() {
                "scope" => scope = scope_of(object(value, "scope")?)?,
                "logRecords" | "log_records" => records = list(value, "logRecords")?,
                _ => {}
            }
        }
        let scope = scope.beside();
        for record in records {
            let size_bytes = written_bytes(&record);
            pusher.push(log_record(object(record, "logRecords")?)?, size_bytes, [&scope, &resource]);
        }
    }
    Ok(())
}

fn scope_of(fields: Object) -> Result<Scope, String> {
    let mut scope = Scope::default();
    for (name, value) in fields {
        match name.as_str() {
            "name" => scope.name = text(value, "scope.name")?,
            "version" => scope.version = text(value, "scope.version")?,
            "attributes" => scope.attributes = told_attributes(value)?,
            _ => {}
        }
    }
    Ok(scope)
}

fn log_record(fields: Object) -> Result<LogRecord, String> {
    let mut record = LogRecord::default();
    for (name, value) in fields {
        match name.as_str() {
            "timeUnixNano" | "time_unix_nano" => record.time_unix_nano = unsigned(&value, "timeUnixNano")?,
            "observedTimeUnixNano" | "observed_time_unix_nano" => {
                record.observed_time_unix_nano = unsigned(&value, "observedTimeUnixNano")?;
            }
            "severityNumber" | "severity_number" => record.severity_number = severity_number(&value)?,
            "severityText" | "severity_text" => record.severity_text = text(value, "severityText")?,
            "body" => match any_value(value, 1)? {
                Ok(value) => record.body = Some(value),
                Err(TooDeep) => record.is_too_deep = true,
            },
            "attributes" => match key_values(value, 1)? {
                Ok(attributes) => record.attributes = attributes,
                Err(TooDeep) => record.is_too_deep = true,
            },
            "droppedAttributesCount" | "dropped_attributes_count" => {
                record.dropped_attributes_count = unsigned(&value, "droppedAttributesCount")?;
            }
            "flags" => {
                let flags = unsigned(&value, "flags")?;
                record.flags = u32::try_from(flags).map_err(|_| wrong("flags", "a 32-bit number", &value))?;
            }
            "traceId" | "trace_id" => record.trace_id = id(value, "traceId")?,
            "spanId" | "span_id" => record.span_id = id(value, "spanId")?,
            "eventName" | "event_name" => record.event_name = text(value, "eventName")?,
            _ => {}
        }
    }
    Ok(record)
}

/// Attributes that are told beside records; one that is too deep makes the request unreadable, for it belongs to many.
fn told_attributes(value: Value) -> Result<Object, String> {
    key_values(value, 1)?
        .map_err(|TooDeep| format!("an attribute is nested more than {VALUE_DEPTH_MAX} levels deep; flatten it"))
}

fn key_values(value: Value, depth: usize) -> Result<Result<Object, TooDeep>, String> {
    let mut fields = Object::new();
    for item in list(value, "attributes")? {
        let (mut key, mut read) = (String::new(), Value::Null);
        for (name, value) in object(item, "attributes")? {
            match name.as_str() {
                "key" => key = text(value, "key")?,
                "value" => match any_value(value, depth)? {
                    Ok(value) => read = value,
                    Err(TooDeep) => return Ok(Err(TooDeep)),
                },
                _ => {}
            }
        }
        fields.push((key.into(), read));
    }
    Ok(Ok(fields))
}

/// The value of an `AnyValue`; an empty one is null.
fn any_value(value: Value, depth: usize) -> Result<Result<Value, TooDeep>, String> {
    let mut read = Value::Null;
    if value == Value::Null {
        return Ok(Ok(read));
    }
    for (name, value) in object(value, "a value")? {
        read = match name.as_str() {
            "stringValue" | "string_value" => Value::text(text(value, "stringValue")?),
            // Bytes are base64 in JSON, which is how an event has them.
            "bytesValue" | "bytes_value" => Value::text(text(value, "bytesValue")?),
            "boolValue" | "bool_value" => match value {
                Value::Bool(_) => value,
                other => return Err(wrong("boolValue", "true or false", &other)),
            },
            "intValue" | "int_value" => Value::Int(signed(&value, "intValue")?),
            "doubleValue" | "double_value" => double(value)?,
            "arrayValue" | "array_value" | "kvlistValue" | "kvlist_value" if depth >= VALUE_DEPTH_MAX => {
                return Ok(Err(TooDeep));
            }
            "arrayValue" | "array_value" => {
                let items = list(take(object(value, "arrayValue")?, "values"), "arrayValue.values")?;
                match items.into_iter().map(|item| any_value(item, depth + 1)).collect::<Result<_, _>>()? {
                    Ok(items) => Value::List(items),
                    Err(TooDeep) => return Ok(Err(TooDeep)),
                }
            }
            "kvlistValue" | "kvlist_value" => {
                match key_values(take(object(value, "kvlistValue")?, "values"), depth + 1)? {
                    Ok(fields) => Value::Object(fields),
                    Err(TooDeep) => return Ok(Err(TooDeep)),
                }
            }
            _ => read,
        };
    }
    Ok(Ok(read))
}

fn double(value: Value) -> Result<Value, String> {
    match value {
        Value::Int(_) | Value::Float(_) | Value::BigNumber(_) => Ok(value),
        // Also "NaN", "Infinity" and "-Infinity".
        Value::Text(text) => match text.parse::<f64>() {
            Ok(number) => Ok(float(number)),
            Err(_) => Err(wrong("doubleValue", "a number", &Value::Text(text))),
        },
        other => Err(wrong("doubleValue", "a number", &other)),
    }
}

/// By number; by the name that it has in `logs.proto` too, as proto3's own mapping has it.
fn severity_number(value: &Value) -> Result<i64, String> {
    const WORDS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
    let Some(name) = value.as_text().and_then(|text| text.strip_prefix("SEVERITY_NUMBER_")) else {
        return signed(value, "severityNumber");
    };
    let number = WORDS.iter().enumerate().find_map(|(place, word)| {
        let step = name.strip_prefix(word)?;
        let step = if step.is_empty() { 1 } else { step.parse::<i64>().ok().filter(|step| (2..=4).contains(step))? };
        Some(place as i64 * 4 + step)
    });
    Ok(number.unwrap_or_default())
}

/// An id in hexadecimal; one of nothing but zeros is none.
fn id(value: Value, name: &str) -> Result<String, String> {
    let id = text(value, name)?;
    Ok(if id.bytes().all(|byte| byte == b'0') { String::new() } else { id.to_ascii_lowercase() })
}

/// The value of a field, under its own name or in snake case; null when it is not there.
fn take(fields: Object, name: &str) -> Value {
    let is_it = |sent: &str| {
        sent.bytes()
            .filter(|byte| *byte != b'_')
            .map(|byte| byte.to_ascii_lowercase())
            .eq(name.bytes().map(|byte| byte.to_ascii_lowercase()))
    };
    fields.into_iter().find(|(sent, _)| is_it(sent)).map_or(Value::Null, |(_, value)| value)
}

fn object(value: Value, name: &str) -> Result<Object, String> {
    match value {
        Value::Object(fields) => Ok(fields),
        Value::Null => Ok(Object::new()),
        other => Err(wrong(name, "an object", &other)),
    }
}

fn list(value: Value, name: &str) -> Result<Vec<Value>, String> {
    match value {
        Value::List(items) => Ok(items),
        Value::Null => Ok(Vec::new()),
        other => Err(wrong(name, "a list", &other)),
    }
}

fn text(value: Value, name: &str) -> Result<String, String> {
    match value {
        Value::Text(text) => Ok(text.into_string()),
        Value::Null => Ok(String::new()),
        other => Err(wrong(name, "a string", &other)),
    }
}

fn unsigned(value: &Value, name: &str) -> Result<u64, String> {
    number(value).ok_or_else(|| wrong(name, "a whole number", value))
}

fn signed(value: &Value, name: &str) -> Result<i64, String> {
    number(value).ok_or_else(|| wrong(name, "a whole number", value))
}

/// A whole number, as one or as a string.
fn number<N: std::str::FromStr + TryFrom<i64> + Default>(value: &Value) -> Option<N> {
    match value {
        Value::Null => Some(N::default()),
        Value::Int(number) => N::try_from(*number).ok(),
        Value::BigNumber(literal) => literal.parse().ok(),
        Value::Text(text) => text.parse().ok(),
        Value::Bool(_) | Value::Float(_) | Value::List(_) | Value::Object(_) => None,
    }
}

fn wrong(name: &str, expected: &str, value: &Value) -> String {
    let sent = serde_json::to_string(value).unwrap_or_default();
    let sent: String = sent.chars().take(QUOTED_BYTES_MAX).collect();
    format!("\"{name}\" must be {expected}, not {sent}")
}

/// Bytes of a record, roughly; its depth has been bounded by the reader.
fn written_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => FIELD_BYTES,
        Value::BigNumber(text) => text.len(),
        Value::Text(text) => text.len(),
        Value::List(items) => items.iter().map(written_bytes).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + written_bytes(value)).sum(),
    }
}
