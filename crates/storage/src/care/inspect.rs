//! What lies in the parts of a log folder, and what a query would have to read of them.
//!
//! Reads the manifest, the ends of files and their indexes; a server may run meanwhile, though a part that it merges
//! away is then missing.

use std::path::Path;

use parquet::file::metadata::RowGroupMetaData;
use serde::Serialize;
use vigie_domain::query::Query;
use vigie_domain::{Error, LogType, Scope, TimeRange};

use crate::engine::PARTS_FOLDER;
use crate::error::StorageError;
use crate::files::{self, SharedFiles};
use crate::manifest::{Manifest, PartMeta};
use crate::part::{Part, PartIndex, Rows};
use crate::scan::{Filter, prune};

/// A part, and what was asked about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartView {
    /// Its path below the folder of parts.
    pub part: String,
    /// The day of its events, `YYYY.MM.DD`.
    pub day: String,
    /// Their log type.
    pub log_type: LogType,
    /// How many.
    pub event_count: u64,
    /// Bytes of the part.
    pub size_bytes: u64,
    /// Bytes of its index.
    pub index_bytes: u64,
    /// The first event's time.
    pub first: String,
    /// The last event's time.
    pub last: String,
    /// Whether it was rewritten to be small.
    pub is_recompressed: bool,
    /// Its columns, the largest first; only of a part that was named.
    pub columns: Vec<ColumnView>,
    /// What a query reads of it; only with a query.
    pub plan: Option<PartPlan>,
}

/// A column of a part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnView {
    /// Its name.
    pub name: String,
    /// Its bytes in the file.
    pub size_bytes: u64,
    /// Its bytes before compression.
    pub plain_bytes: u64,
    /// How its values are encoded and compressed, in the words of Parquet.
    pub encoding: String,
    /// Bytes of its filters in the index; 0 when it has none.
    pub filter_bytes: u64,
    /// How often a filter says yes of a word that is not there, from 0 to 1.
    pub false_positive_share: Option<f64>,
}

/// How much of a part a query reads.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartPlan {
    /// Pages of the part.
    pub page_count: usize,
    /// Those that the range of time leaves.
    pub pages_in_time: usize,
    /// What each part of the query leaves of all pages, by its filters alone.
    pub clauses: Vec<ClausePlan>,
    /// Those that are read.
    pub pages_read: usize,
}

/// What one part of a query leaves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClausePlan {
    /// It, as it would be typed.
    pub clause: String,
    /// Pages that it leaves.
    pub pages: usize,
}

/// What is asked.
pub struct Inspection<'a> {
    /// One part by the end of its path; `None`: all.
    pub part: Option<&'a str>,
    /// A query whose reading is explained; its relative times have been resolved.
    pub query: Option<&'a Query>,
    /// The events' own time.
    pub range: TimeRange,
}

/// The parts of the folder, by day and log type.
///
/// # Errors
/// `NotFound` when there is no such folder or part; `Unavailable` when a part cannot be read; `Invalid` when the query
/// cannot be made ready.
pub fn inspect(files: &SharedFiles, folder: &Path, asked: &Inspection<'_>) -> Result<Vec<PartView>, Error> {
    if !files::is_folder(&**files, folder) {
        return Err(Error::not_found(format!("there are no logs in \"{}\"; name a data folder", folder.display())));
    }
    let mut metas = Manifest::load(&**files, folder)?.parts;
    metas.sort_by_key(|meta| (meta.day, meta.log_type, meta.first, meta.id));
    if let Some(name) = asked.part {
        metas.retain(|meta| meta.relative_path().ends_with(name));
        if metas.is_empty() {
            return Err(Error::not_found(format!("there is no part \"{name}\"; without a name all are listed")));
        }
    }
    metas.iter().map(|meta| view(files, folder, meta, asked)).collect()
}

fn view(files: &SharedFiles, folder: &Path, meta: &PartMeta, asked: &Inspection<'_>) -> Result<PartView, Error> {
    let path = folder.join(PARTS_FOLDER).join(meta.relative_path());
    let part = Part::new(files.clone(), meta.clone(), path);
    let columns = if asked.part.is_some() { columns_of(&part)? } else { Vec::new() };
    let plan = asked.query.map(|query| plan_of(&part, query, asked.range)).transpose()?;
    Ok(PartView {
        part: meta.relative_path(),
        day: meta.day.to_string(),
        log_type: meta.log_type,
        event_count: meta.rows,
        size_bytes: meta.bytes,
        index_bytes: meta.index_bytes,
        first: meta.first.to_string(),
        last: meta.last.to_string(),
        is_recompressed: meta.is_recompressed,
        columns,
        plan,
    })
}

fn columns_of(part: &Part) -> Result<Vec<ColumnView>, StorageError> {
    let metadata = part.metadata()?;
    let filters = part.filters()?;
    let mut columns: Vec<ColumnView> = Vec::new();
    for chunk in metadata.row_groups().iter().flat_map(RowGroupMetaData::columns) {
        let name = chunk.column_path().string();
        let encodings: Vec<String> = chunk.encodings().map(|encoding| encoding.to_string()).collect();
        let (filter_bytes, false_positive_share) = match &filters {
            Some(filters) => filters.cost_of(&name),
            None => (0, None),
        };
        columns.push(ColumnView {
            size_bytes: chunk.compressed_size().unsigned_abs(),
            plain_bytes: chunk.uncompressed_size().unsigned_abs(),
            encoding: format!("{}, {}", encodings.join(" + "), chunk.compression()),
            filter_bytes,
            false_positive_share,
            name,
        });
    }
    columns.sort_by_key(|column| std::cmp::Reverse(column.size_bytes + column.filter_bytes));
    Ok(columns)
}

fn plan_of(part: &Part, query: &Query, range: TimeRange) -> Result<PartPlan, Error> {
    let pages = |query: &Query, range: TimeRange| -> Result<usize, Error> {
        if !range.overlaps(part.meta.first, part.meta.last) {
            return Ok(0);
        }
        Ok(page_count(part, &prune(part, &Filter::new(query, range, &Scope::main())?)?.rows))
    };
    let clauses = match query {
        Query::And(clauses) => clauses.as_slice(),
        Query::All => &[],
        other => std::slice::from_ref(other),
    };
    let clause = |clause: &Query| Ok(ClausePlan { clause: clause.to_string(), pages: pages(clause, TimeRange::ALL)? });
    Ok(PartPlan {
        page_count: page_count(part, &part.all_rows()),
        pages_in_time: pages(&Query::All, range)?,
        clauses: clauses.iter().map(clause).collect::<Result<_, Error>>()?,
        pages_read: pages(query, range)?,
    })
}

fn page_count(part: &Part, rows: &Rows) -> usize {
    let all = (part.meta.rows as usize).div_ceil(crate::part::PAGE_ROWS);
    (0..all).filter(|page| !rows.within(&PartIndex::rows_of(*page)).is_empty()).count()
}
