//! The binary form of events inside write-ahead log records.
//!
//! Compact and self-contained: a tag byte a value, LEB128 lengths, nothing that depends on a schema. Reading
//! never trusts a length: whatever the bytes are, it answers an error and allocates no more than they hold.

use vigie_domain::{Event, EventId, LogType, Object, Timestamp, Value};

/// Nesting that is read back at most; the pipeline accepts less.
const DEPTH_MAX: usize = 160;

/// The bytes are no events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("log record holds bytes that are no event, at byte {at}")]
pub struct CodecError {
    /// Where reading stopped.
    pub at: usize,
}

mod tag {
    pub(super) const NULL: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const INT: u8 = 3;
    pub(super) const FLOAT: u8 = 4;
    pub(super) const BIG_NUMBER: u8 = 5;
    pub(super) const TEXT: u8 = 6;
    pub(super) const LIST: u8 = 7;
    pub(super) const OBJECT: u8 = 8;
}

/// Appends the event to `out`.
pub fn write_event(out: &mut Vec<u8>, event: &Event) {
    out.push(log_type_code(event.log_type));
    write_signed(out, event.timestamp.as_nanos());
    write_signed(out, event.ingested_at.as_nanos());
    match &event.id {
        None => out.push(0),
        Some(id) => {
            out.push(1);
            write_text(out, &id.0);
        }
    }
    write_object(out, &event.body);
}

fn log_type_code(log_type: LogType) -> u8 {
    match log_type {
        LogType::Transaction => 0,
        LogType::Error => 1,
        LogType::UserBehavior => 2,
        LogType::Performance => 3,
        LogType::Fraud => 4,
        LogType::Other => 5,
    }
}

fn write_value(out: &mut Vec<u8>, value: &Value) {
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

/// Reads what `write_event` and `write_unsigned` wrote.
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

    fn value(&mut self, depth: usize) -> Result<Value, CodecError> {
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

    fn float(&mut self) -> Result<f64, CodecError> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Ok(f64::from_le_bytes(bytes))
    }

    fn object(&mut self, depth: usize) -> Result<Object, CodecError> {
        let count = self.count()?;
        (0..count).map(|_| Ok((self.text()?.into(), self.value(depth)?))).collect()
    }

    /// The next event.
    ///
    /// # Errors
    /// When the bytes are no event.
    pub fn event(&mut self) -> Result<Event, CodecError> {
        let code = self.byte()?;
        let Some(log_type) = LogType::ALL.into_iter().find(|log_type| log_type_code(*log_type) == code) else {
            return self.fail();
        };
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

    fn event(body: Object) -> Event {
        Event {
            id: Some(EventId("order-1".into())),
            timestamp: Timestamp::from_nanos(i64::MIN),
            ingested_at: Timestamp::from_nanos(i64::MAX),
            log_type: LogType::Fraud,
            body,
        }
    }

    #[test]
    fn events_come_back_as_they_were() {
        let body = vec![
            ("null".into(), Value::Null),
            ("big".into(), Value::BigNumber("123456789012345678901234567890".into())),
            ("float".into(), Value::Float(-0.125)),
            ("int".into(), Value::Int(i64::MIN)),
            ("é".into(), Value::List(vec![Value::Bool(true), Value::Object(vec![("a".into(), Value::text("x"))])])),
        ];
        let mut bytes = Vec::new();
        write_event(&mut bytes, &event(body.clone()));
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.event(), Ok(event(body)));
        assert!(reader.is_at_end());
    }

    #[test]
    fn every_truncation_is_an_error() {
        let mut bytes = Vec::new();
        write_event(&mut bytes, &event(vec![("a".into(), Value::text("hello")), ("b".into(), Value::Int(7))]));
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
