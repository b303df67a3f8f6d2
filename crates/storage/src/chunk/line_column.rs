//! Values of a column as JSON: what the column is, is looked at once and not for each of its values.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampNanosecondArray,
};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampNanosecondType};
use serde_json::Error;
use vigie_domain::Timestamp;
use vigie_domain::query::Scalar;

use super::column::{decimal_scalar, number_scalar};
use super::physical::DECIMAL_SCALE;

/// What decimals are multiplied by to be whole.
const DECIMAL_WHOLE: i128 = 10_i128.pow(DECIMAL_SCALE as u32);
/// Decimals below this have at most fifteen digits: a float has exactly these, and is written with them.
const DECIMAL_EXACT_MAX: i128 = 10_i128.pow(15);

/// A field's column.
pub enum LineColumn<'a> {
    /// Of bools.
    Bool(&'a BooleanArray),
    /// Of integers.
    Int(&'a Int64Array),
    /// Of floats.
    Float(&'a Float64Array),
    /// Of decimals.
    Decimal(&'a Decimal128Array),
    /// Of instants.
    Instant(&'a TimestampNanosecondArray),
    /// Of strings.
    Text(&'a StringArray),
    /// Of codes of strings.
    Codes(&'a Int32Array, &'a StringArray),
}

impl<'a> LineColumn<'a> {
    /// The column; `None` of a type that no field's column has.
    pub fn new(column: &'a ArrayRef) -> Option<Self> {
        Some(match column.data_type() {
            DataType::Boolean => Self::Bool(column.as_boolean()),
            DataType::Int64 => Self::Int(column.as_primitive::<Int64Type>()),
            DataType::Float64 => Self::Float(column.as_primitive::<Float64Type>()),
            DataType::Decimal128(..) => Self::Decimal(column.as_primitive::<Decimal128Type>()),
            DataType::Timestamp(..) => Self::Instant(column.as_primitive::<TimestampNanosecondType>()),
            DataType::Utf8 => Self::Text(column.as_string::<i32>()),
            DataType::Dictionary(..) => {
                let codes = column.as_dictionary::<Int32Type>();
                Self::Codes(codes.keys(), codes.values().as_string::<i32>())
            }
            _ => return None,
        })
    }

    /// Appends the value in the row; `false` when there is none.
    ///
    /// # Errors
    /// When a number cannot be written as JSON, which none that was read from JSON does.
    pub fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<bool, Error> {
        if self.is_null(row) {
            return Ok(false);
        }
        match self {
            Self::Bool(flags) => out.extend_from_slice(if flags.value(row) { b"true" } else { b"false" }),
            Self::Int(numbers) => serde_json::to_writer(&mut *out, &numbers.value(row))?,
            Self::Float(numbers) => write_number(number_scalar(numbers.value(row)), out)?,
            Self::Decimal(numbers) => write_decimal(numbers.value(row), out)?,
            Self::Instant(instants) => write_instant(Timestamp::from_nanos(instants.value(row)), out),
            Self::Text(texts) => write_text(texts.value(row), out)?,
            Self::Codes(codes, texts) => write_text(texts.value(codes.value(row) as usize), out)?,
        }
        Ok(true)
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Bool(flags) => flags.is_null(row),
            Self::Int(numbers) => numbers.is_null(row),
            Self::Float(numbers) => numbers.is_null(row),
            Self::Decimal(numbers) => numbers.is_null(row),
            Self::Instant(instants) => instants.is_null(row),
            Self::Text(texts) => texts.is_null(row),
            Self::Codes(codes, _) => codes.is_null(row),
        }
    }
}

fn write_number(scalar: Scalar<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    match scalar {
        Scalar::Int(number) => serde_json::to_writer(out, &number),
        Scalar::Float(number) => serde_json::to_writer(out, &number),
        // Numbers of columns are one of the two.
        Scalar::Bool(_) | Scalar::BigNumber(_) | Scalar::Text(_) | Scalar::Instant(_) => Ok(()),
    }
}

/// As the float that was sent would be written.
fn write_decimal(scaled: i128, out: &mut Vec<u8>) -> Result<(), Error> {
    if scaled.abs() >= DECIMAL_EXACT_MAX {
        return write_number(decimal_scalar(scaled), out);
    }
    // Both fit: the number has at most fifteen digits.
    let (whole, mut rest) = ((scaled.abs() / DECIMAL_WHOLE) as u64, (scaled.abs() % DECIMAL_WHOLE) as u64);
    if scaled < 0 {
        out.push(b'-');
    }
    serde_json::to_writer(&mut *out, &whole)?;
    if rest > 0 {
        out.push(b'.');
    }
    let mut unit = DECIMAL_WHOLE as u64 / 10;
    while rest > 0 {
        out.push(b'0' + (rest / unit) as u8);
        (rest, unit) = (rest % unit, unit / 10);
    }
    Ok(())
}

/// Writes an instant as its canonical text.
pub fn write_instant(instant: Timestamp, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(instant.to_text().as_bytes());
    out.push(b'"');
}

/// Writes a string; most have nothing that is written in another way.
pub fn write_text(text: &str, out: &mut Vec<u8>) -> Result<(), Error> {
    if is_plain(text.as_bytes()) {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return Ok(());
    }
    serde_json::to_writer(out, text)
}

fn is_plain(bytes: &[u8]) -> bool {
    // Without a way out in between, so that many bytes are looked at at once.
    const STEP_BYTES: usize = 16;
    let is_plain = |byte: &u8| (*byte >= b' ') & (*byte != b'"') & (*byte != b'\\');
    let are_all = |bytes: &[u8]| bytes.iter().fold(true, |all, byte| all & is_plain(byte));
    let (steps, rest) = bytes.as_chunks::<STEP_BYTES>();
    steps.iter().all(|step| are_all(step)) && are_all(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vigie_domain::Value;

    use super::super::column::scalar_to_value;
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn decimals_are_written_as_the_floats_that_were_sent(
            scaled in prop_oneof![any::<i64>().prop_map(|n| n >> 3), -9_999_999_i64..9_999_999, Just(10_i64.pow(15))],
            zeros in 0_u32..6,
        ) {
            let scaled = i128::from(scaled) / 10_i128.pow(zeros) * 10_i128.pow(zeros);
            let expected = serde_json::to_string(&scalar_to_value(decimal_scalar(scaled))).unwrap();
            prop_assert_eq!(written(|out| write_decimal(scaled, out)), expected);
        }

        #[test]
        fn texts_are_written_as_the_library_does(text in "[a-zé\\\\\"\u{0}-\u{20}\u{7f}]{0,40}") {
            let expected = serde_json::to_string(&Value::text(&text)).unwrap();
            prop_assert_eq!(written(|out| write_text(&text, out)), expected);
        }
    }
}
