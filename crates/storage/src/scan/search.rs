//! Finding a page of events in time order, and one event by its id.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

use arrow::array::{Array, AsArray};
use vigie_domain::ports::{Hit, Lines, ScanStats, SearchRequest, SearchResult, SortOrder};
use vigie_domain::query::Matcher;
use vigie_domain::{EventId, Position, Scope};

use super::fetch::{Candidate, Shown, fetch, fetch_lines, hit};
use super::filter::{Filter, ScanContext, Tests, TimeCheck, evaluate};
use super::matching::{Candidates, candidates, matching_rows};
use super::{Run, Unit, parallel};
use crate::chunk::{Chunk, SourceReader, column_names};
use crate::error::StorageError;
use crate::part::{PAGE_ROWS, Part, PartIndex, Rows, hash_of};

/// What is asked of each unit.
struct Search<'a> {
    run: &'a Run,
    request: &'a SearchRequest,
    filter: &'a Filter,
    /// Rows that the page and what is skipped before it need.
    size: usize,
}

/// What some units have.
#[derive(Default)]
struct Found {
    /// All matching rows.
    total: u64,
    /// The first of them in the order asked for, at most `size`.
    candidates: Vec<Candidate>,
    stats: ScanStats,
}

/// How many rows match, and number and place of some of them.
type Positions = (u64, Vec<(usize, Position)>);

/// `Less` when `left` comes before `right` on the page.
fn compare(order: SortOrder, left: Position, right: Position) -> Ordering {
    match order {
        SortOrder::NewestFirst => right.cmp(&left),
        SortOrder::OldestFirst => left.cmp(&right),
    }
}

/// The page of events that the request asks for.
///
/// # Errors
/// When a part cannot be read.
pub fn search(
    run: &Run,
    units: Vec<Unit>,
    filter: &Filter,
    request: &SearchRequest,
    scope: &Scope,
) -> Result<SearchResult, StorageError> {
    let Page { units, rows, total, mut stats } = page(run, units, filter, request)?;
    let (hits, read) = fetch(run, &units, &rows, Shown { scope, fields: &request.fields }, None)?;
    stats.rows_scanned += read.rows_scanned;
    stats.bytes_read += read.bytes_read;
    Ok(SearchResult { hits, total: request.count_total.then_some(total), stats })
}

/// The same page as lines of JSON, each a whole event.
///
/// # Errors
/// When a part cannot be read.
pub fn lines(
    run: &Run,
    units: Vec<Unit>,
    filter: &Filter,
    request: &SearchRequest,
    scope: &Scope,
) -> Result<Lines, StorageError> {
    let Page { units, rows, .. } = page(run, units, filter, request)?;
    fetch_lines(run, &units, &rows, scope)
}

/// Where the events of a page are.
struct Page {
    /// In the order that `rows` tell their numbers of.
    units: Vec<Unit>,
    rows: Vec<Candidate>,
    /// How many match in all, if that was asked for.
    total: u64,
    stats: ScanStats,
}

fn page(run: &Run, mut units: Vec<Unit>, filter: &Filter, request: &SearchRequest) -> Result<Page, StorageError> {
    let search = Search { run, request, filter, size: request.skip.saturating_add(request.limit) };
    // The span of a unit in memory is looked up once, not for each comparison.
    match request.order {
        SortOrder::NewestFirst => units.sort_by_cached_key(|unit| Reverse(search.edge(unit))),
        SortOrder::OldestFirst => units.sort_by_cached_key(|unit| search.edge(unit)),
    }
    let mut all = Found::default();
    if request.count_total {
        // Each thread keeps the first of all units that it has seen, not the first of each.
        let begin = || Ok((Found::default(), run.memory.hold(0)?));
        let threads = parallel::fold(run, units.len(), begin, |(all, held), number| {
            let unit = &units[number];
            let found = match search.known_total(unit).filter(|_| search.is_behind(all, unit)) {
                Some(total) => Found { total, ..Found::default() },
                None => search.unit(number, unit)?,
            };
            search.add(all, found);
            held.resize(all.candidates.capacity() * size_of::<Candidate>())
        })?;
        threads.into_iter().for_each(|(found, _)| search.add(&mut all, found));
    } else {
        for (number, unit) in units.iter().enumerate().take_while(|_| search.size > 0) {
            if search.is_behind(&all, unit) {
                break;
            }
            run.check()?;
            search.add(&mut all, search.unit(number, unit)?);
        }
    }
    let Found { total, candidates: mut rows, stats } = all;
    rows.drain(..request.skip.min(rows.len()));
    Ok(Page { units, rows, total, stats })
}

impl Search<'_> {
    /// The first place that an event of the unit may have on a page.
    fn edge(&self, unit: &Unit) -> Position {
        let (first, last) = unit.span();
        match self.request.order {
            SortOrder::NewestFirst => Position { timestamp: last, sequence: u64::MAX },
            SortOrder::OldestFirst => Position { timestamp: first, sequence: 0 },
        }
    }

    /// Whether the page is full of events that come before those of the unit.
    fn is_behind(&self, all: &Found, unit: &Unit) -> bool {
        let worst = all.candidates.last().filter(|_| all.candidates.len() == self.size);
        let is_before =
            |worst: &Candidate| compare(self.request.order, worst.position, self.edge(unit)) == Ordering::Less;
        self.size == 0 || worst.is_some_and(is_before)
    }

    /// How many events of the unit match, if that is known.
    fn known_total(&self, unit: &Unit) -> Option<u64> {
        match unit {
            Unit::Part(part) => self.filter.kept_total(part, self.run),
            Unit::Memory(_) => None,
        }
    }

    fn is_after(&self, position: Position) -> bool {
        self.request.after.is_none_or(|after| compare(self.request.order, after, position) == Ordering::Less)
    }

    /// Adds what a unit has to what others had.
    fn add(&self, all: &mut Found, found: Found) {
        all.total += found.total;
        all.stats.rows_scanned += found.stats.rows_scanned;
        all.stats.bytes_read += found.stats.bytes_read;
        all.candidates.extend(found.candidates);
        // Two runs in order, which this sort only merges.
        all.candidates.sort_by(|left, right| compare(self.request.order, left.position, right.position));
        all.candidates.truncate(self.size);
    }

    fn unit(&self, number: usize, unit: &Unit) -> Result<Found, StorageError> {
        let mut context = ScanContext::new(self.run)?;
        let _positions;
        let (total, candidates) = match unit {
            Unit::Memory(_) if candidates(unit, self.filter)?.rows.is_empty() => (0, Vec::new()),
            Unit::Memory(chunk) => {
                context.enter(chunk)?;
                let rows = self.filter.rows(chunk, self.filter.time_check(unit.span()), &mut context.tests);
                let count = rows.count_set_bits();
                _positions = self.run.memory.hold(count * size_of::<(usize, Position)>())?;
                (count as u64, rows.set_indices().map(|row| (row, chunk.position(row))).collect())
            }
            Unit::Part(part) => self.part(part, unit, &mut context)?,
        };
        let candidates = candidates.into_iter().map(|(row, position)| Candidate { position, unit: number, row });
        let mut candidates = candidates.filter(|candidate| self.is_after(candidate.position)).collect();
        self.keep_first(&mut candidates);
        Ok(Found { total, candidates, stats: context.stats })
    }

    /// Those that the page may have, in its order.
    fn keep_first(&self, candidates: &mut Vec<Candidate>) {
        let by_position =
            |left: &Candidate, right: &Candidate| compare(self.request.order, left.position, right.position);
        if candidates.len() > self.size && self.size > 0 {
            candidates.select_nth_unstable_by(self.size - 1, by_position);
        }
        candidates.truncate(self.size);
        // Those of a part lie in the order of time or against it, which this sort finds out.
        candidates.sort_by(by_position);
    }

    /// How many rows match, and places of those that may come first.
    fn part(&self, part: &Part, unit: &Unit, context: &mut ScanContext<'_>) -> Result<Positions, StorageError> {
        let known = self.known_total(unit).filter(|_| self.request.count_total);
        let all = candidates(unit, self.filter)?;
        if all.rows.is_empty() {
            return Ok((0, Vec::new()));
        }
        let wanted = self.rows_after(part)?;
        let total;
        let takes_all = all.time == TimeCheck::Done && matches!(self.filter.matcher, Matcher::All);
        let rows = if takes_all {
            total = all.rows.count() as u64;
            self.first_of(&all.rows.within(&wanted))
        } else if self.request.count_total && known.is_none() {
            let matching = matching_rows(part, unit, &all, self.filter, context)?;
            self.filter.keep_total(part, self.run, matching.len() as u64);
            let _matching = self.run.memory.hold(matching.capacity() * size_of::<u32>())?;
            total = matching.len() as u64;
            let matching = matching.into_iter().map(|row| row as usize).filter(|row| wanted.contains(row));
            self.first_of(&matching.collect())
        } else {
            total = known.unwrap_or_default();
            let all = Candidates { rows: all.rows.within(&wanted), time: all.time };
            self.first_matching(part, unit, &all, context)?
        };
        if rows.is_empty() {
            return Ok((total, Vec::new()));
        }
        let columns = BTreeSet::from([column_names::TIMESTAMP.to_owned(), column_names::SEQUENCE.to_owned()]);
        let (chunk, bytes) = part.fetch_columns(Some(&columns), &rows)?;
        context.stats.bytes_read += bytes;
        let positions = rows.numbers().enumerate().map(|(place, row)| (row as usize, chunk.position(place)));
        Ok((total, positions.collect()))
    }

    /// The rows of a part that come after the position that the page begins behind.
    fn rows_after(&self, part: &Part) -> Result<std::ops::Range<usize>, StorageError> {
        let row_count = part.meta.rows as usize;
        let (Some(after), Some(index)) = (self.request.after, part.index()?) else { return Ok(0..row_count) };
        Ok(match self.request.order {
            SortOrder::NewestFirst => 0..part.rows_before(&index, after)?,
            SortOrder::OldestFirst => part.rows_before(&index, after)?..row_count,
        })
    }

    /// The rows among these that come first in the order asked for.
    fn first_of(&self, rows: &Rows) -> Rows {
        let (count, mut first) = (rows.count(), Rows::default());
        let range = match self.request.order {
            SortOrder::NewestFirst => count.saturating_sub(self.size)..count,
            // One row may be the position itself.
            SortOrder::OldestFirst => 0..count.min(self.size.saturating_add(1)),
        };
        let mut passed = 0;
        for own in rows.ranges() {
            let (from, to) = (range.start.max(passed), range.end.min(passed + own.len()));
            if from < to {
                first.push(own.start + from - passed..own.start + to - passed);
            }
            passed += own.len();
        }
        first
    }

    /// The first matching rows, read from the end where they are and no further than needed.
    fn first_matching(
        &self,
        part: &Part,
        unit: &Unit,
        all: &Candidates,
        context: &mut ScanContext<'_>,
    ) -> Result<Rows, StorageError> {
        let mut step = PAGE_ROWS;
        let mut rest = all.rows.clone();
        let mut matching: Vec<u32> = Vec::new();
        while !rest.is_empty() && matching.len() <= self.size {
            let (piece, left) = self.take_first(&rest, step);
            let piece = Candidates { rows: piece, time: all.time };
            matching.extend(matching_rows(part, unit, &piece, self.filter, context)?);
            rest = left;
            step *= 4;
        }
        matching.sort_unstable();
        Ok(self.first_of(&matching.into_iter().map(|row| row as usize).collect()))
    }

    /// About so many rows that come first in the order asked for, and the others.
    fn take_first(&self, rows: &Rows, count: usize) -> (Rows, Rows) {
        let bounds =
            rows.ranges().first().map_or(0, |range| range.start)..rows.ranges().last().map_or(0, |range| range.end);
        let cut = |border: usize| (rows.within(&(bounds.start..border)), rows.within(&(border..bounds.end)));
        match self.request.order {
            SortOrder::NewestFirst => {
                // Pages are read whole, so pieces begin where pages do.
                let border = bounds.end.saturating_sub(count).next_multiple_of(PAGE_ROWS);
                let border = if border >= bounds.end { (bounds.end - 1) / PAGE_ROWS * PAGE_ROWS } else { border };
                let (left, piece) = cut(border.max(bounds.start));
                (piece, left)
            }
            SortOrder::OldestFirst => {
                cut(((bounds.start + count) / PAGE_ROWS * PAGE_ROWS).max(bounds.start + 1).min(bounds.end))
            }
        }
    }
}

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
