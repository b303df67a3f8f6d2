//! MessagePack, read one token at a time: <https://github.com/msgpack/msgpack/blob/master/spec.md>.
//!
//! No length is believed before its bytes are there, and nothing is nested deeper than a bound, so that what is allocated
//! is never much more than what was sent.

use std::fmt::Write;

use vigie_domain::{Object, Text, Timestamp, Value};

/// Levels of lists and maps in each other, as for JSON.
const DEPTH_MAX: usize = 128;
/// The extension type of the forward protocol's times.
pub(super) const EVENT_TIME: i8 = 0;

/// Why bytes are no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// More bytes have to come.
    Short,
    /// 0xc1, which begins no value.
    Unused,
    /// Lists and maps are nested too deep.
    TooDeep,
}

impl Fault {
    pub(super) fn words(self) -> String {
        match self {
            Self::Short => "the MessagePack ends in the middle of a value; send it whole".to_owned(),
            Self::Unused => "a MessagePack value begins with the byte c1, which begins none; send it again".to_owned(),
            Self::TooDeep => format!("lists and maps are nested more than {DEPTH_MAX} levels deep; flatten them"),
        }
    }
}

/// One value, or the head of a list or map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'b> {
    Nil,
    Bool(bool),
    Int(i64),
    /// Beyond `i64`.
    Large(u64),
    Float(f64),
    Text(&'b [u8]),
    Binary(&'b [u8]),
    Extension(i8, &'b [u8]),
    List(u32),
    /// So many keys, each with its value.
    Map(u32),
}

/// Reads values, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    /// Where what was last missing ends.
    wanted: usize,
    /// Some text was no UTF-8; U+FFFD stands in it.
    pub(super) has_replaced: bool,
}

/// What the first byte says of what follows.
enum Head {
    Done(Token<'static>),
    /// Bytes of a number, and how it is read.
    Number(usize, fn(u64) -> Token<'static>),
    /// A text, binary or extension: bytes of its length, or the length itself.
    Sized(Kind, Length),
    /// A list or map: bytes of its count.
    Counted(usize, fn(u32) -> Token<'static>),
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Binary,
    Extension,
}

enum Length {
    Known(usize),
    InBytes(usize),
}

fn unsigned(number: u64) -> Token<'static> {
    i64::try_from(number).map_or(Token::Large(number), Token::Int)
}

fn head(byte: u8) -> Result<Head, Fault> {
    use Length::{InBytes, Known};
    Ok(match byte {
        0x00..=0x7f => Head::Done(Token::Int(byte.into())),
        0x80..=0x8f => Head::Done(Token::Map((byte & 0x0f).into())),
        0x90..=0x9f => Head::Done(Token::List((byte & 0x0f).into())),
        0xa0..=0xbf => Head::Sized(Kind::Text, Known((byte & 0x1f).into())),
        0xc0 => Head::Done(Token::Nil),
        0xc1 => return Err(Fault::Unused),
        0xc2 | 0xc3 => Head::Done(Token::Bool(byte == 0xc3)),
        0xc4..=0xc6 => Head::Sized(Kind::Binary, InBytes(1 << (byte - 0xc4))),
        0xc7..=0xc9 => Head::Sized(Kind::Extension, InBytes(1 << (byte - 0xc7))),
        0xca => Head::Number(4, |bits| Token::Float(f32::from_bits(bits as u32).into())),
        0xcb => Head::Number(8, |bits| Token::Float(f64::from_bits(bits))),
        0xcc..=0xcf => Head::Number(1 << (byte - 0xcc), unsigned),
        0xd0 => Head::Number(1, |bits| Token::Int((bits as i8).into())),
        0xd1 => Head::Number(2, |bits| Token::Int((bits as i16).into())),
        0xd2 => Head::Number(4, |bits| Token::Int((bits as i32).into())),
        0xd3 => Head::Number(8, |bits| Token::Int(bits as i64)),
        0xd4..=0xd8 => Head::Sized(Kind::Extension, Known(1 << (byte - 0xd4))),
        0xd9..=0xdb => Head::Sized(Kind::Text, InBytes(1 << (byte - 0xd9))),
        0xdc | 0xdd => Head::Counted(2 << (byte - 0xdc), Token::List),
        0xde | 0xdf => Head::Counted(2 << (byte - 0xde), Token::Map),
        0xe0..=0xff => Head::Done(Token::Int((byte as i8).into())),
    })
}

impl<'b> Reader<'b> {
    pub(super) const fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0, wanted: 0, has_replaced: false }
    }

    /// Bytes read.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The next token; after a fault nothing was read.
    pub(super) fn token(&mut self) -> Result<Token<'b>, Fault> {
        let begun_at = self.at;
        let token = self.read_token();
        if token.is_err() {
            self.at = begun_at;
        }
        token
    }

    fn read_token(&mut self) -> Result<Token<'b>, Fault> {
        Ok(match head(self.take(1)?[0])? {
            Head::Done(token) => token,
            Head::Number(bytes, token) => token(self.number(bytes)?),
            Head::Counted(bytes, token) => token(self.number(bytes)? as u32),
            Head::Sized(kind, length) => {
                let length = match length {
                    Length::Known(length) => length,
                    Length::InBytes(bytes) => self.number(bytes)? as usize,
                };
                match kind {
                    Kind::Text => Token::Text(self.take(length)?),
                    Kind::Binary => Token::Binary(self.take(length)?),
                    Kind::Extension => {
                        let of_type = self.take(1)?[0] as i8;
                        Token::Extension(of_type, self.take(length)?)
                    }
                }
            }
        })
    }

    fn take(&mut self, count: usize) -> Result<&'b [u8], Fault> {
        let end = self.at.saturating_add(count);
        self.wanted = end;
        let taken = self.bytes.get(self.at..end).ok_or(Fault::Short)?;
        self.at = end;
        Ok(taken)
    }

    /// Big-endian, as everything here.
    fn number(&mut self, bytes: usize) -> Result<u64, Fault> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Passes a whole value, however deep, and gives its bytes.
    pub(super) fn skip(&mut self) -> Result<&'b [u8], Fault> {
        let begun_at = self.at;
        let mut open = 1_u64;
        while open > 0 {
            open = open - 1 + children(self.token()?);
        }
        Ok(&self.bytes[begun_at..self.at])
    }

    /// The next value as events have it.
    pub(super) fn value(&mut self) -> Result<Value, Fault> {
        self.value_at(1)
    }

    fn value_at(&mut self, depth: usize) -> Result<Value, Fault> {
        Ok(match self.token()? {
            Token::Nil => Value::Null,
            Token::Bool(flag) => Value::Bool(flag),
            Token::Int(number) => Value::Int(number),
            Token::Large(number) => Value::BigNumber(number.to_string()),
            Token::Float(number) => Value::number(number).unwrap_or_else(|| Value::text(number.to_string())),
            Token::Text(bytes) | Token::Binary(bytes) => Value::Text(self.text(bytes)),
            Token::Extension(of_type, bytes) => extension(of_type, bytes),
            Token::List(_) | Token::Map(_) if depth >= DEPTH_MAX => return Err(Fault::TooDeep),
            Token::List(count) => {
                let items: Result<Vec<Value>, Fault> = (0..count).map(|_| self.value_at(depth + 1)).collect();
                Value::List(items?)
            }
            Token::Map(count) => {
                let fields: Result<Object, Fault> = (0..count).map(|_| self.field_at(depth + 1)).collect();
                Value::Object(fields?)
            }
        })
    }

    fn field_at(&mut self, depth: usize) -> Result<(Text, Value), Fault> {
        let name = match self.value_at(depth)? {
            Value::Text(name) => name,
            // Names of other types are rare and allowed: they are what JSON would write.
            other => serde_json::to_string(&other).unwrap_or_default().into(),
        };
        Ok((name, self.value_at(depth)?))
    }

    /// Text, with U+FFFD for what is no UTF-8.
    pub(super) fn text(&mut self, bytes: &[u8]) -> Text {
        match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => {
                self.has_replaced = true;
                String::from_utf8_lossy(bytes).into()
            }
        }
    }
}

/// Values that belong to a token and follow it.
pub(super) fn children(token: Token<'_>) -> u64 {
    match token {
        Token::List(count) => count.into(),
        Token::Map(count) => u64::from(count) * 2,
        Token::Nil
        | Token::Bool(_)
        | Token::Int(_)
        | Token::Large(_)
        | Token::Float(_)
        | Token::Text(_)
        | Token::Binary(_)
        | Token::Extension(..) => 0,
    }
}

/// A time as text; of types that nobody has told of, the type and the bytes.
fn extension(of_type: i8, bytes: &[u8]) -> Value {
    if let Some(time) = event_time(of_type, bytes) {
        return Value::Text(time.to_text());
    }
    let mut hexadecimal = String::with_capacity(bytes.len() * 2);
    bytes.iter().for_each(|byte| {
        // Writing to a string does not fail.
        let _ = write!(hexadecimal, "{byte:02x}");
    });
    Value::Object(vec![("ext_type".into(), Value::Int(of_type.into())), ("hex".into(), Value::text(hexadecimal))])
}

/// Seconds and nanoseconds since 1970, 32 bits each.
pub(super) fn event_time(of_type: i8, bytes: &[u8]) -> Option<Timestamp> {
    let (seconds, nanos) = bytes.split_first_chunk::<4>()?;
    let nanos = i64::from(u32::from_be_bytes(nanos.try_into().ok()?));
    let seconds = Timestamp::from_seconds(u32::from_be_bytes(*seconds).into());
    (of_type == EVENT_TIME).then(|| seconds.saturating_add_nanos(nanos))
}

/// Finds the end of a value whose bytes come one after the other; no byte is looked at twice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Bytes of the value that have been passed.
    at: usize,
    /// Values that are still to be read.
    open: u64,
    /// Where the next of them ends, as far as it has said.
    wanted: usize,
}

impl Default for Extent {
    fn default() -> Self {
        Self { at: 0, open: 1, wanted: 0 }
    }
}

impl Extent {
    /// Bytes that the value has at least.
    pub(super) const fn bytes_min(&self) -> u64 {
        let by_count = (self.at as u64).saturating_add(self.open);
        if by_count > self.wanted as u64 { by_count } else { self.wanted as u64 }
    }

    /// How many bytes the value has, if it is whole; `bytes` are those that have come of it, from its beginning.
    ///
    /// # Errors
    /// When it can never be whole.
    pub(super) fn of(&mut self, bytes: &[u8]) -> Result<Option<usize>, Fault> {
        let mut reader = Reader { bytes, at: self.at, wanted: 0, has_replaced: false };
        while self.open > 0 {
            match reader.token() {
                Ok(token) => self.open = (self.open - 1).saturating_add(children(token)),
                Err(Fault::Short) => {
                    self.wanted = reader.wanted;
                    return Ok(None);
                }
                Err(fault) => return Err(fault),
            }
            self.at = reader.at;
        }
        Ok(Some(self.at))
    }
}
