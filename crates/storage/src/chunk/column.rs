//! One column under construction, and reading a scalar out of a finished one.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayBuilder, ArrayRef, AsArray, BooleanBuilder, Decimal128Builder, DictionaryArray, Float64Builder,
    Int64Builder, StringBuilder, StringDictionaryBuilder, TimestampNanosecondBuilder,
};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampNanosecondType};
use vigie_domain::query::Scalar;
use vigie_domain::{Timestamp, Value};

use super::physical::{Cell, DECIMAL_PRECISION, DECIMAL_SCALE, DECIMAL_UNIT, Physical};

/// A column that grows row by row; rows without a value are null.
pub enum ColumnBuilder {
    /// Of bools.
    Bool(BooleanBuilder),
    /// Of integers.
    Int(Int64Builder),
    /// Of floats.
    Float(Float64Builder),
    /// Of decimals.
    Decimal(Decimal128Builder),
    /// Of instants.
    Instant(TimestampNanosecondBuilder),
    /// Of strings.
    Text(TextBuilder),
}

/// A column of strings: codes of a dictionary as long as they repeat.
pub struct TextBuilder {
    values: TextValues,
    capacity: usize,
}

enum TextValues {
    Codes(Box<StringDictionaryBuilder<Int32Type>>),
    Plain(Box<StringBuilder>),
}

/// Room for values of a dictionary, in values and bytes.
const DICTIONARY_CAPACITY: (usize, usize) = (16, 256);

/// Values after which a column that hardly repeats gives up its dictionary.
const CODES_TRIED: usize = 256;

impl TextBuilder {
    fn new(capacity: usize) -> Self {
        let (values, bytes) = DICTIONARY_CAPACITY;
        let codes = StringDictionaryBuilder::with_capacity(capacity, values, bytes);
        Self { values: TextValues::Codes(Box::new(codes)), capacity }
    }

    fn len(&self) -> usize {
        match &self.values {
            TextValues::Codes(builder) => builder.len(),
            TextValues::Plain(builder) => builder.len(),
        }
    }

    fn append_null(&mut self) {
        match &mut self.values {
            TextValues::Codes(builder) => builder.append_null(),
            TextValues::Plain(builder) => builder.append_null(),
        }
    }

    fn append_value(&mut self, text: &str) {
        match &mut self.values {
            TextValues::Plain(builder) => builder.append_value(text),
            TextValues::Codes(builder) => {
                // As many codes as half of the values: see the same rule for parts.
                let code = builder.append(text).unwrap_or_default();
                if code as usize == CODES_TRIED && builder.len() < 2 * CODES_TRIED {
                    let plain = plain_of(&builder.finish(), self.capacity);
                    self.values = TextValues::Plain(Box::new(plain));
                }
            }
        }
    }

    fn finish(self) -> ArrayRef {
        match self.values {
            TextValues::Codes(mut builder) => Arc::new(builder.finish()),
            TextValues::Plain(mut builder) => {
                let mut column = builder.finish();
                column.shrink_to_fit();
                Arc::new(column)
            }
        }
    }
}

/// The strings themselves, and room for as many more as there will be if they go on as they began.
fn plain_of(codes: &DictionaryArray<Int32Type>, capacity: usize) -> StringBuilder {
    let values = codes.values().as_string::<i32>();
    let bytes_each = values.value_data().len().div_ceil(values.len().max(1));
    let mut plain = StringBuilder::with_capacity(capacity, bytes_each * capacity);
    codes.keys_iter().for_each(|code| plain.append_option(code.map(|code| values.value(code))));
    plain
}

macro_rules! with_builder {
    ($self:expr, $builder:ident => $body:expr) => {
        match $self {
            Self::Bool($builder) => $body,
            Self::Int($builder) => $body,
            Self::Float($builder) => $body,
            Self::Decimal($builder) => $body,
            Self::Instant($builder) => $body,
            Self::Text($builder) => $body,
        }
    };
}

impl ColumnBuilder {
    /// An empty column of this type for so many rows.
    pub fn new(physical: Physical, capacity: usize) -> Self {
        match physical {
            Physical::Bool => Self::Bool(BooleanBuilder::with_capacity(capacity)),
            Physical::Int => Self::Int(Int64Builder::with_capacity(capacity)),
            Physical::Float => Self::Float(Float64Builder::with_capacity(capacity)),
            Physical::Decimal => Self::Decimal(
                Decimal128Builder::with_capacity(capacity)
                    .with_data_type(DataType::Decimal128(DECIMAL_PRECISION, DECIMAL_SCALE)),
            ),
            Physical::Instant => {
                Self::Instant(TimestampNanosecondBuilder::with_capacity(capacity).with_timezone("UTC"))
            }
            Physical::Text => Self::Text(TextBuilder::new(capacity)),
        }
    }

    fn len(&self) -> usize {
        with_builder!(self, builder => builder.len())
    }

    fn pad_to(&mut self, rows: usize) {
        let missing = rows.saturating_sub(self.len());
        for _ in 0..missing {
            with_builder!(self, builder => builder.append_null());
        }
    }

    /// Puts the value into `row`; every row before it that has none becomes null.
    ///
    /// A cell of another type than the column's leaves it null: callers look columns up by type.
    pub fn set(&mut self, row: usize, cell: Cell<'_>) {
        self.pad_to(row);
        match (self, cell) {
            (Self::Bool(builder), Cell::Bool(flag)) => builder.append_value(flag),
            (Self::Int(builder), Cell::Int(number)) => builder.append_value(number),
            (Self::Float(builder), Cell::Float(number)) => builder.append_value(number),
            (Self::Decimal(builder), Cell::Decimal(number)) => builder.append_value(i128::from(number)),
            (Self::Instant(builder), Cell::Instant(instant)) => builder.append_value(instant.as_nanos()),
            (Self::Text(builder), Cell::Text(text)) => builder.append_value(text),
            (builder, _) => builder.pad_to(row + 1),
        }
    }

    /// The finished column of so many rows.
    pub fn finish(mut self, rows: usize) -> ArrayRef {
        self.pad_to(rows);
        match self {
            Self::Bool(mut builder) => Arc::new(builder.finish()),
            Self::Int(mut builder) => Arc::new(builder.finish()),
            Self::Float(mut builder) => Arc::new(builder.finish()),
            Self::Decimal(mut builder) => Arc::new(builder.finish()),
            Self::Instant(mut builder) => Arc::new(builder.finish()),
            Self::Text(builder) => builder.finish(),
        }
    }
}

/// The scalar in a row of a field's column; `None` for null and for types that no field column has.
pub fn scalar_at(column: &dyn Array, row: usize) -> Option<Scalar<'_>> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Boolean => Scalar::Bool(column.as_boolean().value(row)),
        DataType::Int64 => Scalar::Int(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => number_scalar(column.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(..) => decimal_scalar(column.as_primitive::<Decimal128Type>().value(row)),
        DataType::Timestamp(..) => {
            Scalar::Instant(Timestamp::from_nanos(column.as_primitive::<TimestampNanosecondType>().value(row)))
        }
        DataType::Dictionary(..) => {
            let dictionary = column.as_dictionary::<Int32Type>();
            let code = dictionary.keys().value(row) as usize;
            Scalar::Text(dictionary.values().as_string::<i32>().value(code))
        }
        DataType::Utf8 => Scalar::Text(column.as_string::<i32>().value(row)),
        _ => return None,
    })
}

/// A number in its one form: whole numbers are integers.
pub fn number_scalar<'a>(number: f64) -> Scalar<'a> {
    match Value::number(number) {
        Some(Value::Int(whole)) => Scalar::Int(whole),
        _ => Scalar::Float(number),
    }
}

/// A decimal column's number in its one form.
pub fn decimal_scalar<'a>(scaled: i128) -> Scalar<'a> {
    number_scalar(decimal_to_f64(scaled))
}

/// The float nearest to a decimal column's number: the one that was sent.
pub fn decimal_to_f64(scaled: i128) -> f64 {
    // The processor has an instruction for 64 bits, which nearly every amount fits into.
    let scaled = i64::try_from(scaled).map_or_else(|_| scaled as f64, |scaled| scaled as f64);
    scaled / DECIMAL_UNIT
}

/// A scalar as an event's value; instants in their canonical text.
pub fn scalar_to_value(scalar: Scalar<'_>) -> Value {
    match scalar {
        Scalar::Bool(flag) => Value::Bool(flag),
        Scalar::Int(number) => Value::Int(number),
        Scalar::Float(number) => Value::Float(number),
        Scalar::BigNumber(literal) => Value::BigNumber(literal.to_owned()),
        Scalar::Text(text) => Value::text(text),
        Scalar::Instant(instant) => Value::text(instant.to_string()),
    }
}
