//! Reading whole events once it is known which.

use std::collections::BTreeMap;

use arrow::buffer::BooleanBuffer;
use vigie_domain::ports::{Fields, Hit, Lines, ScanStats};
use vigie_domain::{EventId, Scope, Timestamp};

use super::memory::Held;
use super::{Run, Unit, parallel};
use crate::chunk::{Chunk, LineWriter, SourceReader};
use crate::error::StorageError;
use crate::part::PAGE_ROWS;

/// Rows that lie in pages of their own and that a thread reads at once: more would leave one thread behind the others, fewer open all
/// columns for little.
const ROWS_AT_ONCE: usize = 6;
/// Events that a thread writes as lines at least: each reads the pages again in which its events begin and end.
const LINES_MIN: usize = 4_096;

/// Lines by whose length that of the others is guessed.
const SAMPLED_LINES: usize = 256;

/// Where a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) unit: usize,
    pub(super) row: usize,
}

/// What of events is handed out.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    /// To whom.
    pub(super) scope: &'a Scope,
    /// What is needed.
    pub(super) fields: &'a Fields,
}

/// Which rows of a chunk pass.
pub(super) type Passing<'a> = &'a (dyn Fn(&Chunk) -> BooleanBuffer + Sync);

/// Reads the events there, in this order, but for those that do not pass; and tells what it cost.
pub(super) fn fetch(
    run: &Run,
    units: &[Unit],
    spots: &[Spot],
    shown: Shown<'_>,
    passing: Option<Passing<'_>>,
) -> Result<(Vec<Hit>, ScanStats), StorageError> {
    let by_unit = by_unit(spots);
    let pieces: Vec<(usize, &[(usize, usize)])> =
        by_unit.iter().flat_map(|(unit, rows)| pieces_of(rows).map(|rows| (*unit, rows))).collect();
    let read = parallel::run(run, pieces.len(), |number| {
        let (unit, rows) = &pieces[number];
        let places = rows.iter().map(|(row, _)| *row).collect();
        // The events are about as large as the columns they are made of.
        let columns = units[*unit].columns_of(shown.fields)?;
        let mut held = run.memory.hold(units[*unit].expected_bytes(columns.as_ref(), &places)?)?;
        let (chunk, bytes) = units[*unit].fetch(columns.as_ref(), &places)?;
        held.resize(2 * chunk.bytes())?;
        let mut sources = SourceReader::of_fields(&chunk, shown.fields);
        let passing = passing.map(|passing| passing(&chunk));
        let rows = rows.iter().enumerate().filter(|(row, _)| passing.as_ref().is_none_or(|rows| rows.value(*row)));
        let hits: Vec<(usize, Hit)> =
            rows.map(|(row, (_, place))| (*place, hit(&chunk, &mut sources, row, shown.scope))).collect();
        held.resize(chunk.bytes())?;
        Ok((hits, bytes, held))
    })?;
    let mut stats = ScanStats::default();
    let mut hits: Vec<Option<Hit>> = spots.iter().map(|_| None).collect();
    for (of_unit, bytes, _held) in read {
        stats.rows_scanned += of_unit.len() as u64;
        stats.bytes_read += bytes;
        of_unit.into_iter().for_each(|(place, hit)| hits[place] = Some(hit));
    }
    Ok((hits.into_iter().flatten().collect(), stats))
}

/// Units, and of each the rows in order with their places among the spots.
fn by_unit(spots: &[Spot]) -> Vec<(usize, Vec<(usize, usize)>)> {
    let mut by_unit: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for (place, spot) in spots.iter().enumerate() {
        by_unit.entry(spot.unit).or_default().push((spot.row, place));
    }
    by_unit.values_mut().for_each(|rows| rows.sort_unstable());
    by_unit.into_iter().collect()
}

/// Rows of a unit that lie far apart in pieces that can be read at once; those of few pages in one, which reads each page once.
fn pieces_of(rows: &[(usize, usize)]) -> impl Iterator<Item = &[(usize, usize)]> {
    let page_of = |row: Option<&(usize, usize)>| row.map_or(0, |(row, _)| row / PAGE_ROWS);
    let pages = page_of(rows.last()) - page_of(rows.first());
    rows.chunks(if pages >= rows.len() { ROWS_AT_ONCE } else { rows.len().max(1) })
}

/// Writes the events there as lines, in this order: as many at once as there are threads.
pub(super) fn fetch_lines(
    run: &Run,
    units: &[Unit],
    spots: &[Spot],
    scope: &Scope,
) -> Result<Vec<Vec<u8>>, StorageError> {
    let slices = parallel::slices(spots.len(), LINES_MIN);
    let written =
        parallel::run(run, slices.len(), |number| lines_of(run, units, &spots[slices[number].clone()], scope))?;
    Ok(written.into_iter().map(|(text, _held)| text).collect())
}

fn lines_of<'r>(
    run: &'r Run,
    units: &[Unit],
    spots: &[Spot],
    scope: &Scope,
) -> Result<(Vec<u8>, Held<'r>), StorageError> {
    let by_unit = by_unit(spots);
    let mut held = run.memory.hold(0)?;
    let mut chunks = Vec::with_capacity(by_unit.len());
    // Of each event the chunk, and the row in it.
    let mut places = vec![(0, 0); spots.len()];
    for (number, (unit, rows)) in by_unit.iter().enumerate() {
        run.check()?;
        let numbers = rows.iter().map(|(row, _)| *row).collect();
        let before: usize = chunks.iter().map(Chunk::bytes).sum();
        held.resize(before + units[*unit].expected_bytes(None, &numbers)?)?;
        chunks.push(units[*unit].fetch(None, &numbers)?.0);
        rows.iter().enumerate().for_each(|(row, (_, place))| places[*place] = (number, row));
    }
    let bytes: usize = chunks.iter().map(Chunk::bytes).sum();
    // Lines are about as large as the columns they are written from.
    held.resize(2 * bytes)?;
    let mut writers: Vec<LineWriter<'_>> = chunks.iter().map(|chunk| LineWriter::new(chunk, scope)).collect();
    let mut text = Vec::new();
    for (written, (number, row)) in places.into_iter().enumerate() {
        if written == SAMPLED_LINES {
            // The others are about as long, and are not to be copied to a larger place again and again.
            let left = text.len() / SAMPLED_LINES * (spots.len() - SAMPLED_LINES) * 17 / 16;
            held.resize(bytes + bytes.max(text.len() + left))?;
            text.reserve_exact(left);
        }
        let written = writers[number].write(row, &mut text);
        written.map_err(|error| StorageError::Damaged(Lines::unwritable(&error).message))?;
    }
    held.resize(text.capacity())?;
    Ok((text, held))
}

/// The event in that row.
pub(super) fn hit(chunk: &Chunk, sources: &mut SourceReader<'_>, row: usize, scope: &Scope) -> Hit {
    let position = chunk.position(row);
    let id = match chunk.sender_id(row) {
        Some(id) => EventId(id.to_owned()),
        None => EventId::from_sequence(position.sequence),
    };
    Hit {
        id,
        position,
        ingested_at: Timestamp::from_nanos(chunk.ingested_at()[row]),
        log_type: chunk.log_type,
        source: scope.visible(sources.source(row)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_lie_far_apart_are_read_in_pieces() {
        let rows = |stride: usize| (0..20).map(|number| (number * stride, number)).collect::<Vec<_>>();
        let (near, far) = (rows(1), rows(2 * PAGE_ROWS));
        assert_eq!(pieces_of(&near).collect::<Vec<_>>(), [near.as_slice()]);
        let pieces: Vec<_> = pieces_of(&far).collect();
        assert!(pieces.len() > 1 && pieces.concat() == far, "{pieces:?}");
        assert_eq!(pieces_of(&[]).count(), 0);
    }
}
