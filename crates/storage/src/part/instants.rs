//! Instants lie in a part in the coarsest unit that loses nothing: most senders write milliseconds, and a difference of
//! those takes a third of the bits of one in nanoseconds. In memory they are nanoseconds.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit, TimestampNanosecondType};
use arrow::error::ArrowError;

/// The coarsest unit in which every instant of the columns is whole; nanoseconds when there is none.
pub fn unit_of(columns: &[&ArrayRef]) -> TimeUnit {
    let is_whole_in = |nanos: i64| {
        let all_are = |column: &&ArrayRef| {
            column.as_primitive_opt::<TimestampNanosecondType>().is_some_and(|instants| {
                let mut valid = (0..instants.len()).filter(|row| instants.is_valid(*row));
                valid.all(|row| instants.value(row) % nanos == 0)
            })
        };
        columns.iter().all(all_are)
    };
    if is_whole_in(1_000_000) {
        TimeUnit::Millisecond
    } else if is_whole_in(1_000) {
        TimeUnit::Microsecond
    } else {
        TimeUnit::Nanosecond
    }
}

/// The finer of two units.
pub fn finer(left: TimeUnit, right: TimeUnit) -> TimeUnit {
    left.max(right)
}

/// The unit of a column's type, if it is one of instants.
pub fn unit_of_type(data_type: &DataType) -> Option<TimeUnit> {
    match data_type {
        DataType::Timestamp(unit, _) => Some(*unit),
        _ => None,
    }
}

/// The field in another unit; one that holds no instants stays as it is.
pub fn in_unit(field: &FieldRef, unit: TimeUnit) -> FieldRef {
    match field.data_type() {
        DataType::Timestamp(_, zone) => {
            Arc::new(Field::new(field.name(), DataType::Timestamp(unit, zone.clone()), field.is_nullable()))
        }
        _ => field.clone(),
    }
}

/// The batch with its instants in nanoseconds.
///
/// # Errors
/// When an instant lies beyond what nanoseconds reach: no part has one.
pub fn in_nanos(batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
    let is_other = |field: &FieldRef| unit_of_type(field.data_type()).is_some_and(|unit| unit != TimeUnit::Nanosecond);
    if !batch.schema_ref().fields().iter().any(is_other) {
        return Ok(batch);
    }
    let fields: Vec<FieldRef> =
        batch.schema_ref().fields().iter().map(|field| in_unit(field, TimeUnit::Nanosecond)).collect();
    let columns =
        batch.columns().iter().zip(&fields).map(|(column, field)| arrow::compute::cast(column, field.data_type()));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

#[cfg(test)]
mod tests {
    use arrow::array::TimestampNanosecondArray;

    use super::*;

    fn instants(nanos: Vec<Option<i64>>) -> ArrayRef {
        Arc::new(TimestampNanosecondArray::from(nanos).with_timezone("UTC"))
    }

    #[test]
    fn the_unit_is_the_coarsest_that_loses_nothing() {
        let check = |nanos: Vec<Option<i64>>, expected| assert_eq!(unit_of(&[&instants(nanos)]), expected);
        check(vec![Some(5_000_000), None, Some(-1_000_000)], TimeUnit::Millisecond);
        check(vec![Some(5_000_000), Some(1_000)], TimeUnit::Microsecond);
        check(vec![Some(i64::MAX)], TimeUnit::Nanosecond);
        assert_eq!(finer(TimeUnit::Millisecond, TimeUnit::Nanosecond), TimeUnit::Nanosecond);
    }

    #[test]
    fn instants_come_back_in_nanoseconds() {
        let array = instants(vec![Some(-3_000_000), None, Some(7_000_000)]);
        let millis =
            arrow::compute::cast(&array, &DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))).unwrap();
        let batch = RecordBatch::try_from_iter([("t", millis)]).unwrap();
        assert_eq!(in_nanos(batch).unwrap().column(0), &array);
    }
}
