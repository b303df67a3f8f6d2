//! A Parquet file that is given away while it is written: one column per field, and the whole event beside them, so that a value that
//! does not fit its column is not lost.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, RecordBatch, StringBuilder, TimestampNanosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use vigie_domain::mapping::FieldKind;
use vigie_domain::ports::Hit;
use vigie_domain::time::parse_instant;
use vigie_domain::{Error, Result, Value};

use super::columns::{Columns, as_text};
use crate::http::views::events::HitView;

/// Rows that are held until they are compressed and given away.
const ROW_GROUP_ROWS: usize = 50_000;
/// The column of whole events.
const SOURCE: &str = "_source";

/// A file under way.
pub struct ParquetFile {
    columns: Columns,
    schema: Arc<Schema>,
    writer: ArrowWriter<Outbox>,
    outbox: Outbox,
    has_begun: bool,
}

/// Bytes that were written and not yet taken.
#[derive(Clone, Default)]
struct Outbox(Arc<Mutex<Vec<u8>>>);

impl Outbox {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Outbox {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("the Parquet file cannot be written: {error}"))
}

impl ParquetFile {
    pub(super) fn new(columns: Columns) -> Result<Self> {
        let field = |(name, kind): &(String, FieldKind)| Field::new(name, data_type(*kind), true);
        let mut fields: Vec<Field> = columns.fields().iter().map(field).collect();
        if columns.fields().iter().all(|(name, _)| name != SOURCE) {
            fields.push(Field::new(SOURCE, DataType::Utf8, false));
        }
        let schema = Arc::new(Schema::new(fields));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let outbox = Outbox::default();
        let writer = ArrowWriter::try_new(outbox.clone(), schema.clone(), Some(properties)).map_err(failed)?;
        Ok(Self { columns, schema, writer, outbox, has_begun: false })
    }

    pub(super) fn page(&mut self, hits: &[Hit]) -> Result<Vec<u8>> {
        let rows: Vec<Vec<Vec<Value>>> = hits.iter().map(|hit| self.columns.values(hit)).collect();
        let column = |(place, (_, kind)): (usize, &(String, FieldKind))| {
            array(*kind, rows.iter().map(|row| row[place].as_slice()))
        };
        let mut arrays: Vec<ArrayRef> = self.columns.fields().iter().enumerate().map(column).collect();
        if arrays.len() < self.schema.fields().len() {
            arrays.push(sources(hits)?);
        }
        let batch = RecordBatch::try_new(self.schema.clone(), arrays).map_err(failed)?;
        self.writer.write(&batch).map_err(failed)?;
        if !std::mem::replace(&mut self.has_begun, true) {
            // The first rows are a group of their own, so that the first bytes come soon.
            self.writer.flush().map_err(failed)?;
        }
        Ok(self.outbox.take())
    }

    pub(super) fn end(self) -> Result<Vec<u8>> {
        self.writer.close().map_err(failed)?;
        Ok(self.outbox.take())
    }
}

fn sources(hits: &[Hit]) -> Result<ArrayRef> {
    let mut builder = StringBuilder::new();
    for hit in hits {
        builder.append_value(serde_json::to_string(&HitView::from(hit.clone()).source).map_err(failed)?);
    }
    Ok(Arc::new(builder.finish()))
}

fn data_type(kind: FieldKind) -> DataType {
    match kind {
        FieldKind::Keyword | FieldKind::Text | FieldKind::Ip => DataType::Utf8,
        FieldKind::Int => DataType::Int64,
        FieldKind::Float | FieldKind::Decimal => DataType::Float64,
        FieldKind::Bool => DataType::Boolean,
        FieldKind::Instant => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
    }
}

/// A column: of several values the first, of one that does not fit nothing.
fn array<'a>(kind: FieldKind, rows: impl Iterator<Item = &'a [Value]>) -> ArrayRef {
    let firsts = |values: &'a [Value]| values.iter().find(|value| !matches!(value, Value::Null));
    match kind {
        FieldKind::Keyword | FieldKind::Text | FieldKind::Ip => {
            let mut builder = StringBuilder::new();
            rows.for_each(|values| builder.append_option(as_text(values)));
            Arc::new(builder.finish())
        }
        FieldKind::Int => {
            let mut builder = Int64Builder::new();
            let int = |value: &Value| if let Value::Int(number) = value { Some(*number) } else { None };
            rows.for_each(|values| builder.append_option(firsts(values).and_then(int)));
            Arc::new(builder.finish())
        }
        FieldKind::Float | FieldKind::Decimal => {
            let mut builder = Float64Builder::new();
            rows.for_each(|values| builder.append_option(firsts(values).and_then(Value::as_f64)));
            Arc::new(builder.finish())
        }
        FieldKind::Bool => {
            let mut builder = BooleanBuilder::new();
            let flag = |value: &Value| if let Value::Bool(flag) = value { Some(*flag) } else { None };
            rows.for_each(|values| builder.append_option(firsts(values).and_then(flag)));
            Arc::new(builder.finish())
        }
        FieldKind::Instant => {
            let mut builder = TimestampNanosecondBuilder::new().with_timezone("UTC");
            rows.for_each(|values| builder.append_option(firsts(values).and_then(instant_ns)));
            Arc::new(builder.finish())
        }
    }
}

fn instant_ns(value: &Value) -> Option<i64> {
    parse_instant(value.as_text()?, vigie_domain::Timestamp::MIN).map(vigie_domain::Timestamp::as_nanos)
}
