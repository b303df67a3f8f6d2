//! Turns rows into columns: events of one day and log type into a chunk.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{Field, Schema};
use foldhash::fast::RandomState;
use vigie_domain::event::{for_each_scalar, pseudo_fields};
use vigie_domain::event_batch::{Layout, Row, ValueRef};
use vigie_domain::mapping::{self, FieldKind};
use vigie_domain::{LogType, Value};

use super::column::ColumnBuilder;
use super::overflow::OverflowCell;
use super::physical::{Physical, place};
use super::shape::{Epochs, Shape, ShapeLeaf, epochs_of, shape_text};
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
    layout: Arc<Layout>,
    epochs: Epochs,
    text: String,
    plans: Vec<LeafPlan>,
}

/// Collects events of one log type.
pub struct ChunkBuilder {
    log_type: LogType,
    rows: usize,
    capacity: usize,
    timestamps: Vec<i64>,
    ingested_at: Vec<i64>,
    sequences: Vec<u64>,
    ids: Vec<Option<String>>,
    /// The number of each row's shape.
    shape_codes: Vec<i32>,
    shapes: Vec<PlannedShape>,
    /// The shape of the row before: the next one mostly has it too.
    last_shape: usize,
    overflow: Vec<Option<String>>,
    overflow_fields: BTreeSet<String>,
    column_places: HashMap<String, usize, RandomState>,
    columns: Vec<(String, ColumnBuilder)>,
}

impl ChunkBuilder {
    /// An empty builder for so many rows: columns that take their size at once neither move nor leave room unused.
    fn new(log_type: LogType, capacity: usize) -> Self {
        Self {
            log_type,
            rows: 0,
            capacity,
            timestamps: Vec::with_capacity(capacity),
            ingested_at: Vec::with_capacity(capacity),
            sequences: Vec::with_capacity(capacity),
            ids: Vec::new(),
            shape_codes: Vec::with_capacity(capacity),
            shapes: Vec::new(),
            last_shape: 0,
            overflow: Vec::new(),
            overflow_fields: BTreeSet::new(),
            column_places: HashMap::default(),
            columns: Vec::new(),
        }
    }

    /// A chunk of these rows and their sequence numbers.
    pub fn build<'a>(log_type: LogType, rows: impl Iterator<Item = (u64, Row<'a>)>) -> Chunk {
        let mut builder = Self::new(log_type, rows.size_hint().0);
        let mut values = Vec::new();
        for (sequence, row) in rows {
            values.clear();
            values.extend(row.values());
            builder.push(sequence, &row, &values);
        }
        builder.finish()
    }

    fn push(&mut self, sequence: u64, row: &Row<'_>, values: &[ValueRef<'_>]) {
        self.timestamps.push(row.timestamp().as_nanos());
        self.ingested_at.push(row.ingested_at().as_nanos());
        self.sequences.push(sequence);
        if row.has_id() {
            self.ids.resize(self.rows, None);
            self.ids.push(row.id().map(str::to_owned));
        }
        let shape = self.shape_of(row, values);
        self.shape_codes.push(shape as i32);
        let mut plans = std::mem::take(&mut self.shapes[shape].plans);
        let mut overflow = OverflowCell::default();
        for (place, (plan, value)) in plans.iter_mut().zip(values).enumerate() {
            if !self.put(shape, place, plan, value) {
                let value = value.clone().into_value();
                overflow.push(place, &value);
                self.note_overflow(&plan.path, &value);
            }
        }
        if let Some(cell) = overflow.finish() {
            self.overflow.resize(self.rows, None);
            self.overflow.push(Some(cell));
        }
        self.shapes[shape].plans = plans;
        self.rows += 1;
    }

    /// The number of the shape that the row has.
    fn shape_of(&mut self, row: &Row<'_>, values: &[ValueRef<'_>]) -> usize {
        let (layout, epochs) = (row.layout(), epochs_of(row.layout(), values, row.timestamp()));
        let is_it = |shape: &PlannedShape| {
            shape.epochs == epochs && (Arc::ptr_eq(&shape.layout, layout) || shape.layout == *layout)
        };
        if self.shapes.get(self.last_shape).is_some_and(is_it) {
            return self.last_shape;
        }
        self.last_shape = self.shapes.iter().position(is_it).unwrap_or_else(|| {
            let text = shape_text(layout, &epochs);
            // What was just written as a shape is one.
            let shape = Shape::parse(&text).unwrap_or(Shape { leaves: Vec::new() });
            let plans = plan(&shape, self.log_type);
            self.shapes.push(PlannedShape { layout: layout.clone(), epochs, text, plans });
            self.shapes.len() - 1
        });
        self.last_shape
    }

    /// Puts the value where reading gives it back; `false` when only the overflow column can hold it.
    fn put(&mut self, shape: usize, place_in_shape: usize, plan: &mut LeafPlan, value: &ValueRef<'_>) -> bool {
        match value {
            // A leaf that would be derived must say that it was null.
            ValueRef::Null => {
                return plan.has_columns
                    || !matches!(plan.canonical.as_str(), pseudo_fields::TIMESTAMP | pseudo_fields::LOG_TYPE);
            }
            // They follow from the event itself and need no place.
            ValueRef::OwnTime(_) | ValueRef::OwnType(_) => return true,
            _ if !plan.has_columns => {
                return self.shapes[shape].epochs.iter().any(|(place, _)| *place == place_in_shape);
            }
            _ => {}
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
                self.columns.push((name.clone(), ColumnBuilder::new(physical, self.capacity)));
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

    fn finish(mut self) -> Chunk {
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
        if !self.ids.is_empty() {
            self.ids.resize(rows, None);
            add(column_names::ID, Arc::new(StringArray::from(self.ids)), true);
        }
        if !self.overflow.is_empty() {
            self.overflow.resize(rows, None);
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
