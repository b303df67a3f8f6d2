//! One cell of an Arrow array as a value, exact: decimals keep their digits, instants become their canonical text.

use arrow::array::{Array, ArrayRef, AsArray, MapArray, StructArray};
use arrow::datatypes::{
    DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use vigie_domain::time::NANOS_PER_SECOND;
use vigie_domain::{Timestamp, Value};

use super::number::number_from_literal;

/// The value of a cell; `None` when it is null or not a number.
pub(super) fn value_at(array: &ArrayRef, row: usize) -> Result<Option<Value>, String> {
    if array.is_null(row) {
        return Ok(None);
    }
    let value = match array.data_type() {
        DataType::Null => return Ok(None),
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Int8 => Value::Int(array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => Value::Int(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => Value::Int(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Value::Int(array.as_primitive::<Int64Type>().value(row)),
        DataType::UInt8 => Value::Int(array.as_primitive::<UInt8Type>().value(row).into()),
        DataType::UInt16 => Value::Int(array.as_primitive::<UInt16Type>().value(row).into()),
        DataType::UInt32 => Value::Int(array.as_primitive::<UInt32Type>().value(row).into()),
        DataType::UInt64 => return Ok(number_from_literal(&array.as_primitive::<UInt64Type>().value(row).to_string())),
        // By way of its shortest text: 0.1 in 32 bits is meant as 0.1.
        DataType::Float32 => {
            let number = array.as_primitive::<Float32Type>().value(row);
            return Ok(number.to_string().parse().ok().and_then(float));
        }
        DataType::Float64 => return Ok(float(array.as_primitive::<Float64Type>().value(row))),
        DataType::Utf8 => Value::text(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Value::text(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Value::text(array.as_string_view().value(row)),
        DataType::Binary => bytes(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => bytes(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => bytes(array.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => bytes(array.as_fixed_size_binary().value(row)),
        DataType::Timestamp(unit, _) => instant(array, *unit, row)?,
        DataType::Decimal128(..) => {
            let literal = array.as_primitive::<Decimal128Type>().value_as_string(row);
            number_from_literal(&literal).unwrap_or(Value::text(literal))
        }
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal256(..) => {
            let literal = displayed(array, row)?;
            number_from_literal(&literal).unwrap_or(Value::text(literal))
        }
        DataType::Struct(_) => object(array.as_struct(), row)?,
        DataType::Map(..) => map(array.as_map(), row)?,
        DataType::List(_) => list(&array.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(row))?,
        DataType::FixedSizeList(..) => list(&array.as_fixed_size_list().value(row))?,
        // Dates, times of day, durations and whatever else Arrow knows: as it writes them.
        _ => Value::text(displayed(array, row)?),
    };
    Ok(Some(value))
}

/// What is not a number is how many tools write null.
fn float(number: f64) -> Option<Value> {
    match number {
        number if number.is_nan() => None,
        number if number.is_infinite() => Some(Value::text(if number > 0.0 { "Infinity" } else { "-Infinity" })),
        number => Value::number(number),
    }
}

fn bytes(bytes: &[u8]) -> Value {
    std::str::from_utf8(bytes)
        .map_or_else(|_| Value::text(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()), Value::text)
}

fn instant(array: &ArrayRef, unit: TimeUnit, row: usize) -> Result<Value, String> {
    let (count, nanos) = match unit {
        TimeUnit::Second => (array.as_primitive::<TimestampSecondType>().value(row), NANOS_PER_SECOND),
        TimeUnit::Millisecond => (array.as_primitive::<TimestampMillisecondType>().value(row), 1_000_000),
        TimeUnit::Microsecond => (array.as_primitive::<TimestampMicrosecondType>().value(row), 1_000),
        TimeUnit::Nanosecond => (array.as_primitive::<TimestampNanosecondType>().value(row), 1),
    };
    match count.checked_mul(nanos) {
        Some(nanos) => Ok(Value::text(Timestamp::from_nanos(nanos).to_string())),
        None => displayed(array, row).map(Value::text),
    }
}

fn displayed(array: &ArrayRef, row: usize) -> Result<String, String> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array, &options).map_err(|error| error.to_string())?;
    formatter.value(row).try_to_string().map_err(|error| error.to_string())
}

fn object(fields: &StructArray, row: usize) -> Result<Value, String> {
    let mut object = Vec::with_capacity(fields.num_columns());
    for (field, column) in fields.fields().iter().zip(fields.columns()) {
        if let Some(value) = value_at(column, row)? {
            object.push((field.name().into(), value));
        }
    }
    Ok(Value::Object(object))
}

fn map(map: &MapArray, row: usize) -> Result<Value, String> {
    let entries = map.value(row);
    let (keys, values) = (entries.column(0), entries.column(1));
    let mut object = Vec::with_capacity(entries.len());
    for entry in 0..entries.len() {
        if let Some(value) = value_at(values, entry)? {
            object.push((displayed(keys, entry)?.into(), value));
        }
    }
    Ok(Value::Object(object))
}

fn list(items: &ArrayRef) -> Result<Value, String> {
    let items = (0..items.len()).map(|row| Ok(value_at(items, row)?.unwrap_or(Value::Null)));
    items.collect::<Result<_, String>>().map(Value::List)
}
