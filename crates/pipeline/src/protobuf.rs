//! Protocol Buffers on the wire: the fields of a message where they lie, and the few that answers are written with.
//!
//! No schema and no copy: whoever reads knows the numbers of its fields. Encoding:
//! <https://protobuf.dev/programming-guides/encoding/>. Groups, which proto3 does not have, are refused.

/// Bytes of the longest varint.
const VARINT_BYTES_MAX: usize = 10;

/// Why a message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    /// It ends within a field.
    #[error("a protobuf message ends in the middle of a field")]
    CutOff,
    /// A number of more than 64 bits.
    #[error("a protobuf number has more than 64 bits")]
    TooLong,
    /// A field number that none may have.
    #[error("a protobuf field has the number 0")]
    NoNumber,
    /// A way to write a value that is not known.
    #[error("a protobuf field has the unknown wire type {0}")]
    WireType(u8),
    /// A field that is written as another kind of value than it has.
    #[error("the protobuf field {0} is not of the kind that it should be")]
    Kind(u32),
    /// A value that may not be passed over is nested too deep.
    #[error("an attribute is nested too deep; flatten it")]
    TooDeep,
}

/// A value as it is on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wire<'a> {
    /// Whole numbers and booleans.
    Varint(u64),
    /// Eight bytes.
    Fixed64(u64),
    /// Strings, bytes and messages.
    Bytes(&'a [u8]),
    /// Four bytes.
    Fixed32(u32),
}

/// A field of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Field<'a> {
    /// Its number.
    pub(crate) number: u32,
    /// Its value.
    pub(crate) wire: Wire<'a>,
}

impl<'a> Field<'a> {
    /// The bytes of a string, bytes or a message.
    pub(crate) fn bytes(self) -> Result<&'a [u8], Broken> {
        match self.wire {
            Wire::Bytes(bytes) => Ok(bytes),
            Wire::Varint(_) | Wire::Fixed64(_) | Wire::Fixed32(_) => Err(Broken::Kind(self.number)),
        }
    }

    /// A whole number that is no fixed one.
    pub(crate) fn varint(self) -> Result<u64, Broken> {
        match self.wire {
            Wire::Varint(number) => Ok(number),
            Wire::Fixed64(_) | Wire::Bytes(_) | Wire::Fixed32(_) => Err(Broken::Kind(self.number)),
        }
    }

    /// Eight bytes as a number.
    pub(crate) fn fixed64(self) -> Result<u64, Broken> {
        match self.wire {
            Wire::Fixed64(number) => Ok(number),
            Wire::Varint(_) | Wire::Bytes(_) | Wire::Fixed32(_) => Err(Broken::Kind(self.number)),
        }
    }

    /// Four bytes as a number.
    pub(crate) fn fixed32(self) -> Result<u32, Broken> {
        match self.wire {
            Wire::Fixed32(number) => Ok(number),
            Wire::Varint(_) | Wire::Bytes(_) | Wire::Fixed64(_) => Err(Broken::Kind(self.number)),
        }
    }
}

/// The fields of a message, in the order in which they were written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Of a message.
    pub(crate) const fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Broken> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Broken::CutOff)?;
        self.rest = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, Broken> {
        let mut number = 0_u64;
        for (place, byte) in self.rest.iter().take(VARINT_BYTES_MAX).enumerate() {
            // The tenth byte has room for one bit.
            if place == VARINT_BYTES_MAX - 1 && *byte > 1 {
                return Err(Broken::TooLong);
            }
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[place + 1..];
                return Ok(number);
            }
        }
        Err(Broken::CutOff)
    }

    fn field(&mut self) -> Result<Field<'a>, Broken> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).map_err(|_| Broken::TooLong)?;
        if number == 0 {
            return Err(Broken::NoNumber);
        }
        let wire = match (key & 7) as u8 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(self.take(8)?.try_into().map(u64::from_le_bytes).map_err(|_| Broken::CutOff)?),
            2 => {
                let count = usize::try_from(self.varint()?).map_err(|_| Broken::CutOff)?;
                Wire::Bytes(self.take(count)?)
            }
            5 => Wire::Fixed32(self.take(4)?.try_into().map(u32::from_le_bytes).map_err(|_| Broken::CutOff)?),
            wire_type => return Err(Broken::WireType(wire_type)),
        };
        Ok(Field { number, wire })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Appends a field with a whole number, unless it is 0, which proto3 does not write.
pub(crate) fn put_varint(message: &mut Vec<u8>, field_number: u32, number: u64) {
    if number != 0 {
        put_raw_varint(message, u64::from(field_number) << 3);
        put_raw_varint(message, number);
    }
}

/// Appends a field with a string, bytes or a message.
pub(crate) fn put_bytes(message: &mut Vec<u8>, field_number: u32, bytes: &[u8]) {
    put_raw_varint(message, u64::from(field_number) << 3 | 2);
    put_raw_varint(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

fn put_raw_varint(message: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        message.push(number as u8 | 0x80);
        number >>= 7;
    }
    message.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &[u8], expected: &[Result<(u32, Wire<'_>), Broken>]) {
        let fields: Vec<_> = Fields::of(message).map(|field| field.map(|field| (field.number, field.wire))).collect();
        assert_eq!(fields, expected, "{message:02x?}");
    }

    #[test]
    fn fields_are_read_where_they_lie() {
        check(b"", &[]);
        check(b"\x08\x96\x01", &[Ok((1, Wire::Varint(150)))]);
        check(b"\x12\x07testing", &[Ok((2, Wire::Bytes(b"testing")))]);
        check(b"\x09\x01\0\0\0\0\0\0\0\x15\x02\0\0\0", &[Ok((1, Wire::Fixed64(1))), Ok((2, Wire::Fixed32(2)))]);
        check(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &[Ok((1, Wire::Varint(u64::MAX)))]);
        check(b"\x12\0", &[Ok((2, Wire::Bytes(b"")))]);
    }

    #[test]
    fn what_is_broken_is_told_once() {
        check(b"\x08", &[Err(Broken::CutOff)]);
        check(b"\x08\x80", &[Err(Broken::CutOff)]);
        check(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", &[Err(Broken::TooLong)]);
        check(b"\x12\x05four", &[Err(Broken::CutOff)]);
        check(b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &[Err(Broken::CutOff)]);
        check(b"\x09\x01", &[Err(Broken::CutOff)]);
        check(b"\x02\0", &[Err(Broken::NoNumber)]);
        check(b"\x08\x01\x0b\x08", &[Ok((1, Wire::Varint(1))), Err(Broken::WireType(3))]);
    }

    #[test]
    fn what_is_written_is_read() {
        let mut message = Vec::new();
        put_varint(&mut message, 1, 300);
        put_varint(&mut message, 2, 0);
        put_bytes(&mut message, 16, &[b'x'; 200]);
        check(&message, &[Ok((1, Wire::Varint(300))), Ok((16, Wire::Bytes(&[b'x'; 200])))]);
    }
}
