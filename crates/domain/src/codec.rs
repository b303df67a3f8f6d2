//! The binary form of values: what batches of events hold in memory and write-ahead log records on disk.
//!
//! Compact and self-contained: a tag byte a value, LEB128 lengths, nothing that depends on a schema. Reading
//! never trusts a length: whatever the bytes are, it answers an error and allocates no more than they hold.

use crate::{Event, EventId, LogType, Object, Timestamp, Value};

/// Nesting that is read back at most; the pipeline accepts less.
const DEPTH_MAX: usize = 160;

/// The bytes are no events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bytes that are no event, at byte {at}")]
pub struct CodecError {
    /// Where reading stopped.
    pub at: usize,
}

pub(crate) mod tag {
    pub(crate) const NULL: u8 = 0;
    pub(crate) const FALSE: u8 = 1;
    pub(crate) const TRUE: u8 = 2;
    pub(crate) const INT: u8 = 3;
    pub(crate) const FLOAT: u8 = 4;
    pub(crate) const BIG_NUMBER: u8 = 5;
    pub(crate) const TEXT: u8 = 6;
    pub(crate) const LIST: u8 = 7;
    pub(crate) const OBJECT: u8 = 8;
    /// Within a batch only: the canonical text of the event's time.
    pub(crate) const OWN_TIME: u8 = 9;
    /// Within a batch only: the name of the event's log type.
    pub(crate) const OWN_TYPE: u8 = 10;
}

/// The number of a log type in files; it never changes.
pub(crate) const fn log_type_code(log_type: LogType) -> u8 {
    match log_type {
        LogType::Transaction => 0,
        LogType::Error => 1,
        LogType::UserBehavior => 2,
        LogType::Performance => 3,
        LogType::Fraud => 4,
        LogType::Other => 5,
    }
}

/// Appends a value.
pub(crate) fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(tag::NULL),
        Value::Bool(false) => out.push(tag::FALSE),
        Value::Bool(true) => out.push(tag::TRUE),
        Value::Int(number) => {
            out.push(tag::INT);
            write_signed(out, *number);
        }
        Value::Float(number) => {
            out.push(tag::FLOAT);
            out.extend_from_slice(&number.to_le_bytes());
        }
        Value::BigNumber(literal) => {
            out.push(tag::BIG_NUMBER);
            write_text(out, literal);
        }
        Value::Text(text) => {
            out.push(tag::TEXT);
            write_text(out, text);
        }
        Value::List(items) => {
            out.push(tag::LIST);
            write_unsigned(out, items.len() as u64);
            items.iter().for_each(|item| write_value(out, item));
        }
        Value::Object(fields) => {
            out.push(tag::OBJECT);
            write_object(out, fields);
        }
    }
}

fn write_object(out: &mut Vec<u8>, fields: &Object) {
    write_unsigned(out, fields.len() as u64);
    for (name, value) in fields {
        write_text(out, name);
        write_value(out, value);
    }
}

/// Appends a string: its length in bytes, then its bytes.
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    write_unsigned(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Appends an unsigned number, seven bits a byte, lowest first.
pub fn write_unsigned(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a signed number; small ones of either sign take few bytes.
pub fn write_signed(out: &mut Vec<u8>, number: i64) {
    write_unsigned(out, ((number << 1) ^ (number >> 63)) as u64);
}

/// Reads what the functions above wrote.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Whether everything was read.
    pub fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// The error that says where reading stopped.
    ///
    /// # Errors
    /// Always.
    pub fn fail<T>(&self) -> Result<T, CodecError> {
        Err(CodecError { at: self.at })
    }

    /// The next bytes.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], CodecError> {
        match self.at.checked_add(length).and_then(|end| self.bytes.get(self.at..end)) {
            Some(slice) => {
                self.at += length;
                Ok(slice)
            }
            None => self.fail(),
        }
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// The next byte, not passed.
    ///
    /// # Errors
    /// When the bytes end.
    pub(crate) fn peek(&self) -> Result<u8, CodecError> {
        self.bytes.get(self.at).copied().ok_or(CodecError { at: self.at })
    }

    /// The next byte.
    ///
    /// # Errors
    /// When the bytes end.
    pub fn byte(&mut self) -> Result<u8, CodecError> {
        self.take(1).map(|slice| slice[0])
    }

    /// The next unsigned number.
    ///
    /// # Errors
    /// When the bytes end or the number exceeds 64 bits.
    pub fn unsigned(&mut self) -> Result<u64, CodecError> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                return self.fail();
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        self.fail()
    }

    /// The next signed number.
    ///
    /// # Errors
    /// When the bytes end or the number exceeds 64 bits.
    pub fn signed(&mut self) -> Result<i64, CodecError> {
        self.unsigned().map(|number| (number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A count of things that take at least a byte each, so that it never exceeds what is left.
    ///
    /// # Errors
    /// When the bytes end or hold fewer.
    pub fn count(&mut self) -> Result<usize, CodecError> {
        let count = self.unsigned()?;
        if count > (self.bytes.len() - self.at) as u64 {
            return self.fail();
        }
        Ok(count as usize)
    }

    /// The next string.
    ///
    /// # Errors
    /// When the bytes end or are no UTF-8.
    pub fn text(&mut self) -> Result<&'a str, CodecError> {
        let length = self.count()?;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).or_else(|_| self.fail())
    }

    /// A value below so many others.
    pub(crate) fn value(&mut self, depth: usize) -> Result<Value, CodecError> {
        if depth > DEPTH_MAX {
            return self.fail();
        }
        Ok(match self.byte()? {
            tag::NULL => Value::Null,
            tag::FALSE => Value::Bool(false),
            tag::TRUE => Value::Bool(true),
            tag::INT => Value::Int(self.signed()?),
            tag::FLOAT => Value::Float(self.float()?),
            tag::BIG_NUMBER => Value::BigNumber(self.text()?.to_owned()),
            tag::TEXT => Value::text(self.text()?),
            tag::LIST => {
                let count = self.count()?;
                Value::List((0..count).map(|_| self.value(depth + 1)).collect::<Result<_, _>>()?)
            }
            tag::OBJECT => Value::Object(self.object(depth + 1)?),
            _ => return self.fail(),
        })
    }

    pub(crate) fn float(&mut self) -> Result<f64, CodecError> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Ok(f64::from_le_bytes(bytes))
    }

    fn object(&mut self, depth: usize) -> Result<Object, CodecError> {
        let count = self.count()?;
        (0..count).map(|_| Ok((self.text()?.into(), self.value(depth)?))).collect()
    }

    pub(crate) fn log_type(&mut self) -> Result<LogType, CodecError> {
        let code = self.byte()?;
        LogType::ALL.into_iter().find(|log_type| log_type_code(*log_type) == code).ok_or(CodecError { at: self.at })
    }

    /// The next event, in the form that log records had before they held batches.
    ///
    /// # Errors
    /// When the bytes are no event.
    pub fn event(&mut self) -> Result<Event, CodecError> {
        let log_type = self.log_type()?;
        let timestamp = Timestamp::from_nanos(self.signed()?);
        let ingested_at = Timestamp::from_nanos(self.signed()?);
        let id = match self.byte()? {
            0 => None,
            1 => Some(EventId(self.text()?.to_owned())),
            _ => return self.fail(),
        };
        Ok(Event { id, timestamp, ingested_at, log_type, body: self.object(0)? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn body() -> Object {
        vec![
            ("null".into(), Value::Null),
            ("big".into(), Value::BigNumber("123456789012345678901234567890".into())),
            ("float".into(), Value::Float(-0.125)),
            ("int".into(), Value::Int(i64::MIN)),
            ("é".into(), Value::List(vec![Value::Bool(true), Value::Object(vec![("a".into(), Value::text("x"))])])),
        ]
    }

    /// An event as log records held it before they held batches.
    fn event_bytes(event: &Event) -> Vec<u8> {
        let mut out = vec![log_type_code(event.log_type)];
        write_signed(&mut out, event.timestamp.as_nanos());
        write_signed(&mut out, event.ingested_at.as_nanos());
        out.push(u8::from(event.id.is_some()));
        event.id.iter().for_each(|id| write_text(&mut out, &id.0));
        write_object(&mut out, &event.body);
        out
    }

    #[test]
    fn events_of_old_records_are_read() {
        let event = Event {
            id: Some(EventId("order-1".into())),
            timestamp: Timestamp::from_nanos(i64::MIN),
            ingested_at: Timestamp::from_nanos(i64::MAX),
            log_type: LogType::Fraud,
            body: body(),
        };
        let bytes = event_bytes(&event);
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.event(), Ok(event));
        assert!(reader.is_at_end());
        for length in 0..bytes.len() {
            assert!(Reader::new(&bytes[..length]).event().is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Reader::new(&bytes).event();
        }

        #[test]
        fn numbers_come_back(number in any::<i64>()) {
            let mut bytes = Vec::new();
            write_signed(&mut bytes, number);
            prop_assert_eq!(Reader::new(&bytes).signed(), Ok(number));
        }
    }
}
