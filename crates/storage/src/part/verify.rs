//! Compares every byte of a part and of its index with its checksum, and says which rows damage concerns.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use serde::Serialize;

use super::checked_file::{CheckedFile, block_bytes_of};
use super::index::{PartIndex, TAIL_BYTES};
use super::token_filter::{FilterPlace, pages_with};
use super::{INDEX_EXTENSION, Part};
use crate::error::StorageError;
use crate::files::{Files, SharedFiles};
use crate::manifest::PartMeta;

/// Places named in one file; what lies behind them is in the last one.
const PLACES_MAX: usize = 64;
/// Rows decoded at once of a part without checksums.
const BATCH_ROWS: usize = 8_192;

/// Bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The first.
    pub byte: u64,
    /// How many.
    pub length_bytes: u64,
}

/// Which of the two files of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamagedFile {
    /// The events.
    Part,
    /// What helps to find them; without it the part is read whole.
    Index,
}

/// One damaged file of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Which file.
    pub file: DamagedFile,
    /// Where; empty when it is the file as a whole.
    pub places: Vec<Place>,
    /// Events of which some value cannot be read.
    pub lost_events: u64,
    /// Events that can be read, but not verified.
    pub doubtful_events: u64,
    /// What is wrong.
    pub what: String,
}

/// What is wrong with the files of the part; nothing when every byte is as it was written.
pub fn verify(files: &SharedFiles, meta: &PartMeta, path: &Path) -> Vec<Damage> {
    let mut damages = Vec::new();
    let index = if meta.index_bytes == 0 {
        None
    } else {
        let (index, damage) = verify_index(&**files, &path.with_extension(INDEX_EXTENSION), meta.index_bytes);
        damages.extend(damage);
        index
    };
    let has_lost_sums = index.is_none() && meta.index_bytes > 0;
    damages.extend(match index {
        Some(index) => verify_blocks(&**files, meta, path, &index),
        None => verify_by_decoding(files, meta, path),
    });
    let is_readable = damages.iter().all(|damage| damage.file == DamagedFile::Index);
    if let (true, true, Some(damage)) = (has_lost_sums, is_readable, damages.first_mut()) {
        damage.doubtful_events = meta.rows;
    }
    damages
}

fn damage_of(file: DamagedFile, places: Vec<Place>, what: impl Into<String>) -> Damage {
    Damage { file, places, lost_events: 0, doubtful_events: 0, what: what.into() }
}

/// The index if its head can be trusted, and what is wrong with the file.
fn verify_index(files: &dyn Files, path: &Path, size_bytes: u64) -> (Option<PartIndex>, Option<Damage>) {
    let damage = |places, what: String| Some(damage_of(DamagedFile::Index, places, what));
    let bytes = match files.read(path) {
        Ok(bytes) => bytes,
        Err(error) => return (None, damage(Vec::new(), unreadable(&error))),
    };
    if bytes.len() as u64 != size_bytes {
        return (None, damage(Vec::new(), other_size(bytes.len() as u64, size_bytes)));
    }
    let index = match files.open(path).map_err(StorageError::from).and_then(|file| PartIndex::read(&*file)) {
        Ok(index) => index,
        Err(_) => {
            let byte = size_bytes.saturating_sub(TAIL_BYTES);
            let place = Place { byte, length_bytes: size_bytes - byte };
            return (None, damage(vec![place], "its head fails its checksum".to_owned()));
        }
    };
    let places: Vec<FilterPlace> = index.columns.iter().filter_map(|column| column.filter).collect();
    let mut damaged = Vec::new();
    for run in places.iter().flat_map(runs_of) {
        let is_whole = bytes.get(run.start as usize..run.end as usize).is_some_and(|run| pages_with(run, 0).is_some());
        if !is_whole {
            push_place(&mut damaged, run);
        }
    }
    let what = format!("{} filters fail their checksum; their pages are all read", damaged.len());
    let found = (!damaged.is_empty()).then_some(damaged).and_then(|places| damage(places, what));
    (Some(index), found)
}

fn runs_of(place: &FilterPlace) -> impl Iterator<Item = Range<u64>> + use<> {
    let (offset, length) = (place.offset, place.run_bytes() as u64);
    (0..place.block_count as u64).map(move |number| offset + number * length..offset + (number + 1) * length)
}

/// Adds a range; one that touches the last joins it, and so does every one past the bound.
fn push_place(places: &mut Vec<Place>, range: Range<u64>) {
    let is_full = places.len() >= PLACES_MAX;
    match places.last_mut() {
        Some(last) if is_full || last.byte + last.length_bytes == range.start => {
            last.length_bytes = range.end - last.byte;
        }
        _ => places.push(Place { byte: range.start, length_bytes: range.end - range.start }),
    }
}

fn verify_blocks(files: &dyn Files, meta: &PartMeta, path: &Path, index: &PartIndex) -> Option<Damage> {
    let whole =
        |what: String| Some(Damage { lost_events: meta.rows, ..damage_of(DamagedFile::Part, Vec::new(), what) });
    let places = match damaged_blocks(files, path, &index.sums) {
        Ok((size_bytes, _)) if size_bytes != meta.bytes => return whole(other_size(size_bytes, meta.bytes)),
        Ok((_, places)) => places,
        Err(error) => return whole(unreadable(&error)),
    };
    if places.is_empty() {
        return None;
    }
    let lost_events = rows_at(files, path, index, &places).map_or(meta.rows, |rows| rows.len() as u64);
    let what = "blocks fail their checksum: the disk returned other bytes than were written";
    Some(Damage { lost_events, ..damage_of(DamagedFile::Part, places, what) })
}

/// Bytes of the file, and the blocks of it that are not as they were written.
fn damaged_blocks(files: &dyn Files, path: &Path, sums: &[u32]) -> io::Result<(u64, Vec<Place>)> {
    let file = files.open(path)?;
    let size_bytes = file.size_bytes()?;
    let block_bytes = block_bytes_of(size_bytes, sums.len());
    let (mut places, mut block, mut at) = (Vec::new(), vec![0; block_bytes], 0);
    let mut numbered = sums.iter();
    while at < size_bytes {
        let length = (size_bytes - at).min(block_bytes as u64);
        let block = &mut block[..length as usize];
        let is_read = file.read_exact_at(block, at).is_ok();
        if numbered.next() != Some(&crc32c::crc32c(block)) || !is_read {
            push_place(&mut places, at..at + length);
        }
        at += length;
    }
    if numbered.next().is_some() {
        push_place(&mut places, at..at + 1);
    }
    Ok((size_bytes, places))
}

/// The rows of which some value lies in one of the places; `None` when that may be any row.
fn rows_at(files: &dyn Files, path: &Path, index: &PartIndex, places: &[Place]) -> Option<BTreeSet<u64>> {
    let file = CheckedFile::new(files.open(path).ok()?, Some(index.sums.clone())).ok()?;
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let reader = ArrowReaderMetadata::load(&file, options).ok()?;
    let mut rows = BTreeSet::new();
    for place in places {
        let range = place.byte..place.byte + place.length_bytes;
        let mut is_within_columns = false;
        for column in 0..reader.parquet_schema().num_columns() {
            for (pages, columns_range) in pages_of(reader.metadata(), column)? {
                if columns_range.start >= range.end || columns_range.end <= range.start {
                    continue;
                }
                is_within_columns = true;
                // Before the first page lies the dictionary, which every row needs.
                if pages.first().is_none_or(|(first, _)| range.start.max(columns_range.start) < first.start) {
                    return None;
                }
                let hit = pages.into_iter().filter(|(bytes, _)| bytes.start < range.end && bytes.end > range.start);
                hit.for_each(|(_, page_rows)| rows.extend(page_rows));
            }
        }
        if !is_within_columns {
            return None;
        }
    }
    Some(rows)
}

/// Bytes and rows of each page of a column, and the bytes of all, group by group.
type ColumnPages = (Vec<(Range<u64>, Range<u64>)>, Range<u64>);

fn pages_of(metadata: &ParquetMetaData, column: usize) -> Option<Vec<ColumnPages>> {
    let mut first_row = 0;
    let mut found = Vec::new();
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let (start, length) = group.column(column).byte_range();
        let locations = metadata.offset_index()?.get(number)?.get(column)?.page_locations();
        let group_rows = group.num_rows() as u64;
        let row_of = |place: usize| locations.get(place).map_or(group_rows, |next| next.first_row_index as u64);
        let page = |(place, location): (usize, &parquet::file::page_index::offset_index::PageLocation)| {
            let bytes = location.offset as u64..location.offset as u64 + location.compressed_page_size as u64;
            (bytes, first_row + row_of(place)..first_row + row_of(place + 1))
        };
        found.push((locations.iter().enumerate().map(page).collect(), start..start + length));
        first_row += group_rows;
    }
    Some(found)
}

/// Of a part without checksums only this can be said: that every value decodes.
fn verify_by_decoding(files: &SharedFiles, meta: &PartMeta, path: &Path) -> Option<Damage> {
    let part = Part::new(files.clone(), PartMeta { index_bytes: 0, ..meta.clone() }, path.to_owned());
    let decode = || -> Result<u64, StorageError> {
        let batches = part.batches(BATCH_ROWS)?;
        batches.map(|batch| Ok(batch.map_err(|error| part.unreadable(error))?.num_rows() as u64)).sum()
    };
    // The decoder is another's: of bytes that nothing vouches for it may expect what does not hold.
    let decoded = catch_unwind(AssertUnwindSafe(decode));
    let what = match decoded {
        Ok(Ok(rows)) if rows == meta.rows => return None,
        Ok(Ok(rows)) => format!("it has {rows} events instead of {}", meta.rows),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "its bytes cannot be decoded".to_owned(),
    };
    Some(Damage { lost_events: meta.rows, ..damage_of(DamagedFile::Part, Vec::new(), what) })
}

fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it is missing".to_owned(),
        _ => format!("it cannot be read: {error}"),
    }
}

fn other_size(found: u64, expected: u64) -> String {
    format!("it has {found} bytes instead of {expected}")
}
