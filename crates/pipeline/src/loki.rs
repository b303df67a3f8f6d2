//! Loki's push request: streams of lines below labels, as protobuf in a snappy block or as JSON.
//!
//! Each line is told by itself, as from any input without fields; the labels and the structured metadata of its entry are
//! fields beside it, and the entry's time counts. Protocol: <https://grafana.com/docs/loki/latest/reference/loki-http-api/>.

mod labels;

use vigie_domain::{Object, Text, Timestamp, Value};

use crate::beside::{Beside, Telling};
use crate::decompress::BODY_BYTES_MAX;
use crate::error::DecodeError;
use crate::framed::Assembler;
use crate::parse::json_value::parse_json;
use crate::protobuf::{Broken, Fields};

/// Comes before the name of a label that the line has too.
const ORIGIN: &str = "loki";
const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Bytes that a snappy block unpacks to, as it says itself; it may not say the truth.
///
/// # Errors
/// When it is none, or says that it is larger than a body may be.
pub fn unpacked_bytes(block: &[u8]) -> Result<usize, DecodeError> {
    let size_bytes = snap::raw::decompress_len(block).map_err(|error| broken(&error))?;
    if size_bytes as u64 > BODY_BYTES_MAX {
        let reason = format!("it unpacks to {size_bytes} bytes, more than {BODY_BYTES_MAX}; send fewer lines at once");
        return Err(DecodeError::Protocol { protocol: "Loki", reason });
    }
    Ok(size_bytes)
}

/// The message in a snappy block.
///
/// # Errors
/// When it is damaged or larger than a body may be.
pub fn unpack(block: &[u8]) -> Result<Vec<u8>, DecodeError> {
    unpacked_bytes(block)?;
    snap::raw::Decoder::new().decompress_vec(block).map_err(|error| broken(&error))
}

fn broken(error: &snap::Error) -> DecodeError {
    let reason = format!("it is no snappy block ({error}); send protobuf packed with snappy, or JSON");
    DecodeError::Protocol { protocol: "Loki", reason }
}

/// Puts the lines of a protobuf `PushRequest` into the assembler.
///
/// # Errors
/// When it cannot be read; what was put in until then is then to be forgotten.
pub fn push_protobuf(message: &[u8], assembler: &mut Assembler<'_>) -> Result<(), DecodeError> {
    push_streams(message, assembler).map_err(|reason| DecodeError::Protocol { protocol: "Loki", reason })
}

/// Puts the lines of a JSON push request into the assembler.
///
/// # Errors
/// When it cannot be read; what was put in until then is then to be forgotten.
pub fn push_json(json: &[u8], assembler: &mut Assembler<'_>) -> Result<(), DecodeError> {
    push_json_streams(json, assembler).map_err(|reason| DecodeError::Protocol { protocol: "Loki", reason })
}

/// An entry as it was sent.
struct Entry<'a> {
    at: Timestamp,
    line: &'a [u8],
    metadata: Object,
}

fn push_entry(entry: Entry<'_>, labels: &Beside, assembler: &mut Assembler<'_>) {
    let metadata = Beside::new(ORIGIN, entry.metadata);
    assembler.push_line_told(entry.line, Telling { at: Some(entry.at), fields: &[&metadata, labels] });
}

fn push_streams(message: &[u8], assembler: &mut Assembler<'_>) -> Result<(), String> {
    for field in Fields::of(message) {
        let field = field.map_err(words)?;
        if field.number == 1 {
            push_stream(field.bytes().map_err(words)?, assembler)?;
        }
    }
    Ok(())
}

/// `StreamAdapter`: labels 1, entries 2.
fn push_stream(message: &[u8], assembler: &mut Assembler<'_>) -> Result<(), String> {
    let mut text = "";
    for field in Fields::of(message) {
        let field = field.map_err(words)?;
        if field.number == 1 {
            let bytes = field.bytes().map_err(words)?;
            text = std::str::from_utf8(bytes).map_err(|_| "the labels are no UTF-8".to_owned())?;
        }
    }
    let labels = Beside::new(ORIGIN, labels::parse(text)?);
    for field in Fields::of(message) {
        let field = field.map_err(words)?;
        if field.number == 2 {
            push_entry(entry(field.bytes().map_err(words)?)?, &labels, assembler);
        }
    }
    Ok(())
}

/// `EntryAdapter`: timestamp 1, line 2, structured metadata 3.
fn entry(message: &[u8]) -> Result<Entry<'_>, String> {
    let mut entry = Entry { at: Timestamp::from_nanos(0), line: b"", metadata: Object::new() };
    for field in Fields::of(message) {
        let field = field.map_err(words)?;
        match field.number {
            1 => entry.at = instant(field.bytes().map_err(words)?)?,
            2 => entry.line = field.bytes().map_err(words)?,
            3 => entry.metadata.push(pair(field.bytes().map_err(words)?).map_err(words)?),
            _ => {}
        }
    }
    Ok(entry)
}

/// `google.protobuf.Timestamp`: seconds 1, nanoseconds 2.
fn instant(message: &[u8]) -> Result<Timestamp, String> {
    let (mut seconds, mut nanos) = (0_i64, 0_i64);
    for field in Fields::of(message) {
        let field = field.map_err(words)?;
        match field.number {
            1 => seconds = field.varint().map_err(words)? as i64,
            2 => nanos = field.varint().map_err(words)? as i64,
            _ => {}
        }
    }
    let all = seconds.checked_mul(NANOS_PER_SECOND).and_then(|all| all.checked_add(nanos));
    all.map(Timestamp::from_nanos).ok_or_else(|| format!("the time {seconds} s is before the year 1677 or after 2262"))
}

/// `LabelPair`: name 1, value 2.
fn pair(message: &[u8]) -> Result<(Text, Value), Broken> {
    let (mut name, mut value) = (Text::default(), Text::default());
    for field in Fields::of(message) {
        let field = field?;
        match field.number {
            1 => name = Text::from_utf8_lossy(field.bytes()?),
            2 => value = Text::from_utf8_lossy(field.bytes()?),
            _ => {}
        }
    }
    Ok((name, Value::Text(value)))
}

fn words(broken: Broken) -> String {
    broken.to_string()
}

fn push_json_streams(json: &[u8], assembler: &mut Assembler<'_>) -> Result<(), String> {
    let text = std::str::from_utf8(json).map_err(|_| "the JSON is no UTF-8".to_owned())?;
    let Value::Object(request) = parse_json(text)? else { return Err(no_streams()) };
    let streams = request.into_iter().find(|(name, _)| name == "streams").map(|(_, streams)| streams);
    let Some(Value::List(streams)) = streams else { return Err(no_streams()) };
    streams.into_iter().try_for_each(|stream| push_json_stream(stream, assembler))
}

fn no_streams() -> String {
    "it has no list \"streams\"; send {\"streams\":[{\"stream\":{},\"values\":[[\"NANOSECONDS\",\"LINE\"]]}]}"
        .to_owned()
}

fn push_json_stream(stream: Value, assembler: &mut Assembler<'_>) -> Result<(), String> {
    let Value::Object(fields) = stream else { return Err(no_streams()) };
    let (mut labels, mut values) = (Object::new(), Vec::new());
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("stream", Value::Object(sent)) => labels = sent,
            ("values", Value::List(sent)) => values = sent,
            ("stream", _) => return Err("\"stream\" must be an object of labels".to_owned()),
            ("values", _) => return Err("\"values\" must be a list of [\"NANOSECONDS\",\"LINE\"]".to_owned()),
            _ => {}
        }
    }
    let labels = Beside::new(ORIGIN, labels);
    for (place, value) in values.into_iter().enumerate() {
        push_json_value(value, &labels, assembler).map_err(|reason| format!("values[{place}]: {reason}"))?;
    }
    Ok(())
}

fn push_json_value(value: Value, labels: &Beside, assembler: &mut Assembler<'_>) -> Result<(), String> {
    let Value::List(items) = value else { return Err("it must be [\"NANOSECONDS\",\"LINE\"]".to_owned()) };
    let (line, metadata) = match items.as_slice() {
        [_, Value::Text(line)] => (line, Object::new()),
        [_, Value::Text(line), Value::Object(metadata)] => (line, metadata.clone()),
        _ => return Err("it must be [\"NANOSECONDS\",\"LINE\"], with an object of metadata at most".to_owned()),
    };
    let nanos = match items.first() {
        Some(Value::Text(text)) => text.parse().ok(),
        Some(Value::Int(nanos)) => Some(*nanos),
        _ => None,
    };
    let at = nanos.map(Timestamp::from_nanos).ok_or("the time must be nanoseconds since 1970 as a string")?;
    push_entry(Entry { at, line: line.as_bytes(), metadata }, labels, assembler);
    Ok(())
}

#[cfg(test)]
mod tests;
