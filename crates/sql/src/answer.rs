//! Batches of columns as rows of values.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimeUnit, TimestampNanosecondType,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result};
use vigie_domain::ports::{ScanStats, SqlAnswer, SqlColumn};
use vigie_domain::{Timestamp, Value};
use vigie_storage::TableSession;

/// An answer that grows batch by batch.
pub struct AnswerBuilder<'s> {
    columns: Vec<SqlColumn>,
    rows: Vec<Vec<Value>>,
    rows_max: usize,
    is_cut: bool,
    session: &'s TableSession,
    held: usize,
}

impl<'s> AnswerBuilder<'s> {
    /// Without a row.
    pub fn new(schema: &DFSchema, rows_max: usize, session: &'s TableSession) -> Self {
        let fields = schema.fields().iter();
        let column = |field: &Arc<arrow::datatypes::Field>| SqlColumn {
            name: field.name().clone(),
            type_name: type_name(field.data_type()),
        };
        Self { columns: fields.map(column).collect(), rows: Vec::new(), rows_max, is_cut: false, session, held: 0 }
    }

    /// Adds rows; `false` once there are as many as there may be.
    ///
    /// # Errors
    /// When too much would be held.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<bool> {
        let room = self.rows_max - self.rows.len();
        self.is_cut |= batch.num_rows() > room;
        let batch = batch.slice(0, batch.num_rows().min(room));
        let texts: usize = batch.columns().iter().map(text_bytes).sum();
        let bytes = texts.saturating_add(batch.num_rows() * batch.num_columns() * size_of::<Value>());
        self.session.grow(bytes).map_err(|error| DataFusionError::External(Box::new(error)))?;
        self.held += bytes;
        let first = self.rows.len();
        self.rows.extend((0..batch.num_rows()).map(|_| Vec::with_capacity(self.columns.len())));
        for column in batch.columns() {
            add_column(column, &mut self.rows[first..])?;
        }
        Ok(!self.is_cut)
    }

    /// The answer.
    pub fn finish(mut self, stats: ScanStats) -> SqlAnswer {
        let (columns, rows) = (std::mem::take(&mut self.columns), std::mem::take(&mut self.rows));
        SqlAnswer { columns, rows, is_cut: self.is_cut, stats }
    }
}

impl Drop for AnswerBuilder<'_> {
    fn drop(&mut self) {
        self.session.shrink(self.held);
    }
}

/// Bytes of the strings of a column, those in lists included.
fn text_bytes(column: &ArrayRef) -> usize {
    let sum = |lengths: &mut dyn Iterator<Item = Option<usize>>| -> usize { lengths.flatten().sum() };
    match column.data_type() {
        DataType::Utf8 => sum(&mut column.as_string::<i32>().iter().map(|text| text.map(str::len))),
        DataType::LargeUtf8 => sum(&mut column.as_string::<i64>().iter().map(|text| text.map(str::len))),
        DataType::Utf8View => sum(&mut column.as_string_view().iter().map(|text| text.map(str::len))),
        DataType::Dictionary(..) => match column.as_any_dictionary_opt() {
            Some(coded) if !coded.values().is_empty() => {
                let lengths: Vec<usize> =
                    (0..coded.values().len()).map(|at| text_bytes(&coded.values().slice(at, 1))).collect();
                let keys = coded.normalized_keys();
                (0..column.len()).filter(|row| column.is_valid(*row)).map(|row| lengths[keys[row]]).sum()
            }
            _ => 0,
        },
        DataType::List(_) => {
            let lists = column.as_list::<i32>();
            let (first, last) = (lists.value_offsets()[0] as usize, lists.value_offsets()[lists.len()] as usize);
            text_bytes(&lists.values().slice(first, last - first))
        }
        _ => 0,
    }
}

/// A type in the words of SQL.
fn type_name(data_type: &DataType) -> String {
    let name = match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "varchar",
        DataType::Int8 => "tinyint",
        DataType::Int16 => "smallint",
        DataType::Int32 => "integer",
        DataType::Int64 => "bigint",
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => "bigint unsigned",
        DataType::Float16 | DataType::Float32 => "real",
        DataType::Float64 => "double",
        DataType::Boolean => "boolean",
        DataType::Timestamp(..) => "timestamp",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Interval(_) | DataType::Duration(_) => "interval",
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            return format!("decimal({precision},{scale})");
        }
        DataType::Dictionary(_, values) => return type_name(values),
        DataType::List(item) | DataType::LargeList(item) => return format!("{}[]", type_name(item.data_type())),
        other => return other.to_string().to_lowercase(),
    };
    name.to_owned()
}

/// Adds the values of a column to rows.
fn add_column(column: &ArrayRef, rows: &mut [Vec<Value>]) -> Result<()> {
    let plain;
    let read: Box<dyn Fn(usize) -> Value + '_>;
    match column.data_type() {
        DataType::Boolean => read = Box::new(|row| Value::Bool(column.as_boolean().value(row))),
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32 => {
            plain = cast(column, &DataType::Int64)?;
            read = Box::new(|row| Value::Int(plain.as_primitive::<Int64Type>().value(row)));
        }
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            plain = cast(column, &DataType::Float64)?;
            // What is no number is null, as in JSON.
            read = Box::new(|row| Value::number(plain.as_primitive::<Float64Type>().value(row)).unwrap_or(Value::Null));
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => {
            plain = cast(column, &DataType::Utf8View)?;
            read = Box::new(|row| Value::text(plain.as_string_view().value(row)));
        }
        DataType::Decimal128(..) => {
            let numbers = column.as_primitive::<Decimal128Type>();
            read = Box::new(|row| decimal(&numbers.value_as_string(row)));
        }
        DataType::Timestamp(..) => {
            plain = cast(column, &DataType::Timestamp(TimeUnit::Nanosecond, None))?;
            read = Box::new(|row| {
                let nanos = plain.as_primitive::<TimestampNanosecondType>().value(row);
                Value::text(Timestamp::from_nanos(nanos).to_string())
            });
        }
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>();
            read = Box::new(|row| Value::text(vigie_domain::Day(days.value(row)).to_string().replace('.', "-")));
        }
        DataType::List(_) => {
            let lists = column.as_list::<i32>();
            for (row, values) in rows.iter_mut().enumerate() {
                row_of_list(lists.is_valid(row).then(|| lists.value(row)), values)?;
            }
            return Ok(());
        }
        _ => {
            let options = FormatOptions::default();
            let shown = ArrayFormatter::try_new(column.as_ref(), &options)?;
            read = Box::new(move |row| Value::text(shown.value(row).to_string()));
        }
    }
    for (row, values) in rows.iter_mut().enumerate() {
        values.push(if column.is_null(row) { Value::Null } else { read(row) });
    }
    Ok(())
}

fn row_of_list(items: Option<ArrayRef>, row: &mut Vec<Value>) -> Result<()> {
    let Some(items) = items else {
        row.push(Value::Null);
        return Ok(());
    };
    let mut inner: Vec<Vec<Value>> = vec![Vec::new(); items.len()];
    add_column(&items, &mut inner)?;
    row.push(Value::List(inner.into_iter().flatten().collect()));
    Ok(())
}

/// The number that a decimal's text says: whole ones exactly, others the nearest float.
fn decimal(text: &str) -> Value {
    let whole = text
        .split_once('.')
        .map_or(Some(text), |(whole, rest)| rest.chars().all(|digit| digit == '0').then_some(whole));
    match whole.and_then(|whole| whole.parse().ok()) {
        Some(number) => Value::Int(number),
        None => text.parse().ok().and_then(Value::number).unwrap_or(Value::Null),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_numbers() {
        assert_eq!(decimal("12.3400"), Value::Float(12.34));
        assert_eq!(decimal("-3.0000"), Value::Int(-3));
        assert_eq!(decimal("9007199254740993.0000"), Value::Int(9_007_199_254_740_993), "exact beyond floats");
        assert_eq!(decimal("0.0001"), Value::Float(0.0001));
    }

    #[test]
    fn types_have_names_of_sql() {
        assert_eq!(type_name(&DataType::Utf8View), "varchar");
        assert_eq!(type_name(&DataType::Decimal128(18, 4)), "decimal(18,4)");
        let items = Arc::new(arrow::datatypes::Field::new("item", DataType::Int64, true));
        assert_eq!(type_name(&DataType::List(items)), "bigint[]");
    }
}
