//! Events by their places in time order.

use std::collections::{BTreeMap, BTreeSet};

use vigie_domain::ports::{Fields, Hit};
use vigie_domain::query::Matcher;
use vigie_domain::{Position, Scope};

use super::fetch::{Shown, Spot, fetch};
use super::filter::{Tests, evaluate};
use super::{Run, Unit, parallel};
use crate::chunk::{Chunk, column_names};
use crate::error::StorageError;
use crate::part::{Part, PartIndex, Rows};

/// The events at these places that also match the caller's restriction, in the order of the places.
///
/// # Errors
/// When a part cannot be read, nobody waits any more or too much would be held.
pub fn events_at(
    run: &Run,
    units: &[Unit],
    positions: &[Position],
    restriction: &Matcher,
    scope: &Scope,
) -> Result<Vec<Hit>, StorageError> {
    let wanted: BTreeSet<Position> = positions.iter().copied().collect();
    let found = parallel::run(run, units.len(), |unit| {
        let (first, last) = units[unit].span();
        let (first, last) =
            (Position { timestamp: first, sequence: 0 }, Position { timestamp: last, sequence: u64::MAX });
        match wanted.range(first..=last).next() {
            None => Ok(Vec::new()),
            Some(_) => rows_at(&units[unit], &wanted),
        }
    })?;
    let mut places = BTreeMap::new();
    for (unit, rows) in found.into_iter().enumerate() {
        places.extend(rows.into_iter().map(|(row, position)| (position, Spot { unit, row })));
    }
    let spots: Vec<Spot> = positions.iter().filter_map(|position| places.get(position).copied()).collect();
    let passes = |chunk: &Chunk| evaluate(restriction, chunk, &mut Tests::default());
    fetch(run, units, &spots, Shown { scope, fields: &Fields::All }, Some(&passes)).map(|(hits, _)| hits)
}

/// Rows of the unit that are at one of the places.
fn rows_at(unit: &Unit, wanted: &BTreeSet<Position>) -> Result<Vec<(usize, Position)>, StorageError> {
    let among = |chunk: &Chunk, row_of: &dyn Fn(usize) -> usize| {
        let rows = (0..chunk.rows()).map(|row| (row_of(row), chunk.position(row)));
        rows.filter(|(_, position)| wanted.contains(position)).collect()
    };
    match unit {
        Unit::Memory(chunk) => Ok(among(chunk, &|row| row)),
        Unit::Part(part) => {
            let rows = pages_with(part, wanted)?;
            let columns = BTreeSet::from([column_names::TIMESTAMP.to_owned(), column_names::SEQUENCE.to_owned()]);
            let (chunk, _) = part.fetch_columns(Some(&columns), &rows)?;
            let numbers: Vec<usize> = rows.numbers().map(|row| row as usize).collect();
            Ok(among(&chunk, &|row| numbers[row]))
        }
    }
}

/// The rows of every page whose times hold one of the places; without an index, all rows.
fn pages_with(part: &Part, wanted: &BTreeSet<Position>) -> Result<Rows, StorageError> {
    let row_count = part.meta.rows as usize;
    let Some(index) = part.index()? else { return Ok(Rows::run(0..row_count)) };
    let mut rows = Rows::default();
    for (page, span) in index.pages.iter().enumerate() {
        let ends =
            Position { timestamp: span.first, sequence: 0 }..=Position { timestamp: span.last, sequence: u64::MAX };
        if wanted.range(ends).next().is_some() {
            let range = PartIndex::rows_of(page);
            rows.push(range.start..range.end.min(row_count));
        }
    }
    Ok(rows)
}
