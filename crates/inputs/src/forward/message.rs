//! One message of the forward protocol, v1: its tag, its events, and what it wants to be answered.
//! <https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1>
//!
//! A message that cannot be read is refused as a whole, an event that cannot be read alone: nothing is left out.

use bytes::Bytes;
use vigie_domain::{Object, Text, Timestamp, Value};
use vigie_pipeline::{Assembler, BODY_BYTES_MAX, unpack_bytes};

use super::msgpack::{EVENT_TIME, Fault, Reader, Token, event_time};

/// Bytes of the name of a chunk; Fluentd's have 24.
const CHUNK_BYTES_MAX: usize = 256;
/// Where the tag is kept, the time when the event has one of its own, and what else stands beside the time.
const TAG: &str = "fluent.tag";
const TIME: &str = "fluent.time";
const METADATA: &str = "fluent.metadata";
const TIMESTAMP: &str = "@timestamp";

/// What a message holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    tag: Text,
    /// The name under which it is acknowledged, as it was sent.
    chunk: Option<Bytes>,
    events: Events,
}

/// The events of a message, not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Events {
    /// Time and record, one after the other.
    One(Bytes),
    /// Lists of time and record, one after the other.
    Stream(Bytes),
    /// Such, packed.
    Packed(Bytes),
}

/// What the options of a message say.
#[derive(Default)]
struct Options {
    chunk: Option<Bytes>,
    is_packed: bool,
}

impl Message {
    /// Reads what stands around the events; `None` when it only says that the sender lives.
    ///
    /// # Errors
    /// In words, when it is none.
    pub fn of(bytes: &Bytes) -> Result<Option<Self>, String> {
        let mut reader = Reader::new(bytes);
        let count = match reader.token().map_err(Fault::words)? {
            Token::Nil => return Ok(None),
            Token::List(count @ 2..=4) => count,
            _ => return Err(unlike("a message is a list of tag, events and options")),
        };
        let tag = match reader.token().map_err(Fault::words)? {
            Token::Text(tag) | Token::Binary(tag) => reader.text(tag),
            _ => return Err(unlike("its tag is no text")),
        };
        let begun_at = reader.at();
        let second = reader.token().map_err(Fault::words)?;
        let (events, has_options) = match second {
            Token::List(entries) if count <= 3 => {
                let start = reader.at();
                for _ in 0..entries {
                    reader.skip().map_err(Fault::words)?;
                }
                (Events::Stream(bytes.slice(start..reader.at())), count == 3)
            }
            Token::Text(stream) | Token::Binary(stream) if count <= 3 => {
                (Events::Stream(bytes.slice_ref(stream)), count == 3)
            }
            Token::Int(_) | Token::Large(_) | Token::Float(_) | Token::Extension(..) | Token::Nil if count >= 3 => {
                reader.skip().map_err(Fault::words)?;
                (Events::One(bytes.slice(begun_at..reader.at())), count == 4)
            }
            _ => return Err(unlike("its second element is no time, no list and no packed events")),
        };
        let options = if has_options { read_options(&mut reader, bytes)? } else { Options::default() };
        let events = match events {
            Events::Stream(stream) if options.is_packed => Events::Packed(stream),
            events => events,
        };
        Ok(Some(Self { tag, chunk: options.chunk, events }))
    }

    /// What is answered once the events are on disk.
    pub fn ack(&self) -> Option<Vec<u8>> {
        // A map of one key, and that as a text.
        self.chunk.as_ref().map(|chunk| [b"\x81\xa3ack".as_slice(), chunk].concat())
    }

    /// Bytes that it takes, unpacked as far as it is.
    pub const fn size_bytes(&self) -> usize {
        match &self.events {
            Events::One(bytes) | Events::Stream(bytes) | Events::Packed(bytes) => bytes.len(),
        }
    }

    /// The same with its events unpacked; what cannot be unpacked stays as it is.
    pub fn unpacked(self) -> Self {
        let Events::Packed(packed) = &self.events else { return self };
        match unpack_bytes(packed, BODY_BYTES_MAX) {
            Ok(stream) => Self { events: Events::Stream(stream.into_owned().into()), ..self },
            Err(_) => self,
        }
    }

    /// Puts its events into the assembler.
    pub fn push_all(&self, assembler: &mut Assembler<'_>) {
        match &self.events {
            Events::One(event) => push_one(&self.tag, &mut Reader::new(event), event, assembler),
            Events::Stream(stream) => push_stream(&self.tag, stream, assembler),
            Events::Packed(packed) => match unpack_bytes(packed, BODY_BYTES_MAX) {
                Ok(stream) => push_stream(&self.tag, &stream, assembler),
                Err(error) => assembler.refuse(error.to_string(), packed),
            },
        }
    }
}

fn unlike(what: &str) -> String {
    format!("this is no message of the forward protocol: {what}")
}

fn read_options(reader: &mut Reader<'_>, bytes: &Bytes) -> Result<Options, String> {
    let mut options = Options::default();
    let count = match reader.token().map_err(Fault::words)? {
        Token::Map(count) => count,
        Token::Nil => return Ok(options),
        _ => return Err(unlike("its options are no map")),
    };
    for _ in 0..count {
        let name = reader.skip().map_err(Fault::words)?;
        let value = reader.skip().map_err(Fault::words)?;
        match (text_of(name), text_of(value)) {
            (Some(b"chunk"), Some(chunk)) if chunk.len() <= CHUNK_BYTES_MAX => {
                options.chunk = Some(bytes.slice_ref(value));
            }
            (Some(b"chunk"), None) if value == [0xc0] => {}
            (Some(b"chunk"), _) => return Err(unlike("the name of its chunk is no short text")),
            // What is no text or another word is found by its first bytes.
            (Some(b"compressed"), compressed) => options.is_packed = compressed != Some(b"text"),
            _ => {}
        }
    }
    Ok(options)
}

fn text_of(value: &[u8]) -> Option<&[u8]> {
    match Reader::new(value).token() {
        Ok(Token::Text(text) | Token::Binary(text)) => Some(text),
        _ => None,
    }
}

fn push_stream(tag: &Text, stream: &[u8], assembler: &mut Assembler<'_>) {
    let mut reader = Reader::new(stream);
    while !reader.is_at_end() {
        let rest = &stream[reader.at()..];
        let entry = match reader.skip() {
            Ok(entry) => entry,
            Err(fault) => return assembler.refuse(fault.words(), rest),
        };
        let mut entry_reader = Reader::new(entry);
        match entry_reader.token() {
            Ok(Token::List(2)) => push_one(tag, &mut entry_reader, entry, assembler),
            _ => assembler.refuse(unlike("an event is a list of time and record"), entry),
        }
    }
}

/// One event, whose time comes next; `raw` is what is kept when it cannot be read.
fn push_one(tag: &Text, reader: &mut Reader<'_>, raw: &[u8], assembler: &mut Assembler<'_>) {
    if raw.len() > assembler.record_bytes_max() {
        let reason = format!(
            "the event has {} bytes, more than the {} that are allowed; split it or raise the limit",
            raw.len(),
            assembler.record_bytes_max()
        );
        return assembler.refuse(reason, raw);
    }
    match event_of(tag, reader) {
        Ok(body) if reader.has_replaced => assembler.push_object_with_replaced_bytes(body),
        Ok(body) => assembler.push_object(body),
        Err(reason) => assembler.refuse(reason, raw),
    }
}

fn event_of(tag: &Text, reader: &mut Reader<'_>) -> Result<Object, String> {
    let (time, metadata) = read_time(reader)?;
    let mut body = match reader.value().map_err(Fault::words)? {
        Value::Object(body) => body,
        _ => return Err(unlike("a record is no map")),
    };
    let name = if body.iter().any(|(name, _)| name == TIMESTAMP) { TIME } else { TIMESTAMP };
    if time != Value::Null {
        body.push((name.into(), time));
    }
    if !tag.is_empty() {
        body.push((TAG.into(), Value::Text(tag.clone())));
    }
    if let Some(metadata) = metadata {
        body.push((METADATA.into(), metadata));
    }
    Ok(body)
}

/// The time, and what senders of version 1.5 put beside it.
fn read_time(reader: &mut Reader<'_>) -> Result<(Value, Option<Value>), String> {
    match reader.token().map_err(Fault::words)? {
        Token::List(2) => {
            let time = time_of(reader.token().map_err(Fault::words)?)?;
            let metadata = reader.value().map_err(Fault::words)?;
            let is_empty = matches!(&metadata, Value::Object(fields) if fields.is_empty());
            Ok((time, (!is_empty).then_some(metadata)))
        }
        token => Ok((time_of(token)?, None)),
    }
}

/// Nothing for no time: the event then has that of its arrival.
fn time_of(token: Token<'_>) -> Result<Value, String> {
    match token {
        Token::Nil | Token::Int(0) => Ok(Value::Null),
        Token::Int(seconds) => Ok(Value::Int(seconds)),
        Token::Float(seconds) => Ok(Value::number(seconds).unwrap_or(Value::Null)),
        Token::Extension(EVENT_TIME, bytes) => match event_time(EVENT_TIME, bytes) {
            Some(time) if time <= Timestamp::from_seconds(1) => Ok(Value::Null),
            Some(time) => Ok(Value::Text(time.to_text())),
            None => Err(unlike("a time has not eight bytes")),
        },
        _ => Err(unlike("an event begins with no time")),
    }
}
