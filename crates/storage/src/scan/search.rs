//! Finding a page of events in time order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use vigie_domain::ports::{Lines, ScanStats, SearchRequest, SearchResult, SortOrder};
use vigie_domain::query::Matcher;
use vigie_domain::{Position, Scope};

use super::contenders::{Contender, compare, leave_possible, take_unsure};
use super::fetch::{Shown, Spot, fetch, fetch_lines};
use super::filter::{Filter, ScanContext, TimeCheck};
use super::matching::{Candidates, candidates, matching_rows};
use super::{Run, Unit, parallel};
use crate::chunk::column_names;
use crate::error::StorageError;
use crate::part::{PAGE_ROWS, Part, Rows};

/// Rows of a page whose places are not read unless the index leaves them open. Of a larger one, all that may be on it would be many.
const GUESSED_ROWS_MAX: usize = 1_000;

/// Where rows lie is read at once when so many or more of them share a page.
const ROWS_OF_PAGE: usize = 2;

/// What is asked of each unit.
struct Search<'a> {
    run: &'a Run,
    request: &'a SearchRequest,
    filter: &'a Filter,
    /// Rows that the page and what is skipped before it need.
    size: usize,
    /// Whether it is enough to know which events are on the page, in any order.
    is_any_order: bool,
}

/// What some units have.
#[derive(Default)]
struct Found {
    /// All matching rows.
    total: u64,
    /// Those of them that may be among the first `size` in the order asked for.
    contenders: Vec<Contender>,
    stats: ScanStats,
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
    let size = request.skip.saturating_add(request.limit);
    let is_any_order = request.skip == 0 && request.after.is_none() && size <= GUESSED_ROWS_MAX;
    let Page { units, rows, total, mut stats } = Search { run, request, filter, size, is_any_order }.page(units)?;
    let spots: Vec<Spot> = rows.iter().map(|row| row.spot).collect();
    let (mut hits, read) = fetch(run, &units, &spots, Shown { scope, fields: &request.fields }, None)?;
    hits.sort_by(|left, right| compare(request.order, left.position, right.position));
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
    let size = request.skip.saturating_add(request.limit);
    let Page { units, rows, .. } = Search { run, request, filter, size, is_any_order: false }.page(units)?;
    let spots: Vec<Spot> = rows.iter().map(|row| row.spot).collect();
    let texts = fetch_lines(run, &units, &spots, scope)?;
    Ok(Lines { texts, count: rows.len(), last: rows.last().map(|row| row.last) })
}

/// Where the events of a page are.
struct Page {
    /// In the order that `rows` tell their numbers of.
    units: Vec<Unit>,
    /// In their order, unless any is enough.
    rows: Vec<Contender>,
    /// How many match in all, if that was asked for.
    total: u64,
    stats: ScanStats,
}

impl Search<'_> {
    fn page(&self, mut units: Vec<Unit>) -> Result<Page, StorageError> {
        // The span of a unit in memory is looked up once, not for each comparison.
        match self.request.order {
            SortOrder::NewestFirst => units.sort_by_cached_key(|unit| Reverse(self.edge(unit))),
            SortOrder::OldestFirst => units.sort_by_cached_key(|unit| self.edge(unit)),
        }
        let mut all = Found::default();
        if self.request.count_total {
            // Each thread keeps the first of all units that it has seen, not the first of each.
            let begin = || Ok((Found::default(), self.run.memory.hold(0)?));
            let threads = parallel::fold(self.run, units.len(), begin, |(all, held), number| {
                let unit = &units[number];
                let found = match self.known_total(unit).filter(|_| self.is_behind(all, unit)) {
                    Some(total) => Found { total, ..Found::default() },
                    None => self.unit(number, unit)?,
                };
                self.add(all, found);
                held.resize(all.contenders.capacity() * size_of::<Contender>())
            })?;
            threads.into_iter().for_each(|(found, _)| self.add(&mut all, found));
        } else {
            for (number, unit) in units.iter().enumerate().take_while(|_| self.size > 0) {
                if self.is_behind(&all, unit) {
                    break;
                }
                self.run.check()?;
                self.add(&mut all, self.unit(number, unit)?);
            }
        }
        self.settle(&units, &mut all)?;
        let Found { total, contenders: mut rows, stats } = all;
        rows.drain(..self.request.skip.min(rows.len()));
        Ok(Page { units, rows, total, stats })
    }

    /// Reads where those are that may be on the page or not, and leaves those that are.
    fn settle(&self, units: &[Unit], all: &mut Found) -> Result<(), StorageError> {
        let unsure = take_unsure(self.request.order, self.size, &mut all.contenders);
        let (mut placed, guessed): (Vec<Contender>, Vec<Contender>) =
            unsure.into_iter().partition(Contender::is_placed);
        let mut by_unit: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for Contender { spot, .. } in guessed {
            by_unit.entry(spot.unit).or_default().insert(spot.row);
        }
        for (number, rows) in by_unit {
            self.run.check()?;
            if let Unit::Part(part) = &units[number] {
                placed.extend(self.placed(part, number, &rows.into_iter().collect(), &mut all.stats)?);
            }
        }
        let places_left = self.size.saturating_sub(all.contenders.len());
        leave_possible(self.request.order, places_left, &mut placed);
        all.contenders.extend(placed);
        Ok(())
    }

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
        let worst = self.size.checked_sub(1).map(|worst| all.contenders.get(worst));
        worst.is_none_or(|worst| {
            worst.is_some_and(|worst| compare(self.request.order, worst.last, self.edge(unit)).is_lt())
        })
    }

    /// How many events of the unit match, if that is known.
    fn known_total(&self, unit: &Unit) -> Option<u64> {
        match unit {
            Unit::Part(part) => self.filter.kept_total(part, self.run),
            Unit::Memory(_) => None,
        }
    }

    fn is_after(&self, position: Position) -> bool {
        self.request.after.is_none_or(|after| compare(self.request.order, after, position).is_lt())
    }

    /// Adds what a unit has to what others had.
    fn add(&self, all: &mut Found, found: Found) {
        all.total += found.total;
        all.stats.rows_scanned += found.stats.rows_scanned;
        all.stats.bytes_read += found.stats.bytes_read;
        all.contenders.extend(found.contenders);
        leave_possible(self.request.order, self.size, &mut all.contenders);
    }

    fn unit(&self, number: usize, unit: &Unit) -> Result<Found, StorageError> {
        let mut context = ScanContext::new(self.run)?;
        let _positions;
        let (total, mut contenders) = match unit {
            Unit::Memory(_) if candidates(unit, self.filter)?.rows.is_empty() => (0, Vec::new()),
            Unit::Memory(chunk) => {
                context.enter(chunk)?;
                let rows = self.filter.rows(chunk, self.filter.time_check(unit.span()), &mut context.tests);
                let count = rows.count_set_bits();
                _positions = self.run.memory.hold(count * size_of::<Contender>())?;
                let contender = |row| Contender::at(chunk.position(row), Spot { unit: number, row });
                (count as u64, rows.set_indices().map(contender).collect())
            }
            Unit::Part(part) => {
                let (total, rows) = self.part(part, unit, &mut context)?;
                (total, self.contenders(part, number, &rows, &mut context.stats)?)
            }
        };
        contenders.retain(|contender: &Contender| self.is_after(contender.last));
        self.keep_first(&mut contenders);
        Ok(Found { total, contenders, stats: context.stats })
    }

    /// Those that the page may have.
    fn keep_first(&self, contenders: &mut Vec<Contender>) {
        if contenders.len() > self.size && self.size > 0 && contenders.iter().all(Contender::is_placed) {
            let by_place = |left: &Contender, right: &Contender| compare(self.request.order, left.last, right.last);
            contenders.select_nth_unstable_by(self.size - 1, by_place);
            contenders.truncate(self.size);
        }
        leave_possible(self.request.order, self.size, contenders);
    }

    /// The rows of a part with the places between which they lie: their own, or those of their pages when that is enough and
    /// reading their own would mean reading as many pages.
    fn contenders(
        &self,
        part: &Part,
        unit: usize,
        rows: &Rows,
        stats: &mut ScanStats,
    ) -> Result<Vec<Contender>, StorageError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let index = part.index()?.filter(|_| self.is_any_order && rows.page_count() * ROWS_OF_PAGE > rows.count());
        let Some(index) = index else { return self.placed(part, unit, rows, stats) };
        let contender = |row: usize| {
            let page = index.pages.get(row / PAGE_ROWS)?;
            let oldest = Position { timestamp: page.first, sequence: page.min_sequence };
            let newest = Position { timestamp: page.last, sequence: page.max_sequence };
            let (first, last) = match self.request.order {
                SortOrder::NewestFirst => (newest, oldest),
                SortOrder::OldestFirst => (oldest, newest),
            };
            Some(Contender { first, last, spot: Spot { unit, row } })
        };
        let known: Option<Vec<Contender>> = rows.numbers().map(|row| contender(row as usize)).collect();
        known.map_or_else(|| self.placed(part, unit, rows, stats), Ok)
    }

    /// The rows of a part with their own places.
    fn placed(
        &self,
        part: &Part,
        unit: usize,
        rows: &Rows,
        stats: &mut ScanStats,
    ) -> Result<Vec<Contender>, StorageError> {
        let columns = BTreeSet::from([column_names::TIMESTAMP.to_owned(), column_names::SEQUENCE.to_owned()]);
        let (chunk, bytes) = part.fetch_columns(Some(&columns), rows)?;
        stats.bytes_read += bytes;
        let spots = rows.numbers().map(|row| Spot { unit, row: row as usize });
        Ok(spots.enumerate().map(|(place, spot)| Contender::at(chunk.position(place), spot)).collect())
    }

    /// How many rows of a part match, and those that may come first.
    fn part(&self, part: &Part, unit: &Unit, context: &mut ScanContext<'_>) -> Result<(u64, Rows), StorageError> {
        let known = self.known_total(unit).filter(|_| self.request.count_total);
        let all = candidates(unit, self.filter)?;
        if all.rows.is_empty() {
            return Ok((0, Rows::default()));
        }
        let wanted = self.rows_after(part)?;
        if all.time == TimeCheck::Done && matches!(self.filter.matcher, Matcher::All) {
            return Ok((all.rows.count() as u64, self.first_of(&all.rows.within(&wanted))));
        }
        if self.request.count_total && known.is_none() {
            let matching = matching_rows(part, unit, &all, self.filter, context)?;
            self.filter.keep_total(part, self.run, matching.len() as u64);
            let _matching = self.run.memory.hold(matching.capacity() * size_of::<u32>())?;
            let total = matching.len() as u64;
            let matching = matching.into_iter().map(|row| row as usize).filter(|row| wanted.contains(row));
            return Ok((total, self.first_of(&matching.collect())));
        }
        let all = Candidates { rows: all.rows.within(&wanted), time: all.time };
        Ok((known.unwrap_or_default(), self.first_matching(part, unit, &all, context)?))
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
