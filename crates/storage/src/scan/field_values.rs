//! The values of one field in the rows of a chunk, wherever they lie.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int32Type};
use vigie_domain::event::{for_each_scalar, pseudo_fields};
use vigie_domain::query::Scalar;
use vigie_domain::{EventId, Timestamp, Value, mapping};

use super::question::AskedOf;

use crate::chunk::column::scalar_at;
use crate::chunk::physical::canonical_of;
use crate::chunk::{Chunk, SourceReader, column_names, overflow};

/// Values of a field.
pub struct FieldValues<'a> {
    chunk: &'a Chunk,
    place: Place<'a>,
    /// What stands for values in rows that have none.
    missing: Option<&'a Value>,
}

enum Place<'a> {
    Timestamp,
    IngestedAt,
    Id,
    LogType,
    Columns { columns: Vec<&'a ArrayRef>, overflow: HashMap<usize, Vec<Value>> },
}

impl<'a> FieldValues<'a> {
    /// The values of the field with this canonical name.
    pub fn new(chunk: &'a Chunk, field: &str) -> Self {
        let place = match field {
            pseudo_fields::TIMESTAMP => Place::Timestamp,
            pseudo_fields::INGESTED_AT => Place::IngestedAt,
            pseudo_fields::ID => Place::Id,
            pseudo_fields::LOG_TYPE => Place::LogType,
            _ => Place::Columns { columns: columns_of(chunk, field), overflow: overflow_values(chunk, field) },
        };
        Self { chunk, place, missing: None }
    }

    /// The values that a question asks about: those of a hidden field are not there.
    pub fn asked(chunk: &'a Chunk, field: &'a AskedOf) -> Self {
        let hidden = || Place::Columns { columns: Vec::new(), overflow: HashMap::new() };
        let values = field.name.as_ref().map(|name| Self::new(chunk, name));
        let place = values.map_or_else(hidden, |values| values.place);
        Self { chunk, place, missing: field.missing.as_ref() }
    }

    /// The column of string codes that holds every value of the field, if there is such a one.
    pub fn as_codes(&self) -> Option<&'a arrow::array::DictionaryArray<Int32Type>> {
        let column = self.as_column()?;
        matches!(column.data_type(), DataType::Dictionary(..)).then(|| column.as_dictionary())
    }

    /// The only column that has values of the field, if there is one and nothing lies elsewhere.
    pub fn as_column(&self) -> Option<&'a ArrayRef> {
        match &self.place {
            Place::Columns { columns, overflow } if overflow.is_empty() => match columns.as_slice() {
                // A value is there for every row then, and nothing stands for it.
                [column] if self.missing.is_none() || column.logical_null_count() == 0 => Some(column),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether no row has a value.
    pub fn is_empty(&self) -> bool {
        let has_none =
            matches!(&self.place, Place::Columns { columns, overflow } if columns.is_empty() && overflow.is_empty());
        has_none && self.missing.is_none()
    }

    /// Calls `visit` with each value in the row.
    pub fn for_each(&self, row: usize, visit: &mut dyn FnMut(Scalar<'_>)) {
        let mut is_there = false;
        self.for_each_stored(row, &mut |scalar| {
            is_there = true;
            visit(scalar);
        });
        if let Some(missing) = self.missing.and_then(Scalar::from_value).filter(|_| !is_there) {
            visit(missing);
        }
    }

    fn for_each_stored(&self, row: usize, visit: &mut dyn FnMut(Scalar<'_>)) {
        let instant = |nanos: i64| Scalar::Instant(Timestamp::from_nanos(nanos));
        match &self.place {
            Place::Timestamp => visit(instant(self.chunk.timestamps()[row])),
            Place::IngestedAt => visit(instant(self.chunk.ingested_at()[row])),
            Place::LogType => visit(Scalar::Text(self.chunk.log_type.as_str())),
            Place::Id => match self.chunk.sender_id(row) {
                Some(id) => visit(Scalar::Text(id)),
                None => visit(Scalar::Text(&EventId::from_sequence(self.chunk.sequences()[row]).0)),
            },
            Place::Columns { columns, overflow } => {
                columns.iter().filter_map(|column| scalar_at(column.as_ref(), row)).for_each(&mut *visit);
                let overflowed = overflow.get(&row).map_or(&[][..], Vec::as_slice);
                overflowed.iter().filter_map(Scalar::from_value).for_each(visit);
            }
        }
    }
}

fn columns_of<'a>(chunk: &'a Chunk, field: &str) -> Vec<&'a ArrayRef> {
    let fields = chunk.batch.schema_ref().fields().iter().zip(chunk.batch.columns());
    fields
        .filter(|(column, _)| !column_names::is_own(column.name()) && canonical_of(column.name()) == field)
        .map(|(_, column)| column)
        .collect()
}

fn overflow_values(chunk: &Chunk, field: &str) -> HashMap<usize, Vec<Value>> {
    let mut values: HashMap<usize, Vec<Value>> = HashMap::new();
    if chunk.overflow_fields.may_hold(Some(field), &|name| name == field, chunk.batch.schema_ref()) {
        for_each_overflowed(chunk, &mut |row, canonical, value| {
            if canonical == field {
                values.entry(row).or_default().push(value.clone());
            }
        });
    }
    values
}

/// Calls `visit` with the row, the canonical field and the value of every scalar in the overflow column.
pub fn for_each_overflowed(chunk: &Chunk, visit: &mut dyn FnMut(usize, &str, &Value)) {
    let Some(cells) = chunk.column(column_names::OVERFLOW) else { return };
    let cells = cells.as_string::<i32>();
    let mut shapes = SourceReader::new(chunk);
    for row in (0..cells.len()).filter(|row| cells.is_valid(*row)) {
        let Some(shape) = shapes.shape(row) else { continue };
        for (place, value) in overflow::parse(cells.value(row)) {
            let Some(leaf) = shape.leaves.get(place) else { continue };
            for_each_scalar(&leaf.path.join("."), &value, &mut |path, scalar| {
                let canonical = mapping::canonical(path);
                if !pseudo_fields::is_pseudo(canonical) {
                    visit(row, canonical, scalar);
                }
            });
        }
    }
}
