//! Counts the matching rows of units for some questions.

use std::ops::ControlFlow;
use std::sync::Arc;

use vigie_domain::ports::ScanStats;
use vigie_domain::query::Matcher;

use super::collect::{Collector, Selected};
use super::filter::{Filter, ScanContext, Tests, TimeCheck};
use super::matching::{Candidates, matching_rows};
use super::partial::Partial;
use super::question::Question;
use super::{ColumnNeeds, Run, Unit};
use crate::chunk::Chunk;
use crate::error::StorageError;
use crate::part::{PAGE_ROWS, Part, PartIndex, Rows};

/// From this share of matching rows on, pages are read whole and not row by row.
pub const DENSE_SHARE: usize = 16;

/// Counting under way.
pub struct Count<'q> {
    filter: &'q Filter,
    collectors: Vec<Collector<'q>>,
    /// Which of them the rows are counted for.
    is_asked: Vec<bool>,
    context: ScanContext<'q>,
    /// How many rows matched so far.
    pub total: u64,
}

impl<'q> Count<'q> {
    /// Nothing counted yet.
    ///
    /// # Errors
    /// When nothing may be held any more.
    pub fn new(run: &'q Run, filter: &'q Filter, questions: Vec<&'q Question>) -> Result<Self, StorageError> {
        let new = |question: &'q Question| Collector::new(question, &run.memory);
        let is_asked = vec![true; questions.len()];
        let collectors = questions.into_iter().map(new).collect::<Result<_, _>>()?;
        Ok(Self { filter, collectors, is_asked, context: ScanContext::new(run)?, total: 0 })
    }

    /// Counts the candidates of a unit for the questions in these places alone; how many match is known already.
    ///
    /// # Errors
    /// As `unit`.
    pub fn unit_for(&mut self, places: &[usize], unit: &Unit, found: &Candidates) -> Result<(), StorageError> {
        let total = self.total;
        (0..).zip(&mut self.is_asked).for_each(|(place, is_asked)| *is_asked = places.contains(&place));
        let counted = self.unit(unit, found);
        self.is_asked.fill(true);
        self.total = total;
        counted
    }

    /// Counts the candidates of a unit.
    ///
    /// # Errors
    /// When a part cannot be read, nobody waits any more or too much would be held.
    pub fn unit(&mut self, unit: &Unit, found: &Candidates) -> Result<(), StorageError> {
        // Dictionaries are shared within a part only.
        self.context.tests = Tests::default();
        match unit {
            _ if found.rows.is_empty() => Ok(()),
            Unit::Memory(chunk) => self.chunk(chunk, found.time),
            Unit::Part(part) => self.part(part, unit, found),
        }
    }

    /// What it cost so far.
    pub fn stats(&self) -> ScanStats {
        self.context.stats
    }

    /// What was counted for each question.
    pub fn finish(self) -> Vec<Partial> {
        self.collectors.into_iter().map(Collector::finish).collect()
    }

    fn chunk(&mut self, chunk: &Arc<Chunk>, time: TimeCheck) -> Result<(), StorageError> {
        self.context.enter(chunk)?;
        let rows: Vec<u32> = self.filter.rows(chunk, time, &mut self.context.tests).set_indices_u32().collect();
        self.total += rows.len() as u64;
        self.collect(chunk, rows)
    }

    fn collect(&mut self, chunk: &Chunk, rows: Vec<u32>) -> Result<(), StorageError> {
        let selected = Selected { parents: vec![0; rows.len()], rows };
        let asked = asked_of(&mut self.collectors, &self.is_asked);
        asked.into_iter().try_for_each(|collector| collector.collect(chunk, &selected, &mut self.context))
    }

    /// The questions that are asked now.
    fn questions(&self) -> impl Iterator<Item = &'q Question> + '_ {
        let asked = self.collectors.iter().zip(&self.is_asked).filter(|(_, is_asked)| **is_asked);
        asked.map(|(collector, _)| collector.question())
    }

    fn part(&mut self, part: &Part, unit: &Unit, found: &Candidates) -> Result<(), StorageError> {
        let rows = &found.rows;
        let takes_all = found.time == TimeCheck::Done && matches!(self.filter.matcher, Matcher::All);
        if takes_all {
            self.total += rows.count() as u64;
            if self.collectors.is_empty() {
                return Ok(());
            }
            let rest = match part.index()? {
                Some(index) if self.questions().all(Question::counts_pages) => {
                    self.count_whole_pages(part, &index, rows)
                }
                _ => rows.clone(),
            };
            return self.read(part, unit, &rest, None);
        }
        let matching = matching_rows(part, unit, found, self.filter, &mut self.context)?;
        let _matching = self.context.run.memory.hold(matching.capacity() * size_of::<u32>())?;
        self.total += matching.len() as u64;
        if self.collectors.is_empty() || matching.is_empty() {
            return Ok(());
        }
        let rows = if matching.len() * DENSE_SHARE < rows.count() {
            matching.iter().map(|row| *row as usize).collect()
        } else {
            pages_of(&matching, part.meta.rows as usize)
        };
        self.read(part, unit, &rows, Some(&matching))
    }

    /// Counts the rows, or those of them that match, for every question.
    fn read(&mut self, part: &Part, unit: &Unit, rows: &Rows, matching: Option<&[u32]>) -> Result<(), StorageError> {
        if rows.is_empty() {
            return Ok(());
        }
        let (schema, overflow_fields) = (unit.schema()?, unit.overflow_fields()?);
        let mut needs = ColumnNeeds::new(&schema, &overflow_fields);
        self.questions().for_each(|question| question.add_needs(&mut needs));
        let mut matching = matching.map(|rows| rows.iter().copied().peekable());
        let bytes = part.read(&needs.columns, rows, &mut |numbers, chunk| {
            let _decoded = self.context.enter_decoded(&chunk)?;
            let places = 0..numbers.len() as u32;
            let selected = match &mut matching {
                None => places.collect(),
                Some(matching) => {
                    places.filter(|place| matching.next_if_eq(&numbers[*place as usize]).is_some()).collect()
                }
            };
            self.collect(&chunk, selected)?;
            Ok(ControlFlow::Continue(()))
        })?;
        self.context.stats.bytes_read += bytes;
        Ok(())
    }

    /// Counts pages that lie in one span of every histogram by their first and last time; answers the rows of the others.
    fn count_whole_pages(&mut self, part: &Part, index: &PartIndex, rows: &Rows) -> Rows {
        let mut rest = Rows::default();
        for (page, span) in index.pages.iter().enumerate() {
            let here = rows.within(&PartIndex::rows_of(page));
            if here.is_empty() {
                continue;
            }
            let times = [span.first.as_nanos(), span.last.as_nanos()];
            let mut asked = asked_of(&mut self.collectors, &self.is_asked);
            if asked.iter().all(|collector| collector.lies_in_one_span(times)) {
                let count = here.count() as u64;
                asked.iter_mut().for_each(|collector| collector.count_page(part.meta.log_type, times[0], count));
            } else {
                here.ranges().iter().for_each(|range| rest.push(range.clone()));
            }
        }
        rest
    }
}

fn asked_of<'c, 'q>(collectors: &'c mut [Collector<'q>], is_asked: &[bool]) -> Vec<&'c mut Collector<'q>> {
    let asked = collectors.iter_mut().zip(is_asked).filter(|(_, is_asked)| **is_asked);
    asked.map(|(collector, _)| collector).collect()
}

/// Every row of the pages that the rows lie in.
pub fn pages_of(rows: &[u32], row_count: usize) -> Rows {
    let mut pages = Rows::default();
    let mut last = None;
    for row in rows {
        let page = *row as usize / PAGE_ROWS;
        if last != Some(page) {
            let range = PartIndex::rows_of(page);
            pages.push(range.start..range.end.min(row_count));
            last = Some(page);
        }
    }
    pages
}

impl Collector<'_> {
    fn lies_in_one_span(&self, [first, last]: [i64; 2]) -> bool {
        let question = self.question();
        question.span_of(first) == question.span_of(last)
    }
}
