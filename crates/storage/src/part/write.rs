//! Parts out of chunks in memory, and out of other parts: rows in time order, a page at a time.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, FieldRef, Int32Type, TimeUnit, TimestampNanosecondType, UInt64Type};
use arrow::error::ArrowError;

use super::batches::Batches;
use super::encoding::Effort;
use super::gather::{JoinedCodes, Pick, gather, joined_fields};
use super::index::PAGE_ROWS;
use super::planned::{KnownTexts, PlannedColumn};
use super::writer::{PartTarget, PartWriter, WrittenPart};
use super::{INDEX_EXTENSION, Part, addresses, instants};
use crate::chunk::{Chunk, OverflowFields, column_names};
use crate::error::StorageError;
use crate::files::{self, SharedFiles};

/// Bytes that the rows read ahead of all parts that are merged take, about: fewer rows are read at once where there are many
/// columns, which take their room with or without values.
const AHEAD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Rows read at once of each part, at least.
const AHEAD_ROWS_MIN: usize = 128;
/// Bytes of a value in a column of numbers, and of the place of one in a column of strings.
const VALUE_BYTES: usize = 8;

/// Writes the events of these chunks, which are of one day and log type, to a new part.
///
/// # Errors
/// What the file system or Arrow answers.
pub fn write(files: &SharedFiles, path: &Path, chunks: &[Arc<Chunk>]) -> Result<WrittenPart, StorageError> {
    whole_or_not(files, path, write_chunks(files, path, chunks))
}

/// Leaves nothing behind of a part that could not be written: on a full disk each attempt would take more of it.
fn whole_or_not(
    files: &SharedFiles,
    path: &Path,
    written: Result<WrittenPart, StorageError>,
) -> Result<WrittenPart, StorageError> {
    if written.is_err() {
        for path in [path.with_extension(INDEX_EXTENSION), path.to_owned()] {
            if let Err(error) = files::remove_file(&**files, &path) {
                tracing::warn!(path = %path.display(), %error, "a half written part could not be removed; the next start does");
            }
        }
    }
    written
}

fn write_chunks(files: &SharedFiles, path: &Path, chunks: &[Arc<Chunk>]) -> Result<WrittenPart, StorageError> {
    let batches: Vec<RecordBatch> = chunks.iter().map(|chunk| chunk.batch.clone()).collect();
    let columns: Vec<PlannedColumn> =
        joined_fields(batches.iter()).into_iter().map(|field| planned(field, &batches)).collect();
    let joined = |column: &PlannedColumn| JoinedCodes::new(&column.field, &batches);
    let codes: Vec<Option<JoinedCodes>> =
        columns.iter().map(|column| column.has_dictionary().then(|| joined(column)).flatten()).collect();
    let overflow_fields = Chunk::joined_overflow_fields(chunks);
    let row_count = batches.iter().map(RecordBatch::num_rows).sum();
    let mut writer = PartWriter::new(target(files, path, overflow_fields, row_count), columns);
    let fields = writer.fields();
    for picks in in_time_order(chunks).chunks(PAGE_ROWS) {
        let columns = fields.iter().zip(&codes).map(|(field, codes)| match codes {
            Some(codes) => codes.gather(picks),
            None => gather(field, &batches, picks),
        });
        writer.push(columns.collect::<Result<_, _>>()?)?;
    }
    writer.finish()
}

fn target(files: &SharedFiles, path: &Path, overflow_fields: Arc<OverflowFields>, row_count: usize) -> PartTarget {
    PartTarget {
        files: files.clone(),
        path: path.to_owned(),
        index_path: path.with_extension(INDEX_EXTENSION),
        overflow_fields,
        row_count,
        effort: Effort::Light,
    }
}

fn planned(field: FieldRef, batches: &[RecordBatch]) -> PlannedColumn {
    let columns: Vec<&ArrayRef> = batches.iter().filter_map(|batch| batch.column_by_name(field.name())).collect();
    let value_count = columns.iter().map(|column| (column.len() - column.null_count()) as u64).sum();
    let texts: Vec<KnownTexts<'_>> =
        columns.iter().filter_map(|column| values_of(column)).map(KnownTexts::Values).collect();
    let unit = instants::unit_of(&columns);
    PlannedColumn::new(field, value_count, &texts).with_unit(unit)
}

/// The distinct values of a column of strings, or all of them when it has no dictionary.
fn values_of(column: &ArrayRef) -> Option<&StringArray> {
    match column.data_type() {
        DataType::Dictionary(..) => Some(column.as_dictionary::<Int32Type>().values().as_string()),
        DataType::Utf8 => Some(column.as_string()),
        _ => None,
    }
}

fn in_time_order(chunks: &[Arc<Chunk>]) -> Vec<Pick> {
    let mut picks: Vec<(i64, u64, Pick)> = Vec::with_capacity(chunks.iter().map(|chunk| chunk.rows()).sum());
    for (number, chunk) in (0..).zip(chunks) {
        let rows = (0..).zip(chunk.timestamps()).zip(chunk.sequences());
        picks.extend(rows.map(|((row, time), sequence)| (*time, *sequence, (number, row))));
    }
    // Rows of a chunk mostly are in order: a stable sort only merges such runs.
    picks.sort();
    picks.into_iter().map(|(_, _, pick)| pick).collect()
}

fn page(fields: &[FieldRef], batches: &[RecordBatch], picks: &[Pick]) -> Result<Vec<ArrayRef>, StorageError> {
    Ok(fields.iter().map(|field| gather(field, batches, picks)).collect::<Result<_, _>>()?)
}

/// Events of other parts, which are of one day and log type, and how they are written to one.
#[derive(Clone, Copy)]
pub struct Merge<'a> {
    /// The parts.
    pub parts: &'a [Arc<Part>],
    /// Which rows of the first part stay, at least one, if not all do.
    pub kept: Option<&'a BooleanBuffer>,
    /// How hard to compress.
    pub effort: Effort,
}

/// Writes these events to a new part, a page at a time; `between` is called between two pages.
///
/// # Errors
/// What the file system, Arrow, a damaged part or `between` answers.
pub fn merge(
    files: &SharedFiles,
    path: &Path,
    merge: Merge<'_>,
    between: &mut dyn FnMut() -> Result<(), StorageError>,
) -> Result<WrittenPart, StorageError> {
    whole_or_not(files, path, merge_parts(files, path, merge, between))
}

fn merge_parts(
    files: &SharedFiles,
    path: &Path,
    Merge { parts, kept, effort }: Merge<'_>,
    between: &mut dyn FnMut() -> Result<(), StorageError>,
) -> Result<WrittenPart, StorageError> {
    let ahead_bytes = AHEAD_BYTES_MAX / parts.len().max(1);
    let kept_of = |number: usize| kept.filter(|_| number == 0).cloned();
    let opened = parts.iter().enumerate().map(|(number, part)| Cursor::open(part, kept_of(number), ahead_bytes));
    let mut cursors = opened.collect::<Result<Vec<_>, _>>()?;
    let heads: Vec<RecordBatch> =
        cursors.iter().filter_map(|cursor| Some(cursor.batch.as_ref()?.batch.clone())).collect();
    let indices = parts.iter().map(|part| part.index()).collect::<Result<Vec<_>, _>>()?;
    let mut columns = Vec::new();
    for field in joined_fields(heads.iter()) {
        let (mut value_count, mut texts, mut unit) = (0_u64, Vec::new(), TimeUnit::Millisecond);
        for ((part, head), index) in parts.iter().zip(&heads).zip(&indices) {
            let Ok(place) = head.schema_ref().index_of(field.name()) else { continue };
            value_count = part.value_count(field.name())?.saturating_add(value_count);
            let schema = part.schema()?;
            let stored = schema.field_with_name(field.name())?.data_type();
            unit = instants::finer(unit, instants::unit_of_type(stored).unwrap_or(unit));
            let column = head.column(place);
            if matches!(column.data_type(), DataType::Dictionary(..)) {
                texts.extend(values_of(column).map(KnownTexts::Values));
            } else if let Some(known) = index.as_ref().and_then(|index| index.column(field.name())) {
                texts.push(KnownTexts::Sketch(&known.distinct));
            }
        }
        columns.push(PlannedColumn::new(field, value_count, &texts).with_unit(unit));
    }
    let overflow_fields = parts.iter().map(|part| part.overflow_fields()).collect::<Result<Vec<_>, _>>()?;
    let schemas = parts.iter().map(|part| part.schema()).collect::<Result<Vec<_>, _>>()?;
    let all: Vec<_> = overflow_fields.iter().zip(&schemas).map(|(fields, schema)| (&**fields, &**schema)).collect();
    let overflow_fields = Arc::new(OverflowFields::joined(&all));
    let row_count = match kept {
        Some(kept) => kept.count_set_bits(),
        None => parts.iter().map(|part| part.meta.rows as usize).sum(),
    };
    let target = PartTarget { effort, ..target(files, path, overflow_fields, row_count) };
    let mut writer = PartWriter::new(target, columns);
    drop(heads);
    while let Some((batches, picks)) = next_page(&mut cursors, parts)? {
        writer.push(page(&writer.fields(), &batches, &picks)?)?;
        between()?;
    }
    writer.finish()
}

/// Where reading a part stands.
struct Cursor {
    reader: Batches,
    /// Which rows are not passed over, if any is.
    kept: Option<BooleanBuffer>,
    /// Rows read so far, with those that were passed over.
    rows_read: usize,
    batch: Option<Ordered>,
    row: usize,
    /// Place of the batch among those of the page being collected.
    place: Option<u32>,
}

/// A batch and the columns that order its rows.
struct Ordered {
    batch: RecordBatch,
    times: TimestampNanosecondArray,
    sequences: UInt64Array,
}

/// Place of a row in time order.
type RowKey = (i64, u64);

impl Cursor {
    fn open(part: &Part, kept: Option<BooleanBuffer>, ahead_bytes: usize) -> Result<Self, StorageError> {
        let row_bytes = part.row_bytes(None)? + part.schema()?.fields().len() * VALUE_BYTES;
        let batch_rows = (ahead_bytes / row_bytes).clamp(AHEAD_ROWS_MIN, PAGE_ROWS);
        let reader = part.batches(batch_rows)?;
        let mut cursor = Self { reader, kept, rows_read: 0, batch: None, row: 0, place: None };
        cursor.advance_batch(part)?;
        Ok(cursor)
    }

    fn advance_batch(&mut self, part: &Part) -> Result<(), StorageError> {
        (self.row, self.place) = (0, None);
        self.batch = match self.next_kept().map_err(|error| part.unreadable(error))? {
            None => None,
            Some(batch) => {
                let batch = addresses::in_texts(instants::in_nanos(batch)?)?;
                let column = |name| batch.column_by_name(name).ok_or_else(|| part.damaged("it lacks a column"));
                let times = column(column_names::TIMESTAMP)?.as_primitive::<TimestampNanosecondType>().clone();
                let sequences = column(column_names::SEQUENCE)?.as_primitive::<UInt64Type>().clone();
                Some(Ordered { batch, times, sequences })
            }
        };
        Ok(())
    }

    /// The next rows that are not passed over.
    fn next_kept(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        while let Some(batch) = self.reader.next().transpose()? {
            let Some(kept) = &self.kept else { return Ok(Some(batch)) };
            let kept = kept.slice(self.rows_read, batch.num_rows());
            self.rows_read += batch.num_rows();
            if kept.count_set_bits() > 0 {
                return filter_record_batch(&batch, &BooleanArray::new(kept, None)).map(Some);
            }
        }
        Ok(None)
    }

    fn key(&self) -> Option<RowKey> {
        self.batch.as_ref().map(|ordered| ordered.key(self.row))
    }
}

impl Ordered {
    fn key(&self, row: usize) -> RowKey {
        (self.times.value(row), self.sequences.value(row))
    }

    /// The end of the run of rows from `row` on that come before `bound`.
    fn run_end(&self, row: usize, bound: Option<RowKey>, longest: usize) -> usize {
        let end = self.batch.num_rows().min(row + longest);
        bound.map_or(end, |bound| (row..end).find(|row| self.key(*row) > bound).unwrap_or(end))
    }
}

/// Batches, and rows of them.
type PagePicks = (Vec<RecordBatch>, Vec<Pick>);

/// The rows of the next page and the batches they lie in; `None` when every part has been read.
fn next_page(cursors: &mut [Cursor], parts: &[Arc<Part>]) -> Result<Option<PagePicks>, StorageError> {
    let (mut batches, mut picks) = (Vec::new(), Vec::with_capacity(PAGE_ROWS));
    cursors.iter_mut().for_each(|cursor| cursor.place = None);
    while picks.len() < PAGE_ROWS {
        let mut keys: Vec<(RowKey, usize)> =
            cursors.iter().enumerate().filter_map(|(number, cursor)| Some((cursor.key()?, number))).collect();
        keys.sort_unstable();
        let Some((_, first)) = keys.first().copied() else { break };
        let cursor = &mut cursors[first];
        let Some(ordered) = &cursor.batch else { break };
        let place = *cursor.place.get_or_insert_with(|| {
            batches.push(ordered.batch.clone());
            batches.len() as u32 - 1
        });
        let end = ordered.run_end(cursor.row, keys.get(1).map(|(key, _)| *key), PAGE_ROWS - picks.len());
        picks.extend((cursor.row as u32..end as u32).map(|row| (place, row)));
        cursor.row = end;
        if end == ordered.batch.num_rows() {
            cursor.advance_batch(&parts[first])?;
        }
    }
    Ok((!picks.is_empty()).then_some((batches, picks)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use vigie_domain::{Event, EventBatch, LogType, Timestamp, Value};

    use arrow::compute::cast;

    use super::super::dictionary::KeepsBlocks;
    use super::super::opened::KeptDictionary;
    use super::*;
    use crate::chunk::{ChunkBuilder, IndexColumns};
    use crate::manifest::PartMeta;

    const ROWS: u64 = 3_000;

    /// Four events share one; so long that those of a part are a large dictionary.
    fn session(number: u64) -> String {
        format!("{:0>400}", number / 4)
    }

    /// A part of every second event, from this one on.
    fn part(folder: &Path, first: u64) -> Arc<Part> {
        let event = |number: u64| {
            let timestamp = Timestamp::from_seconds(number as i64);
            let address = format!("10.{}.{}.1", number / 256, number % 256);
            let body = vec![
                ("n".into(), Value::Int(number as i64)),
                ("client_ip".into(), Value::text(address)),
                ("session".into(), Value::text(session(number))),
            ];
            Event { id: None, timestamp, ingested_at: timestamp, log_type: LogType::Error, body }
        };
        let numbers = (0..ROWS).map(|number| first + 2 * number);
        let events: EventBatch = numbers.clone().map(event).collect();
        let index = IndexColumns::default();
        let chunk = ChunkBuilder::build(LogType::Error, numbers.zip(events.rows()), &index);
        let (files, path) = (files::os(), folder.join(format!("{first}.parquet")));
        let written = write(&files, &path, &[Arc::new(chunk)]).unwrap();
        let meta = PartMeta {
            id: first,
            day: Timestamp::default().day(),
            log_type: LogType::Error,
            rows: ROWS,
            bytes: written.bytes,
            index_bytes: written.index_bytes,
            first: Timestamp::from_seconds(first as i64),
            last: Timestamp::from_seconds((first + 2 * (ROWS - 1)) as i64),
            min_sequence: first,
            max_sequence: first + 2 * (ROWS - 1),
            last_ingested_at: Timestamp::default(),
            has_ids: false,
            is_recompressed: false,
        };
        Arc::new(Part::new(files, meta, path))
    }

    #[test]
    fn values_that_are_numbers_in_the_file_are_counted_without_an_index_too() {
        let folder = tempfile::tempdir().unwrap();
        let indexed = part(folder.path(), 0);
        let alone = Part::new(files::os(), PartMeta { index_bytes: 0, ..indexed.meta.clone() }, indexed.path.clone());
        for part in [&*indexed, &alone] {
            assert_eq!(part.value_count("client_ip").unwrap(), ROWS);
            let columns = part.metadata().unwrap().file_metadata().schema_descr().num_columns();
            assert_eq!(columns, part.schema().unwrap().fields().len() + 1, "addresses lie in two columns");
        }
    }

    #[test]
    fn however_few_rows_are_read_ahead_all_come_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let parts = [part(folder.path(), 0), part(folder.path(), 1)];
        for ahead_bytes in [0, usize::MAX] {
            let mut cursors: Vec<Cursor> =
                parts.iter().map(|part| Cursor::open(part, None, ahead_bytes).unwrap()).collect();
            let rows = cursors[0].batch.as_ref().unwrap().batch.num_rows();
            assert_eq!(rows, if ahead_bytes == 0 { AHEAD_ROWS_MIN } else { ROWS as usize });
            let mut sequences = Vec::new();
            while let Some((batches, picks)) = next_page(&mut cursors, &parts).unwrap() {
                let fields = joined_fields(batches.iter());
                let place = fields.iter().position(|field| field.name() == column_names::SEQUENCE).unwrap();
                let page = page(&fields, &batches, &picks).unwrap();
                sequences.extend_from_slice(page[place].as_primitive::<UInt64Type>().values());
            }
            assert!(sequences.into_iter().eq(0..2 * ROWS), "{ahead_bytes}");
        }
    }

    #[test]
    fn what_is_given_up_between_two_pages_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let parts = [part(folder.path(), 0), part(folder.path(), 1)];
        let path = folder.path().join("merged.parquet");
        let all = Merge { parts: &parts, kept: None, effort: Effort::Light };
        let mut pages = 0;
        let given_up = merge(&files::os(), &path, all, &mut || {
            pages += 1;
            Err(StorageError::Stopped)
        });
        assert!(matches!(given_up, Err(StorageError::Stopped)) && pages == 1, "{given_up:?}");
        assert!(!path.exists() && !path.with_extension(INDEX_EXTENSION).exists());
        let written = merge(&files::os(), &path, all, &mut || Ok(())).unwrap();
        assert_eq!((written.rows, path.exists()), (2 * ROWS, true));
    }
    #[test]
    fn few_rows_read_only_blocks_of_a_large_dictionary() {
        let folder = tempfile::tempdir().unwrap();
        let parts = [part(folder.path(), 0), part(folder.path(), 1)];
        let path = folder.path().join("merged.parquet");
        let all = Merge { parts: &parts, kept: None, effort: Effort::Hard };
        let written = merge(&files::os(), &path, all, &mut || Ok(())).unwrap();
        let (rows, bytes, index_bytes) = (written.rows, written.bytes, written.index_bytes);
        let meta = PartMeta { rows, bytes, index_bytes, ..parts[0].meta.clone() };
        let merged = Part::new(files::os(), meta, path);
        let opened = merged.opened().unwrap();
        let column = opened.reader.schema().index_of("session").unwrap();
        let (parts, slot) = (merged.opened_parts.clone(), merged.slot.clone());
        let kept = KeptDictionary { parts, slot, opened: opened.clone(), column };
        let blocks = opened.index.as_ref().unwrap().column("session").unwrap().blocks.len() - 1;
        assert!(blocks > 10, "{blocks}");
        let check = |numbers: &[usize]| {
            let columns = BTreeSet::from(["session".to_owned()]);
            let (chunk, _) = merged.fetch_columns(Some(&columns), &numbers.iter().copied().collect()).unwrap();
            let texts = cast(chunk.column("session").unwrap(), &DataType::Utf8).unwrap();
            let found: Vec<&str> = texts.as_string::<i32>().iter().flatten().collect();
            assert_eq!(found, numbers.iter().map(|number| session(*number as u64)).collect::<Vec<_>>());
        };
        check(&[5]);
        check(&[4, 3_000, 3_001, 5_999]);
        let are_kept =
            |expected: &[usize]| (0..blocks).filter(|number| kept.block(*number).is_some()).eq(expected.to_vec());
        assert!(kept.whole().is_none() && are_kept(&[0, blocks / 2, blocks - 1]));
        check(&(0..2 * ROWS as usize).collect::<Vec<_>>());
        assert!(kept.whole().is_some());
        check(&[7]);
    }
}
