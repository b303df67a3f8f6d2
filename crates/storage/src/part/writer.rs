//! Writes a part and waits until it is on disk.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use super::OVERFLOW_FIELDS_KEY;
use crate::chunk::{Chunk, column_names};
use crate::disk;
use crate::error::StorageError;

/// Rows of a page: what a search decodes at least.
const PAGE_ROWS: usize = 8_192;
/// A dictionary may grow to this size before a column falls back to plain strings.
const DICTIONARY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Above this share of distinct values a dictionary costs more than it saves.
const DISTINCT_SHARE_MAX: f64 = 0.5;

/// Writes a chunk in time order to a new file, durable when it returns, and answers the file's bytes.
///
/// # Errors
/// What the file system or Arrow answers; a file half written is left for the next start to remove.
pub fn write(path: &Path, chunk: &Chunk) -> Result<u64, StorageError> {
    if let Some(folder) = path.parent() {
        disk::create_folder(folder)?;
    }
    let batch = with_chosen_encodings(&chunk.batch)?;
    let properties = properties(&batch, chunk)?;
    let file = disk::create_file(path)?;
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties))?;
    let mut start = 0;
    while start < batch.num_rows() {
        let length = (batch.num_rows() - start).min(PAGE_ROWS);
        writer.write(&batch.slice(start, length))?;
        start += length;
    }
    let file = writer.into_inner()?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

fn properties(batch: &RecordBatch, chunk: &Chunk) -> Result<WriterProperties, StorageError> {
    let overflow_fields = serde_json::to_string(chunk.overflow_fields.as_ref()).unwrap_or_default();
    // Parts of less than a page are read column by column and soon merged: setting up zstd would cost more than it saves.
    let is_small = batch.num_rows() < PAGE_ROWS;
    let compression = if is_small { Compression::LZ4_RAW } else { Compression::ZSTD(ZstdLevel::try_new(1)?) };
    let mut builder = WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(usize::MAX))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_created_by(concat!("vigie ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![KeyValue::new(OVERFLOW_FIELDS_KEY.to_owned(), overflow_fields)]));
    for field in batch.schema_ref().fields() {
        builder = column_properties(builder, field);
    }
    Ok(builder.build())
}

/// Counters and instants grow steadily: their differences are small. Strings that hardly repeat need no dictionary.
fn column_properties(builder: WriterPropertiesBuilder, field: &Field) -> WriterPropertiesBuilder {
    let path = || ColumnPath::new(vec![field.name().clone()]);
    match field.data_type() {
        DataType::Timestamp(..) | DataType::UInt64 => builder
            .set_column_dictionary_enabled(path(), false)
            .set_column_encoding(path(), Encoding::DELTA_BINARY_PACKED),
        DataType::Utf8 => builder.set_column_dictionary_enabled(path(), false),
        _ => builder,
    }
}

/// Columns of strings that hardly repeat become plain ones.
fn with_chosen_encodings(batch: &RecordBatch) -> Result<RecordBatch, StorageError> {
    let mut fields = Vec::with_capacity(batch.num_columns());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let is_text = matches!(field.data_type(), DataType::Dictionary(..)) && field.name() != column_names::SHAPE;
        if is_text && distinct_share(column) > DISTINCT_SHARE_MAX {
            columns.push(arrow::compute::cast(column, &DataType::Utf8)?);
            fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, field.is_nullable())));
        } else {
            columns.push(column.clone());
            fields.push(field.clone());
        }
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// Distinct values per value that is not null. A joined dictionary may name a value twice, so it is counted.
fn distinct_share(column: &ArrayRef) -> f64 {
    let dictionary = column.as_dictionary::<Int32Type>();
    let value_count = dictionary.len() - dictionary.null_count();
    let named = dictionary.values().len();
    if (named as f64) <= value_count as f64 * DISTINCT_SHARE_MAX {
        return 0.0;
    }
    let values = dictionary.values().as_string::<i32>();
    let distinct: HashSet<&str> = (0..named).map(|code| values.value(code)).collect();
    distinct.len() as f64 / value_count.max(1) as f64
}
