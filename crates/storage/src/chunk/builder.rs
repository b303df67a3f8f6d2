//! Turns rows into columns: events of one day and log type into a chunk.

use std::collections::HashMap;
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
use super::physical::{Physical, may_have_columns, place};
use super::shape::{Epochs, OWN_SHAPE, Shape, ShapeLeaf, epochs_of, shape_text};
use super::{Chunk, Exceeding, IndexColumns, OverflowFields, column_names};
use crate::part::hash_of;

/// Shapes that are planned at once; an event of another one has its shape in the overflow column.
const SHAPES_MAX: usize = 1_024;
/// Leaves of all of them.
const LEAVES_MAX: usize = 64 * 1_024;
/// Names above a leaf where objects are no longer taken apart, and the leaf's own.
const DEPTH_MAX: usize = 20;
/// Code of a row whose shape lies in the overflow column, until the column is finished.
const OWN_CODE: i32 = -1;

/// What is known of a leaf of a shape before its value is seen.
struct LeafPlan {
    /// Dotted path as sent.
    path: String,
    /// Names of the path.
    depth: usize,
    canonical: String,
    mapped: Option<FieldKind>,
    has_columns: bool,
    /// The column that took the last value, if the index has it: values of a leaf mostly have one type.
    last_column: Option<(Physical, Option<usize>)>,
}

/// A shape and where the values of its leaves go.
struct PlannedShape {
    layout: Arc<Layout>,
    epochs: Epochs,
    text: String,
    plans: Vec<LeafPlan>,
}

/// Collects events of one log type.
pub struct ChunkBuilder<'i> {
    log_type: LogType,
    index: &'i IndexColumns,
    rows: usize,
    capacity: usize,
    timestamps: Vec<i64>,
    ingested_at: Vec<i64>,
    sequences: Vec<u64>,
    ids: Vec<Option<String>>,
    /// The number of each row's shape, or `OWN_CODE`.
    shape_codes: Vec<i32>,
    shapes: Vec<PlannedShape>,
    /// Numbers of shapes by the hash of their layout.
    shape_numbers: HashMap<u64, Vec<usize>, RandomState>,
    leaf_count: usize,
    /// The shape of the row before: the next one mostly has it too.
    last_shape: usize,
    overflow: Vec<Option<String>>,
    overflow_fields: OverflowFields,
    exceeding: Exceeding,
    column_places: HashMap<String, usize, RandomState>,
    columns: Vec<(String, ColumnBuilder)>,
}

impl<'i> ChunkBuilder<'i> {
    /// An empty builder for so many rows: columns that take their size at once neither move nor leave room unused.
    fn new(log_type: LogType, capacity: usize, index: &'i IndexColumns) -> Self {
        Self {
            log_type,
            index,
            rows: 0,
            capacity,
            timestamps: Vec::with_capacity(capacity),
            ingested_at: Vec::with_capacity(capacity),
            sequences: Vec::with_capacity(capacity),
            ids: Vec::new(),
            shape_codes: Vec::with_capacity(capacity),
            shapes: Vec::new(),
            shape_numbers: HashMap::default(),
            leaf_count: 0,
            last_shape: 0,
            overflow: Vec::new(),
            overflow_fields: OverflowFields::default(),
            exceeding: Exceeding::default(),
            column_places: HashMap::default(),
            columns: Vec::new(),
        }
    }

    /// A chunk of these rows and their sequence numbers; `index` says which columns it may have.
    pub fn build<'a>(log_type: LogType, rows: impl Iterator<Item = (u64, Row<'a>)>, index: &'i IndexColumns) -> Chunk {
        let mut builder = Self::new(log_type, rows.size_hint().0, index);
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
        let mut overflow = OverflowCell::default();
        match self.shape_of(row, values) {
            Ok(shape) => {
                self.shape_codes.push(shape as i32);
                let mut plans = std::mem::take(&mut self.shapes[shape].plans);
                let epochs = std::mem::take(&mut self.shapes[shape].epochs);
                self.put_all(&mut plans, &epochs, values, &mut overflow);
                (self.shapes[shape].plans, self.shapes[shape].epochs) = (plans, epochs);
            }
            Err(mut own) => {
                self.shape_codes.push(OWN_CODE);
                overflow.set_shape(&own.text);
                self.put_all(&mut own.plans, &own.epochs, values, &mut overflow);
            }
        }
        if let Some(cell) = overflow.finish() {
            self.overflow.resize(self.rows, None);
            self.overflow.push(Some(cell));
        }
        self.rows += 1;
    }

    fn put_all(
        &mut self,
        plans: &mut [LeafPlan],
        epochs: &Epochs,
        values: &[ValueRef<'_>],
        overflow: &mut OverflowCell,
    ) {
        for (place, (plan, value)) in plans.iter_mut().zip(values).enumerate() {
            let is_epoch = || epochs.iter().any(|(epoch, _)| *epoch == place);
            if !self.put(plan, value, is_epoch) {
                let value = value.clone().into_value();
                overflow.push(place, &value);
                self.note_overflow(plan, &value);
            }
        }
    }

    /// The number of the shape that the row has; a shape that the row has alone when there is no room for more.
    fn shape_of(&mut self, row: &Row<'_>, values: &[ValueRef<'_>]) -> Result<usize, PlannedShape> {
        let layout = row.layout();
        let epochs = epochs_of(&layout, values, row.timestamp());
        let is_it = |shape: &PlannedShape| {
            shape.epochs == epochs && (Arc::ptr_eq(&shape.layout, &layout) || shape.layout == *layout)
        };
        if self.shapes.get(self.last_shape).is_some_and(is_it) {
            return Ok(self.last_shape);
        }
        let numbers = self.shape_numbers.get(&layout.hash()).map_or(&[][..], Vec::as_slice);
        if let Some(known) = numbers.iter().find(|number| is_it(&self.shapes[**number])) {
            self.last_shape = *known;
            return Ok(*known);
        }
        let text = shape_text(&layout, &epochs);
        // What was just written as a shape is one.
        let shape = Shape::parse(&text).unwrap_or(Shape { leaves: Vec::new() });
        let planned = PlannedShape { layout: Arc::clone(&layout), epochs, plans: plan(&shape, self.log_type), text };
        let leaf_count = self.leaf_count + planned.plans.len();
        let has_room = self.shapes.len() < SHAPES_MAX && leaf_count <= LEAVES_MAX;
        if !has_room || !self.index.admits_shape(hash_of(&planned.text)) {
            return Err(planned);
        }
        self.leaf_count = leaf_count;
        self.last_shape = self.shapes.len();
        self.shape_numbers.entry(layout.hash()).or_default().push(self.last_shape);
        self.shapes.push(planned);
        Ok(self.last_shape)
    }

    /// Puts the value where reading gives it back; `false` when only the overflow column can hold it.
    fn put(&mut self, plan: &mut LeafPlan, value: &ValueRef<'_>, is_epoch: impl FnOnce() -> bool) -> bool {
        match value {
            // A leaf that would be derived must say that it was null.
            ValueRef::Null => {
                return plan.has_columns
                    || !matches!(plan.canonical.as_str(), pseudo_fields::TIMESTAMP | pseudo_fields::LOG_TYPE);
            }
            // They follow from the event itself and need no place.
            ValueRef::OwnTime(_) | ValueRef::OwnType(_) => return true,
            _ if !plan.has_columns => return is_epoch(),
            _ => {}
        }
        let Some((physical, cell)) = place(value, plan.mapped) else {
            self.exceeding.depth +=
                u64::from(plan.depth == DEPTH_MAX && matches!(value, ValueRef::Tree(Value::Object(_))));
            return false;
        };
        let Some(column) = self.column_for(plan, physical) else {
            self.exceeding.columns += 1;
            return false;
        };
        self.columns[column].1.set(self.rows, cell);
        true
    }

    /// `None` when the index has as many columns as it may and this is none of them.
    fn column_for(&mut self, plan: &mut LeafPlan, physical: Physical) -> Option<usize> {
        if let Some((last, column)) = plan.last_column
            && last == physical
        {
            return column;
        }
        let name = physical.column_name(&plan.canonical, plan.mapped);
        let column = match self.column_places.get(&name) {
            Some(column) => Some(*column),
            None if plan.mapped.is_some() && name == plan.canonical || self.index.admits(&name) => {
                self.overflow_fields.has_column_now(&plan.canonical);
                self.columns.push((name.clone(), ColumnBuilder::new(physical, self.capacity)));
                self.column_places.insert(name, self.columns.len() - 1);
                Some(self.columns.len() - 1)
            }
            None => None,
        };
        plan.last_column = Some((physical, column));
        column
    }

    /// Fields are named by the path as sent, as queries see them: `app` is `service`, but `app.name` is itself.
    fn note_overflow(&mut self, plan: &LeafPlan, value: &Value) {
        for_each_scalar(&plan.path, value, &mut |path, _| {
            let field = mapping::canonical(path);
            if !pseudo_fields::is_pseudo(field) {
                self.overflow_fields.insert(field, || may_have_columns(field) && self.index.has_field(field));
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
        let overflow_fields = Arc::new(self.overflow_fields);
        Chunk { log_type: self.log_type, batch, overflow_fields, exceeding: self.exceeding }
    }
}

fn plan(shape: &Shape, log_type: LogType) -> Vec<LeafPlan> {
    let plan = |leaf: &ShapeLeaf| LeafPlan {
        path: leaf.path.join("."),
        depth: leaf.path.len(),
        canonical: leaf.canonical.clone(),
        mapped: mapping::kind_in(log_type, &leaf.canonical),
        has_columns: leaf.has_columns,
        last_column: None,
    };
    shape.leaves.iter().map(plan).collect()
}

fn shape_column(mut codes: Vec<i32>, shapes: &[PlannedShape]) -> ArrayRef {
    let mut texts: Vec<&str> = shapes.iter().map(|shape| shape.text.as_str()).collect();
    if codes.contains(&OWN_CODE) {
        let own = texts.len() as i32;
        codes.iter_mut().filter(|code| **code == OWN_CODE).for_each(|code| *code = own);
        texts.push(OWN_SHAPE);
    }
    match DictionaryArray::try_new(Int32Array::from(codes), Arc::new(StringArray::from(texts))) {
        Ok(column) => Arc::new(column),
        Err(error) => unreachable!("every code is the number of a shape: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Int32Type;
    use vigie_domain::{Event, EventBatch, Object, Timestamp};

    use super::*;
    use crate::chunk::SourceReader;

    fn batch(bodies: impl Iterator<Item = String>) -> EventBatch {
        let timestamp = Timestamp::from_millis(1_795_442_645_678);
        let body_of = |json: String| -> Object {
            let Ok(Value::Object(body)) = serde_json::from_str(&json) else { panic!("no object: {json}") };
            body
        };
        let log_type = LogType::Other;
        bodies
            .map(|json| Event { id: None, timestamp, ingested_at: timestamp, log_type, body: body_of(json) })
            .collect()
    }

    /// Every event comes back from a chunk that may have so many dynamic columns.
    fn built(columns_max: usize, bodies: impl Iterator<Item = String>) -> Chunk {
        let (batch, index) = (batch(bodies), IndexColumns::new(columns_max, &BTreeSet::new()));
        let chunk = ChunkBuilder::build(LogType::Other, (0..).zip(batch.rows()), &index);
        let mut reader = SourceReader::new(&chunk);
        for (row, event) in batch.events().enumerate() {
            assert_eq!(reader.source(row), event.body);
        }
        chunk
    }

    #[test]
    fn columns_past_the_bound_go_to_the_overflow() {
        let chunk = built(2, (0..5).map(|n| format!(r#"{{"service":"s","f{n}":{n},"f0":"{n}"}}"#)));
        let names: Vec<&str> = chunk.batch.schema_ref().fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names[5..], ["service", "f0#int", "f1#int"], "the mapping's own column is not counted");
        // Of the first event the second `f0` has no column for being the second.
        assert_eq!(chunk.exceeding, Exceeding { columns: 1 + 3 * 2, depth: 0 });
        assert_eq!(chunk.overflow_fields.names().collect::<Vec<_>>(), ["f0", "f2", "f3", "f4"]);
    }

    #[test]
    fn shapes_past_the_bound_lie_with_their_events() {
        let count = SHAPES_MAX + 20;
        let bodies =
            (0..count).map(|n| format!(r#"{{"f{n}":{{"a.b":[{n}],"c":null}},"service":"s","ts":1795442645678}}"#));
        let chunk = built(100, bodies);
        let shapes = chunk.column(column_names::SHAPE).unwrap().as_dictionary::<Int32Type>();
        let texts = shapes.values().as_string::<i32>();
        assert_eq!((texts.len(), texts.value(SHAPES_MAX)), (SHAPES_MAX + 1, OWN_SHAPE));
    }

    #[test]
    fn what_is_nested_too_deep_is_one_value() {
        let nested = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        let exceeding = |depth| built(10, [nested(depth)].into_iter()).exceeding;
        assert_eq!(exceeding(DEPTH_MAX), Exceeding::default());
        assert_eq!(exceeding(DEPTH_MAX + 1), Exceeding { columns: 0, depth: 1 });
    }
}
