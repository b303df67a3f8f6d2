//! Rebuilds what was sent, `_source`, from the columns, the shape and the overflow.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Int32Type;
use vigie_domain::event::pseudo_fields;
use vigie_domain::event_batch::insert_leaf;
use vigie_domain::ports::Fields;
use vigie_domain::{Object, Timestamp, Value};

use super::column::{scalar_at, scalar_to_value};
use super::physical::canonical_of;
use super::shape::{OWN_SHAPE, Shape, ShapeLeaf};
use super::{Chunk, column_names, overflow};

/// Reads the sources of a chunk that has all columns of the fields that are needed.
pub struct SourceReader<'a> {
    chunk: &'a Chunk,
    fields: &'a Fields,
    columns: HashMap<&'a str, Vec<&'a ArrayRef>>,
    shapes: HashMap<i32, Arc<Shape>>,
    /// Of shapes that events share, which leaves are needed.
    needed: HashMap<i32, Arc<[bool]>>,
}

impl<'a> SourceReader<'a> {
    /// A reader of the whole events of the chunk.
    pub fn new(chunk: &'a Chunk) -> Self {
        Self::of_fields(chunk, &Fields::All)
    }

    /// A reader of these fields.
    pub fn of_fields(chunk: &'a Chunk, fields: &'a Fields) -> Self {
        let mut columns: HashMap<&str, Vec<&ArrayRef>> = HashMap::new();
        for (field, column) in chunk.batch.schema_ref().fields().iter().zip(chunk.batch.columns()) {
            if !column_names::is_own(field.name()) {
                columns.entry(canonical_of(field.name())).or_default().push(column);
            }
        }
        Self { chunk, fields, columns, shapes: HashMap::new(), needed: HashMap::new() }
    }

    /// What was sent for the event in this row; damaged shapes give an empty object.
    pub fn source(&mut self, row: usize) -> Object {
        let Some(shape) = self.shape(row) else { return Object::new() };
        let needed = self.needed(&shape, row);
        let overflow = overflow_of(self.chunk, row);
        let mut source = Object::new();
        let mut overflow = overflow.into_iter().peekable();
        for (place, leaf) in shape.leaves.iter().enumerate() {
            let overflowed = overflow.next_if(|(overflowed, _)| *overflowed == place);
            if !needed.as_ref().is_none_or(|needed| needed[place]) {
                continue;
            }
            let value = overflowed.map_or_else(|| self.value(leaf, row), |(_, value)| value);
            if let Some((name, above)) = leaf.path.split_last() {
                insert_leaf(&mut source, above, name, value);
            }
        }
        source
    }

    /// The same for all events of one shape, of which each has its number in the chunk.
    fn shape_code(&self, row: usize) -> Option<i32> {
        Some(self.chunk.column(column_names::SHAPE)?.as_dictionary::<Int32Type>().keys().value(row))
    }

    /// Whether the shape of the event in this row is not shared: the overflow column has it.
    pub fn has_own_shape(&self, row: usize) -> bool {
        self.shape_code(row).and_then(|code| self.shape_text(code)) == Some(OWN_SHAPE)
    }

    fn shape_text(&self, code: i32) -> Option<&'a str> {
        let shapes = self.chunk.column(column_names::SHAPE)?.as_dictionary::<Int32Type>();
        Some(shapes.values().as_string::<i32>().value(code as usize))
    }

    /// The columns of a field, by its canonical name.
    pub fn columns_of(&self, canonical: &str) -> &[&'a ArrayRef] {
        self.columns.get(canonical).map_or(&[][..], Vec::as_slice)
    }

    /// The shape of the event in this row.
    pub fn shape(&mut self, row: usize) -> Option<Arc<Shape>> {
        let code = self.shape_code(row)?;
        if let Some(shape) = self.shapes.get(&code) {
            return Some(shape.clone());
        }
        let text = self.shape_text(code)?;
        if text == OWN_SHAPE {
            return Some(Arc::new(Shape::parse(&overflow::shape_of(overflow_cell(self.chunk, row)?)?)?));
        }
        let shape = Arc::new(Shape::parse(text)?);
        self.shapes.insert(code, shape.clone());
        Some(shape)
    }

    /// Which leaves of the event in this row are needed; `None` for all.
    fn needed(&mut self, shape: &Shape, row: usize) -> Option<Arc<[bool]>> {
        if *self.fields == Fields::All {
            return None;
        }
        let needed = || shape.leaves.iter().map(|leaf| self.fields.has(&leaf.canonical)).collect();
        let code = self.shape_code(row).filter(|_| !self.has_own_shape(row));
        Some(match code {
            Some(code) => self.needed.entry(code).or_insert_with(needed).clone(),
            None => needed(),
        })
    }

    fn value(&self, leaf: &ShapeLeaf, row: usize) -> Value {
        let timestamp = || Timestamp::from_nanos(self.chunk.timestamps()[row]);
        if let Some(unit) = leaf.epoch {
            return Value::Int(unit.number(timestamp()));
        }
        if leaf.has_columns {
            let scalar = self.columns_of(&leaf.canonical).iter().find_map(|column| scalar_at(column.as_ref(), row));
            return scalar.map_or(Value::Null, scalar_to_value);
        }
        match leaf.canonical.as_str() {
            pseudo_fields::TIMESTAMP => Value::text(timestamp().to_string()),
            pseudo_fields::LOG_TYPE => Value::text(self.chunk.log_type.as_str()),
            _ => Value::Null,
        }
    }
}

/// What the overflow column holds for the event in this row, in the order of its shape.
fn overflow_of(chunk: &Chunk, row: usize) -> Vec<(usize, Value)> {
    overflow_cell(chunk, row).map_or_else(Vec::new, overflow::parse)
}

fn overflow_cell(chunk: &Chunk, row: usize) -> Option<&str> {
    let cells = chunk.column(column_names::OVERFLOW)?.as_string::<i32>();
    cells.is_valid(row).then(|| cells.value(row))
}

#[cfg(test)]
mod tests {
    use vigie_domain::{Event, EventBatch, LogType};

    use super::*;
    use crate::chunk::{ChunkBuilder, IndexColumns};

    fn check(json: &str) {
        let Ok(Value::Object(body)) = serde_json::from_str::<Value>(json) else { panic!("no object") };
        let timestamp = Timestamp::from_millis(1_795_442_645_678);
        let event =
            Event { id: None, timestamp, ingested_at: timestamp, log_type: LogType::Transaction, body: body.clone() };
        let batch = EventBatch::from(vec![event.clone(), event]);
        let chunk = ChunkBuilder::build(LogType::Transaction, (1..).zip(batch.rows()), &IndexColumns::default());
        let mut reader = SourceReader::new(&chunk);
        assert_eq!(reader.source(0), body, "{json}");
        assert_eq!(reader.source(1), body, "{json}");
    }

    #[test]
    fn sources_come_back_exactly() {
        check(r#"{"a":{"b":1,"c":{"d":null}},"a.b":3,"e":[],"f":{},"g":[1,{"x":2.5}]}"#);
        check(r#"{"amount":12.34,"quantity":2,"status":"completed","message":"é","ok":true}"#);
        check(r#"{"amount":"abc","x":18446744073709551615,"y":0.123456789}"#);
        check(r#"{"@timestamp":"2026-11-23T14:04:05.678Z","log_type":"transaction","ts":1795442645678}"#);
        check(r#"{"@timestamp":"2026-11-23 14:04","log_type":"Transaction","time":5}"#);
        check(r#"{"service":null,"app":"cart","application":"x"}"#);
        check(r#"{"_seq":1,"_shape":"x","a#int":"t","a":5,"":1}"#);
        check(r#"{"a":{"x":1},"a":{"y":2},"b":{"x":1},"c":1,"b":{"z":1}}"#);
        check(r#"{"event":{"ts":1795442645678,"time":1795442645678},"time":1795442645678}"#);
        check("{}");
    }
}
