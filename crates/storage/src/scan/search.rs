//! Finding a page of events in time order, and one event by its id.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::ControlFlow;

use arrow::array::{Array, AsArray};
use vigie_domain::ports::{Hit, ScanStats, SearchRequest, SearchResult, SortOrder};
use vigie_domain::query::Matcher;
use vigie_domain::{EventId, Position, Scope, Timestamp};

use super::filter::{Filter, evaluate};
use super::{ColumnNeeds, Unit};
use crate::chunk::{Chunk, SourceReader, column_names};
use crate::error::StorageError;

/// A matching row; the heap's greatest is the one that leaves the page first.
#[derive(PartialEq, Eq)]
struct Candidate {
    position: Position,
    order: CandidateOrder,
    unit: usize,
    row: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct CandidateOrder(bool);

impl CandidateOrder {
    fn new(order: SortOrder) -> Self {
        Self(order == SortOrder::NewestFirst)
    }

    /// `Less` when `left` comes before `right` on the page.
    fn compare(self, left: Position, right: Position) -> Ordering {
        if self.0 { right.cmp(&left) } else { left.cmp(&right) }
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order.compare(self.position, other.position)
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

struct Page<'a> {
    request: &'a SearchRequest,
    order: CandidateOrder,
    size: usize,
    heap: BinaryHeap<Candidate>,
    total: u64,
    stats: ScanStats,
}

/// The page of events that the request asks for.
///
/// # Errors
/// When a part cannot be read.
pub fn search(
    mut units: Vec<Unit>,
    filter: &Filter,
    request: &SearchRequest,
    scope: &Scope,
) -> Result<SearchResult, StorageError> {
    let order = CandidateOrder::new(request.order);
    let edge = |unit: &Unit| edge_of(order, unit.span());
    units.sort_by(|left, right| order.compare(edge(left), edge(right)));
    let size = request.skip.saturating_add(request.limit);
    let mut page = Page { request, order, size, heap: BinaryHeap::new(), total: 0, stats: ScanStats::default() };
    for (index, unit) in units.iter().enumerate() {
        page.take(index, unit, filter)?;
    }
    let (total, mut stats) = (request.count_total.then_some(page.total), page.stats);
    let mut candidates = page.heap.into_sorted_vec();
    candidates.drain(..request.skip.min(candidates.len()));
    let hits = fetch(&units, &candidates, scope, &mut stats)?;
    Ok(SearchResult { hits, total, stats })
}

/// The place that the first event of a unit may have on a page.
fn edge_of(order: CandidateOrder, (first, last): (Timestamp, Timestamp)) -> Position {
    if order.0 { Position { timestamp: last, sequence: u64::MAX } } else { Position { timestamp: first, sequence: 0 } }
}

impl Page<'_> {
    /// Whether an event at this position would be on the page.
    fn wants(&self, position: Position) -> bool {
        let is_after = self.request.after.is_none_or(|after| self.order.compare(after, position) == Ordering::Less);
        let is_within = self.heap.len() < self.size
            || self.heap.peek().is_some_and(|worst| self.order.compare(position, worst.position) == Ordering::Less);
        is_after && is_within && self.size > 0
    }

    /// Whether any event of the unit may be on the page.
    fn may_want(&self, span: (Timestamp, Timestamp)) -> bool {
        let last = if self.order.0 {
            Position { timestamp: span.0, sequence: 0 }
        } else {
            Position { timestamp: span.1, sequence: u64::MAX }
        };
        let is_after = self.request.after.is_none_or(|after| self.order.compare(after, last) == Ordering::Less);
        let edge = edge_of(self.order, span);
        let is_within = self.heap.len() < self.size
            || self.heap.peek().is_some_and(|worst| self.order.compare(edge, worst.position) != Ordering::Greater);
        is_after && is_within && self.size > 0
    }

    fn take(&mut self, index: usize, unit: &Unit, filter: &Filter) -> Result<(), StorageError> {
        let span = unit.span();
        let may_want = self.may_want(span);
        if !may_want && !self.request.count_total {
            return Ok(());
        }
        let takes_all = filter.takes_all(span);
        if takes_all && !may_want {
            self.total += unit.rows();
            return Ok(());
        }
        let (schema, overflow_fields) = (unit.schema()?, unit.overflow_fields()?);
        let mut needs = ColumnNeeds::new(&schema, &overflow_fields);
        filter.add_needs(&mut needs);
        let bytes = unit.scan(&needs.columns, &mut |first_row, chunk| {
            self.stats.rows_scanned += chunk.rows() as u64;
            self.take_rows(index, first_row, chunk, filter);
            Ok(ControlFlow::Continue(()))
        })?;
        self.stats.bytes_read += bytes;
        Ok(())
    }

    fn take_rows(&mut self, unit: usize, first_row: usize, chunk: &Chunk, filter: &Filter) {
        let rows = filter.rows(chunk);
        self.total += rows.count_set_bits() as u64;
        for row in rows.set_indices() {
            let position = chunk.position(row);
            if self.wants(position) {
                self.heap.push(Candidate { position, order: self.order, unit, row: first_row + row });
                if self.heap.len() > self.size {
                    self.heap.pop();
                }
            }
        }
    }
}

/// Reads the candidates' events, in their order.
fn fetch(
    units: &[Unit],
    candidates: &[Candidate],
    scope: &Scope,
    stats: &mut ScanStats,
) -> Result<Vec<Hit>, StorageError> {
    let mut by_unit: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for (place, candidate) in candidates.iter().enumerate() {
        by_unit.entry(candidate.unit).or_default().push((candidate.row, place));
    }
    let mut hits: Vec<Option<Hit>> = candidates.iter().map(|_| None).collect();
    for (unit, mut rows) in by_unit {
        rows.sort_unstable();
        let chunk = units[unit].fetch(&rows.iter().map(|(row, _)| *row).collect::<Vec<_>>())?;
        stats.rows_scanned += chunk.rows() as u64;
        let mut sources = SourceReader::new(&chunk);
        for (row, (_, place)) in rows.into_iter().enumerate() {
            hits[place] = Some(hit(&chunk, &mut sources, row, scope));
        }
    }
    Ok(hits.into_iter().flatten().collect())
}

fn hit(chunk: &Chunk, sources: &mut SourceReader<'_>, row: usize, scope: &Scope) -> Hit {
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

/// The event with this id that also matches the caller's restriction.
///
/// # Errors
/// When a part cannot be read.
pub fn find_id(
    units: &[Unit],
    id: &EventId,
    restriction: &Matcher,
    scope: &Scope,
) -> Result<Option<Hit>, StorageError> {
    for unit in units {
        let is_candidate = match unit {
            Unit::Memory(_) => true,
            Unit::Part(part) => {
                let holds_sequence = |sequence| (part.meta.min_sequence..=part.meta.max_sequence).contains(&sequence);
                part.meta.has_ids || id.sequence().is_some_and(holds_sequence)
            }
        };
        if is_candidate && let Some(row) = row_of(unit, id)? {
            let chunk = unit.fetch(&[row])?;
            if evaluate(restriction, &chunk).value(0) {
                return Ok(Some(hit(&chunk, &mut SourceReader::new(&chunk), 0, scope)));
            }
        }
    }
    Ok(None)
}

fn row_of(unit: &Unit, id: &EventId) -> Result<Option<usize>, StorageError> {
    let columns = [column_names::SEQUENCE, column_names::ID].map(str::to_owned).into_iter().collect();
    let mut found = None;
    unit.scan(&columns, &mut |first_row, chunk| {
        let ids = chunk.column(column_names::ID).map(AsArray::as_string::<i32>);
        let is_it = |row: &usize| match ids.filter(|ids| ids.is_valid(*row)) {
            Some(ids) => ids.value(*row) == id.0,
            None => id.sequence() == Some(chunk.sequences()[*row]),
        };
        found = (0..chunk.rows()).find(is_it).map(|row| first_row + row);
        Ok(if found.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(found)
}
