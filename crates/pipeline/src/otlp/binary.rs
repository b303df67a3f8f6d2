//! OTLP as binary Protocol Buffers. The numbers are those of `logs.proto`, `common.proto` and `resource.proto`.
//!
//! Fields may come in any order, so a message's small parts are read before the records that they are told beside.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use vigie_domain::{Object, Text, Value};

use super::record::{LogRecord, Pusher, Scope, TooDeep, float, hex_id, resource_beside};
use super::{Recurrence, VALUE_DEPTH_MAX};
use crate::framed::Assembler;
use crate::protobuf::{Broken, Field, Fields};

/// Puts the records of an `ExportLogsServiceRequest` into the assembler.
pub(super) fn push_request(request: &[u8], assembler: &mut Assembler<'_>) -> Result<Recurrence, Broken> {
    let mut pusher = Pusher::new(assembler);
    for resource_logs in messages(request, 1) {
        push_resource_logs(resource_logs?, &mut pusher)?;
    }
    Ok(pusher.recurrence())
}

fn push_resource_logs(message: &[u8], pusher: &mut Pusher<'_, '_>) -> Result<(), Broken> {
    let mut attributes = Object::new();
    for resource in messages(message, 1) {
        for attribute in messages(resource?, 1) {
            attributes.push(told_key_value(attribute?)?);
        }
    }
    let resource = resource_beside(attributes);
    for scope_logs in messages(message, 2) {
        let scope_logs = scope_logs?;
        let mut scope = Scope::default();
        for message in messages(scope_logs, 1) {
            read_scope(message?, &mut scope)?;
        }
        let scope = scope.beside();
        for record in messages(scope_logs, 2) {
            let record = record?;
            pusher.push(log_record(record)?, record.len(), [&scope, &resource]);
        }
    }
    Ok(())
}

/// The messages, strings or bytes of one field.
fn messages(message: &[u8], number: u32) -> impl Iterator<Item = Result<&[u8], Broken>> {
    Fields::of(message).filter_map(move |field| match field {
        Ok(field) if field.number == number => Some(field.bytes()),
        Ok(_) => None,
        Err(broken) => Some(Err(broken)),
    })
}

fn read_scope(message: &[u8], scope: &mut Scope) -> Result<(), Broken> {
    for field in Fields::of(message) {
        let field = field?;
        match field.number {
            1 => scope.name = string(field)?.into_owned(),
            2 => scope.version = string(field)?.into_owned(),
            3 => scope.attributes.push(told_key_value(field.bytes()?)?),
            _ => {}
        }
    }
    Ok(())
}

fn log_record(message: &[u8]) -> Result<LogRecord, Broken> {
    let mut record = LogRecord::default();
    for field in Fields::of(message) {
        let field = field?;
        match field.number {
            1 => record.time_unix_nano = field.fixed64()?,
            2 => record.severity_number = field.varint()? as i64,
            3 => record.severity_text = string(field)?.into_owned(),
            5 => match any_value(field.bytes()?, 1)? {
                Ok(value) => record.body = Some(value),
                Err(TooDeep) => record.is_too_deep = true,
            },
            6 => match key_value(field.bytes()?, 1)? {
                Ok(attribute) => record.attributes.push(attribute),
                Err(TooDeep) => record.is_too_deep = true,
            },
            7 => record.dropped_attributes_count = field.varint()?,
            8 => record.flags = field.fixed32()?,
            9 => record.trace_id = hex_id(field.bytes()?),
            10 => record.span_id = hex_id(field.bytes()?),
            11 => record.observed_time_unix_nano = field.fixed64()?,
            12 => record.event_name = string(field)?.into_owned(),
            _ => {}
        }
    }
    Ok(record)
}

/// Bytes that are no UTF-8 are replaced by U+FFFD.
fn string(field: Field<'_>) -> Result<Cow<'_, str>, Broken> {
    Ok(String::from_utf8_lossy(field.bytes()?))
}

/// An attribute that is told beside records; one that is too deep makes the request unreadable, for it belongs to many.
fn told_key_value(message: &[u8]) -> Result<(Text, Value), Broken> {
    key_value(message, 1)?.map_err(|TooDeep| Broken::TooDeep)
}

fn key_value(message: &[u8], depth: usize) -> Result<Result<(Text, Value), TooDeep>, Broken> {
    let (mut key, mut value) = (Text::default(), Value::Null);
    for field in Fields::of(message) {
        let field = field?;
        match field.number {
            1 => key = Text::from_utf8_lossy(field.bytes()?),
            2 => match any_value(field.bytes()?, depth)? {
                Ok(read) => value = read,
                Err(TooDeep) => return Ok(Err(TooDeep)),
            },
            _ => {}
        }
    }
    Ok(Ok((key, value)))
}

/// The value of an `AnyValue`; an empty one is null.
fn any_value(message: &[u8], depth: usize) -> Result<Result<Value, TooDeep>, Broken> {
    let mut value = Value::Null;
    for field in Fields::of(message) {
        let field = field?;
        value = match field.number {
            1 => Value::Text(Text::from_utf8_lossy(field.bytes()?)),
            2 => Value::Bool(field.varint()? != 0),
            3 => Value::Int(field.varint()? as i64),
            4 => float(f64::from_bits(field.fixed64()?)),
            5 | 6 if depth >= VALUE_DEPTH_MAX => return Ok(Err(TooDeep)),
            5 => match list(field.bytes()?, depth + 1)? {
                Ok(items) => Value::List(items),
                Err(TooDeep) => return Ok(Err(TooDeep)),
            },
            6 => match key_values(field.bytes()?, depth + 1)? {
                Ok(fields) => Value::Object(fields),
                Err(TooDeep) => return Ok(Err(TooDeep)),
            },
            7 => Value::text(STANDARD.encode(field.bytes()?)),
            _ => value,
        };
    }
    Ok(Ok(value))
}

fn list(message: &[u8], depth: usize) -> Result<Result<Vec<Value>, TooDeep>, Broken> {
    messages(message, 1).map(|item| any_value(item?, depth)).collect()
}

fn key_values(message: &[u8], depth: usize) -> Result<Result<Object, TooDeep>, Broken> {
    messages(message, 1).map(|field| key_value(field?, depth)).collect()
}
