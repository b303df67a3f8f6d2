//! Finding one event by its id.

use std::ops::ControlFlow;

use arrow::array::{Array, AsArray};
use vigie_domain::ports::Hit;
use vigie_domain::query::Matcher;
use vigie_domain::{EventId, Scope};

use super::fetch::hit;
use super::filter::{Tests, evaluate};
use super::{Run, Unit};
use crate::chunk::{Chunk, SourceReader, column_names};
use crate::error::StorageError;
use crate::part::{Part, PartIndex, Rows, hash_of};

/// The event with this id that also matches the caller's restriction.
///
/// # Errors
/// When a part cannot be read.
pub fn find_id(
    run: &Run,
    units: &[Unit],
    id: &EventId,
    restriction: &Matcher,
    scope: &Scope,
) -> Result<Option<Hit>, StorageError> {
    for unit in units {
        run.check()?;
        let Some(row) = row_of(unit, id)? else { continue };
        let (chunk, _) = unit.fetch(None, &Rows::run(row..row + 1))?;
        if evaluate(restriction, &chunk, &mut Tests::default()).value(0) {
            return Ok(Some(hit(&chunk, &mut SourceReader::new(&chunk), 0, scope)));
        }
    }
    Ok(None)
}

fn row_of(unit: &Unit, id: &EventId) -> Result<Option<usize>, StorageError> {
    let find = |chunk: &Chunk| {
        let ids = chunk.column(column_names::ID).map(AsArray::as_string::<i32>);
        let is_it = |row: &usize| match ids.filter(|ids| ids.is_valid(*row)) {
            Some(ids) => ids.value(*row) == id.0,
            None => id.sequence() == Some(chunk.sequences()[*row]),
        };
        (0..chunk.rows()).find(is_it)
    };
    let part = match unit {
        Unit::Memory(chunk) => return Ok(find(chunk)),
        Unit::Part(part) => part,
    };
    let columns = [column_names::SEQUENCE, column_names::ID].map(str::to_owned).into_iter().collect();
    let mut found = None;
    part.read(&columns, &rows_with_id(part, id)?, &mut |rows, chunk| {
        found = find(&chunk).map(|place| rows[place] as usize);
        Ok(if found.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(found)
}

/// Rows of the part that may be the event with this id.
fn rows_with_id(part: &Part, id: &EventId) -> Result<Rows, StorageError> {
    let (meta, sequence) = (&part.meta, id.sequence());
    let may_hold = |sequence| (meta.min_sequence..=meta.max_sequence).contains(&sequence);
    if !meta.has_ids && !sequence.is_some_and(may_hold) {
        return Ok(Rows::default());
    }
    let Some(index) = part.index()? else { return Ok(part.all_rows()) };
    let by_filter = match part.filters()? {
        Some(filters) if meta.has_ids => filters.pages_with(column_names::ID, hash_of(&id.0)),
        _ => None,
    };
    let mut rows = Rows::default();
    for (page, span) in index.pages.iter().enumerate() {
        let by_sequence = sequence.is_some_and(|sequence| (span.min_sequence..=span.max_sequence).contains(&sequence));
        let by_id = meta.has_ids && by_filter.as_ref().is_none_or(|pages| pages[page]);
        if by_sequence || by_id {
            let range = PartIndex::rows_of(page);
            rows.push(range.start..range.end.min(meta.rows as usize));
        }
    }
    Ok(rows)
}
