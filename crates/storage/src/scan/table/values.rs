//! The values of a field in some rows as one column of the table's type.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Decimal128Builder, Float64Builder, Int64Builder, StringViewBuilder,
    TimestampNanosecondBuilder, new_null_array,
};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use vigie_domain::mapping::FieldKind;
use vigie_domain::query::Scalar;

use super::TableColumn;
use crate::chunk::Chunk;
use crate::chunk::column::decimal_to_f64;
use crate::chunk::physical::{DECIMAL_PRECISION, DECIMAL_UNIT, EXACT_MAX};
use crate::error::StorageError;
use crate::scan::field_values::FieldValues;

/// The column of the chunk's rows. Of several values in a row it has the first; one that its type cannot hold is null.
///
/// # Errors
/// When Arrow cannot convert a column.
pub fn column_of(chunk: &Chunk, column: &TableColumn) -> Result<ArrayRef, StorageError> {
    let values = FieldValues::new(chunk, &column.field);
    if values.is_empty() {
        return Ok(new_null_array(&column.data_type(), chunk.rows()));
    }
    if let Some(own) = values.as_column()
        && let Some(converted) = convert(own, column)?
    {
        return Ok(converted);
    }
    Ok(row_by_row(&values, chunk.rows(), column))
}

/// The whole column as the type wanted, where that changes no value.
fn convert(own: &ArrayRef, column: &TableColumn) -> Result<Option<ArrayRef>, StorageError> {
    let wanted = column.data_type();
    Ok(match (own.data_type(), &wanted) {
        (DataType::Dictionary(..) | DataType::Utf8, DataType::Utf8View) => Some(arrow::compute::cast(own, &wanted)?),
        (own_type, wanted) if own_type == wanted => Some(own.clone()),
        (DataType::Int64, DataType::Float64) => {
            let numbers = own.as_primitive::<Int64Type>();
            Some(Arc::new(numbers.unary::<_, Float64Type>(|number| number as f64)))
        }
        (DataType::Decimal128(..), DataType::Float64) => {
            let numbers = own.as_primitive::<Decimal128Type>();
            Some(Arc::new(numbers.unary::<_, Float64Type>(decimal_to_f64)))
        }
        _ => None,
    })
}

macro_rules! build {
    ($values:expr, $rows:expr, $builder:expr, $read:expr) => {{
        let mut builder = $builder;
        for row in 0..$rows {
            let mut found = None;
            $values.for_each(row, &mut |scalar| {
                if found.is_none() {
                    found = $read(scalar);
                }
            });
            builder.append_option(found);
        }
        Arc::new(builder.finish())
    }};
}

fn row_by_row(values: &FieldValues<'_>, rows: usize, column: &TableColumn) -> ArrayRef {
    match column.kind {
        FieldKind::Keyword | FieldKind::Text | FieldKind::Ip => {
            build!(values, rows, StringViewBuilder::with_capacity(rows), text_of)
        }
        FieldKind::Int => build!(values, rows, Int64Builder::with_capacity(rows), int_of),
        FieldKind::Float => build!(values, rows, Float64Builder::with_capacity(rows), float_of),
        FieldKind::Decimal => {
            let builder = Decimal128Builder::with_capacity(rows).with_data_type(column.data_type());
            build!(values, rows, builder, decimal_of)
        }
        FieldKind::Bool => build!(values, rows, BooleanBuilder::with_capacity(rows), bool_of),
        FieldKind::Instant => {
            let builder = TimestampNanosecondBuilder::with_capacity(rows).with_timezone("UTC");
            build!(values, rows, builder, nanos_of)
        }
    }
}

/// As the query language reads it.
fn text_of(scalar: Scalar<'_>) -> Option<String> {
    Some(match scalar {
        Scalar::Bool(flag) => flag.to_string(),
        Scalar::Int(number) => number.to_string(),
        Scalar::Float(number) => number.to_string(),
        Scalar::BigNumber(text) | Scalar::Text(text) => text.to_owned(),
        Scalar::Instant(instant) => instant.to_string(),
    })
}

const fn bool_of(scalar: Scalar<'_>) -> Option<bool> {
    match scalar {
        Scalar::Bool(flag) => Some(flag),
        _ => None,
    }
}

const fn nanos_of(scalar: Scalar<'_>) -> Option<i64> {
    match scalar {
        Scalar::Instant(instant) => Some(instant.as_nanos()),
        _ => None,
    }
}

const fn int_of(scalar: Scalar<'_>) -> Option<i64> {
    match scalar {
        Scalar::Int(number) => Some(number),
        _ => None,
    }
}

fn float_of(scalar: Scalar<'_>) -> Option<f64> {
    match scalar {
        Scalar::Int(number) => Some(number as f64),
        Scalar::Float(number) => Some(number),
        Scalar::BigNumber(literal) => literal.parse().ok().filter(|number: &f64| number.is_finite()),
        Scalar::Bool(_) | Scalar::Text(_) | Scalar::Instant(_) => None,
    }
}

fn decimal_of(scalar: Scalar<'_>) -> Option<i128> {
    match scalar {
        Scalar::Int(number) => i128::from(number)
            .checked_mul(DECIMAL_UNIT as i128)
            .filter(|scaled| scaled.unsigned_abs() < 10_u128.pow(u32::from(DECIMAL_PRECISION))),
        Scalar::Float(number) => {
            let scaled = (number * DECIMAL_UNIT).round();
            (scaled.abs() < EXACT_MAX as f64).then_some(scaled as i128)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_the_type_cannot_hold_is_null() {
        assert_eq!(decimal_of(Scalar::Int(3)), Some(30_000));
        assert_eq!(decimal_of(Scalar::Int(i64::MAX)), None);
        assert_eq!(decimal_of(Scalar::Float(0.123_45)), Some(1_235), "rounded to four digits");
        assert_eq!(decimal_of(Scalar::Float(1e300)), None);
        assert_eq!(int_of(Scalar::Float(0.5)), None);
        assert_eq!(float_of(Scalar::BigNumber("18446744073709551615")), Some(18_446_744_073_709_551_615.0));
        assert_eq!(float_of(Scalar::Text("5")), None);
        assert_eq!(text_of(Scalar::Float(0.5)).as_deref(), Some("0.5"));
    }
}
