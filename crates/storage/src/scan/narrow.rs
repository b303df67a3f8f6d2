//! The rows of a part that match a query, predicate by predicate: each reads its own columns and no others, and only in
//! pages where its filters and the rest of the query leave a chance.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::BooleanBuffer;
use vigie_domain::query::Matcher;

use super::ColumnNeeds;
use super::filter::{ScanContext, add_needs, evaluate};
use super::prune::Asked;
use crate::chunk::column_names;
use crate::error::StorageError;
use crate::part::{Part, PartIndex, Rows};

/// Decides a query over one part.
pub struct Narrowing<'a, 'r> {
    part: &'a Part,
    asked: Asked<'a>,
    context: &'a mut ScanContext<'r>,
}

impl<'a, 'r> Narrowing<'a, 'r> {
    /// Over the part; `None` when it has no index to go by.
    ///
    /// # Errors
    /// When the part cannot be read.
    pub fn new(part: &'a Part, context: &'a mut ScanContext<'r>) -> Result<Option<Self>, StorageError> {
        Ok(Asked::new(part)?.map(|asked| Self { part, asked, context }))
    }

    /// A bit for each row of the part: whether it is one of these and matches.
    ///
    /// # Errors
    /// When the part cannot be read.
    pub fn matching(&mut self, matcher: &Matcher, within: &Rows) -> Result<BooleanBuffer, StorageError> {
        if within.is_empty() {
            return Ok(BooleanBuffer::new_unset(self.row_count()));
        }
        match matcher {
            Matcher::All => Ok(self.bits_of(within)),
            Matcher::Nothing => Ok(BooleanBuffer::new_unset(self.row_count())),
            Matcher::Not(part) => {
                let matching = self.matching(part, within)?;
                Ok(&self.bits_of(within) & &!&matching)
            }
            Matcher::Or(parts) => {
                let mut rows = BooleanBuffer::new_unset(self.row_count());
                for part in parts {
                    rows = &rows | &self.matching(part, within)?;
                }
                Ok(rows)
            }
            Matcher::And(parts) => self.all_of(parts, within),
            Matcher::Field(_) | Matcher::FreeText(_) => self.predicate(matcher, within),
        }
    }

    fn row_count(&self) -> usize {
        self.part.meta.rows as usize
    }

    fn bits_of(&self, rows: &Rows) -> BooleanBuffer {
        let mut bits = BooleanBufferBuilder::new(self.row_count());
        for range in rows.ranges() {
            bits.append_n(range.start - bits.len(), false);
            bits.append_n(range.len(), true);
        }
        bits.append_n(self.row_count() - bits.len(), false);
        bits.finish()
    }

    /// The predicate that reads least comes first; the others read pages with rows that are left.
    fn all_of(&mut self, parts: &[Matcher], within: &Rows) -> Result<BooleanBuffer, StorageError> {
        let mut by_cost: Vec<(usize, &Matcher)> =
            parts.iter().map(|part| (self.asked.pages(part).rows(within).count(), part)).collect();
        by_cost.sort_by_key(|(count, _)| *count);
        let (mut left, mut rows) = (within.clone(), self.bits_of(within));
        for (_, part) in by_cost {
            rows = &rows & &self.matching(part, &left)?;
            if rows.count_set_bits() == 0 {
                break;
            }
            left = pages_with_rows(&rows);
        }
        Ok(rows)
    }

    /// Columns that may pass in the same pages are read together.
    fn predicate(&mut self, predicate: &Matcher, within: &Rows) -> Result<BooleanBuffer, StorageError> {
        let mut reads: Vec<(Rows, BTreeSet<String>)> = Vec::new();
        let columns = self.asked.columns(predicate);
        if columns.is_empty() {
            return self.pseudo(predicate, within);
        }
        for (column, pages) in columns {
            let rows = pages.rows(within);
            let place = reads.iter().position(|(others, _)| *others == rows).unwrap_or_else(|| {
                reads.push((rows, BTreeSet::new()));
                reads.len() - 1
            });
            match column {
                Some(name) => drop(reads[place].1.insert(name.to_owned())),
                None => reads[place].1.extend([column_names::OVERFLOW, column_names::SHAPE].map(str::to_owned)),
            }
        }
        let mut bits = BooleanBufferBuilder::new(self.row_count());
        bits.append_n(self.row_count(), false);
        for (rows, names) in reads {
            self.read(predicate, &names, &rows, &mut bits)?;
        }
        Ok(bits.finish())
    }

    /// A predicate on what is no column of its own name: id, arrival, time, log type. Or on a field that the part lacks.
    fn pseudo(&mut self, predicate: &Matcher, within: &Rows) -> Result<BooleanBuffer, StorageError> {
        let (schema, overflow_fields) = (self.part.schema()?, self.part.overflow_fields()?);
        let mut needs = ColumnNeeds::new(&schema, &overflow_fields);
        add_needs(predicate, &mut needs);
        let mut bits = BooleanBufferBuilder::new(self.row_count());
        bits.append_n(self.row_count(), false);
        self.read(predicate, &needs.columns, &self.asked.pages(predicate).rows(within), &mut bits)?;
        Ok(bits.finish())
    }

    fn read(
        &mut self,
        predicate: &Matcher,
        columns: &BTreeSet<String>,
        rows: &Rows,
        bits: &mut BooleanBufferBuilder,
    ) -> Result<(), StorageError> {
        if rows.is_empty() {
            return Ok(());
        }
        let context = &mut *self.context;
        let bytes = self.part.read_to_decide(columns, rows, &mut |numbers, chunk| {
            let _decoded = context.enter_decoded(&chunk)?;
            let here = evaluate(predicate, &chunk, &mut context.tests);
            here.set_indices().for_each(|place| bits.set_bit(numbers[place] as usize, true));
            Ok(ControlFlow::Continue(()))
        })?;
        self.context.stats.bytes_read += bytes;
        Ok(())
    }
}

/// Every row of the pages in which a bit is set.
fn pages_with_rows(bits: &BooleanBuffer) -> Rows {
    let mut rows = Rows::default();
    let mut next = 0;
    for row in bits.set_indices() {
        if row >= next {
            let page = PartIndex::rows_of(row / crate::part::PAGE_ROWS);
            rows.push(page.start..page.end.min(bits.len()));
            next = page.end;
        }
    }
    rows
}
