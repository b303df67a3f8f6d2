//! Turns rows into columns: events of one day and log type into a chunk.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{Field, Schema};
use foldhash::fast::RandomState;
use vigie_domain::event::for_each_scalar;
use vigie_domain::event::pseudo_fields;
use vigie_domain::mapping::{self, FieldKind};
use vigie_domain::{Event, LogType, Value};

use super::column::ColumnBuilder;
use super::overflow::OverflowCell;
use super::physical::{Physical, place};
use super::shape::{Leaves, Shape, ShapeLeaf};
use super::{Chunk, column_names};

/// Columns that a chunk's fields may have; what exceeds it is kept in the overflow column.
pub const COLUMNS_MAX: usize = 1_000;

/// What is known of a leaf of a shape before its value is seen.
struct LeafPlan {
    /// Dotted path as sent.
    path: String,
    canonical: String,
    mapped: Option<FieldKind>,
    has_columns: bool,
    /// The column that took the last value: values of a leaf mostly have one type.
    last_column: Option<(Physical, usize)>,
}

/// A shape and where the values of its leaves go.
struct PlannedShape {
    shape: Shape,
    text: String,
    plans: Vec<LeafPlan>,
}

/// Collects events of one log type.
pub struct ChunkBuilder {
    log_type: LogType,
    rows: usize,
    timestamps: Vec<i64>,
    ingested_at: Vec<i64>,
    sequences: Vec<u64>,
    ids: Vec<Option<String>>,
    /// The number of each row's shape.
    shape_codes: Vec<i32>,
    shapes: Vec<PlannedShape>,
    /// Numbers of shapes by their hash; the few that share one are told apart by their names.
    shapes_by_hash: HashMap<u64, Vec<i32>, RandomState>,
    overflow: Vec<Option<String>>,
    overflow_fields: BTreeSet<String>,
    column_places: HashMap<String, usize, RandomState>,
    columns: Vec<(String, ColumnBuilder)>,
}

impl ChunkBuilder {
    /// An empty builder.
    pub fn new(log_type: LogType) -> Self {
        Self {
            log_type,
            rows: 0,
            timestamps: Vec::new(),
            ingested_at: Vec::new(),
            sequences: Vec::new(),
            ids: Vec::new(),
            shape_codes: Vec::new(),
            shapes: Vec::new(),
            shapes_by_hash: HashMap::default(),
            overflow: Vec::new(),
            overflow_fields: BTreeSet::new(),
            column_places: HashMap::default(),
            columns: Vec::new(),
        }
    }

    /// A chunk of these events and their sequence numbers.
    pub fn build<'a>(log_type: LogType, events: impl Iterator<Item = (u64, &'a Event)>) -> Chunk {
        let mut builder = Self::new(log_type);
        let mut leaves = Leaves::default();
        for (sequence, event) in events {
            leaves.read(event);
            builder.push(sequence, event, &leaves);
        }
        builder.finish()
    }

    fn push(&mut self, sequence: u64, event: &Event, leaves: &Leaves<'_>) {
        self.timestamps.push(event.timestamp.as_nanos());
        self.ingested_at.push(event.ingested_at.as_nanos());
        self.sequences.push(sequence);
        self.ids.push(event.id.as_ref().map(|id| id.0.clone()));
        let code = self.shape_of(leaves);
        self.shape_codes.push(code);
        let mut plans = std::mem::take(&mut self.shapes[code as usize].plans);
        let mut overflow = OverflowCell::default();
        for (place, (plan, value)) in plans.iter_mut().zip(&leaves.values).enumerate() {
            if !self.put(plan, value, event) {
                overflow.push(place, value);
                self.note_overflow(&plan.path, value);
            }
        }
        self.overflow.push(overflow.finish());
        self.shapes[code as usize].plans = plans;
        self.rows += 1;
    }

    /// The number of the shape that the leaves have.
    fn shape_of(&mut self, leaves: &Leaves<'_>) -> i32 {
        let hash = leaves.hash(self.shapes_by_hash.hasher());
        let known = self.shapes_by_hash.entry(hash).or_default();
        if let Some(code) = known.iter().find(|code| leaves.are_of(&self.shapes[**code as usize].shape)) {
            return *code;
        }
        let code = self.shapes.len() as i32;
        known.push(code);
        let text = leaves.shape_text();
        // What was just written as a shape is one.
        let shape = Shape::parse(&text).unwrap_or(Shape { leaves: Vec::new() });
        let plans = plan(&shape, self.log_type);
        self.shapes.push(PlannedShape { shape, text, plans });
        code
    }

    /// Puts the value where reading gives it back; `false` when only the overflow column can hold it.
    fn put(&mut self, plan: &mut LeafPlan, value: &Value, event: &Event) -> bool {
        if matches!(value, Value::Null) {
            // A leaf that would be derived must say that it was null.
            return plan.has_columns
                || !matches!(plan.canonical.as_str(), pseudo_fields::TIMESTAMP | pseudo_fields::LOG_TYPE);
        }
        if !plan.has_columns {
            return is_derived(&plan.canonical, value, event);
        }
        let Some((physical, cell)) = place(value, plan.mapped) else { return false };
        let Some(column) = self.column_for(plan, physical) else { return false };
        self.columns[column].1.set(self.rows, cell);
        true
    }

    fn column_for(&mut self, plan: &mut LeafPlan, physical: Physical) -> Option<usize> {
        if let Some((last, column)) = plan.last_column
            && last == physical
        {
            return Some(column);
        }
        let name = physical.column_name(&plan.canonical, plan.mapped);
        let column = match self.column_places.get(&name) {
            Some(column) => *column,
            None if self.columns.len() >= COLUMNS_MAX => return None,
            None => {
                self.columns.push((name.clone(), ColumnBuilder::new(physical)));
                self.column_places.insert(name, self.columns.len() - 1);
                self.columns.len() - 1
            }
        };
        plan.last_column = Some((physical, column));
        Some(column)
    }

    /// Fields are named by the path as sent, as queries see them: `app` is `service`, but `app.name` is itself.
    fn note_overflow(&mut self, path: &str, value: &Value) {
        for_each_scalar(path, value, &mut |path, _| {
            let field = mapping::canonical(path);
            if !pseudo_fields::is_pseudo(field) && !self.overflow_fields.contains(field) {
                self.overflow_fields.insert(field.to_owned());
            }
        });
    }

    fn finish(self) -> Chunk {
        let rows = self.rows;
        let mut fields = Vec::with_capacity(self.columns.len() + 6);
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.columns.len() + 6);
        let mut add = |name: &str, array: ArrayRef, is_nullable: bool| {
            fields.push(Field::new(name, array.data_type().clone(), is_nullable));
            arrays.push(array);
        };
        let instants = |nanos: Vec<i64>| Arc::new(TimestampNanosecondArray::from(nanos).with_timezone("UTC"));
        add(column_names::TIMESTAMP, instants(self.timestamps), false);
        add(column_names::SEQUENCE, Arc::new(UInt64Array::from(self.sequences)), false);
        add(column_names::INGESTED_AT, instants(self.ingested_at), false);
        add(column_names::SHAPE, shape_column(self.shape_codes, &self.shapes), false);
        if self.ids.iter().any(Option::is_some) {
            add(column_names::ID, Arc::new(StringArray::from(self.ids)), true);
        }
        if self.overflow.iter().any(Option::is_some) {
            add(column_names::OVERFLOW, Arc::new(StringArray::from(self.overflow)), true);
        }
        for (name, builder) in self.columns {
            add(&name, builder.finish(rows), true);
        }
        let batch = match RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays) {
            Ok(batch) => batch,
            Err(error) => unreachable!("columns of one chunk have one length: {error}"),
        };
        Chunk { log_type: self.log_type, batch, overflow_fields: Arc::new(self.overflow_fields) }
    }
}

fn plan(shape: &Shape, log_type: LogType) -> Vec<LeafPlan> {
    let plan = |leaf: &ShapeLeaf| LeafPlan {
        path: leaf.path.join("."),
        canonical: leaf.canonical.clone(),
        mapped: mapping::kind_in(log_type, &leaf.canonical),
        has_columns: leaf.has_columns,
        last_column: None,
    };
    shape.leaves.iter().map(plan).collect()
}

fn shape_column(codes: Vec<i32>, shapes: &[PlannedShape]) -> ArrayRef {
    let texts: StringArray = shapes.iter().map(|shape| Some(shape.text.as_str())).collect();
    match DictionaryArray::try_new(Int32Array::from(codes), Arc::new(texts)) {
        Ok(column) => Arc::new(column),
        Err(error) => unreachable!("every code is the number of a shape: {error}"),
    }
}

/// Whether the value follows from the event itself and needs no place: its time or its type.
fn is_derived(canonical: &str, value: &Value, event: &Event) -> bool {
    match (canonical, value) {
        (pseudo_fields::TIMESTAMP, Value::Text(text)) => event.timestamp.has_text(text),
        // The shape says in which unit; without one the number is something else.
        (pseudo_fields::TIMESTAMP, Value::Int(number)) => {
            super::shape::EpochUnit::of_instant(*number, event.timestamp).is_some()
        }
        (pseudo_fields::LOG_TYPE, Value::Text(text)) => text == event.log_type.as_str(),
        _ => false,
    }
}
