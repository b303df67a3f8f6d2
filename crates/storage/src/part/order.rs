//! Finds places in the time order of a part without reading all of it.

use std::collections::BTreeSet;

use vigie_domain::{Position, TimeRange};

use super::index::{PAGE_ROWS, PartIndex};
use super::{Part, Rows};
use crate::chunk::column_names;
use crate::error::StorageError;

impl Part {
    /// The rows whose time lies in the range.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rows_in(&self, index: &PartIndex, range: TimeRange) -> Result<Rows, StorageError> {
        if range.covers(self.meta.first, self.meta.last) {
            return Ok(self.all_rows());
        }
        let start = self.rows_before(index, Position { timestamp: range.from, sequence: 0 })?;
        let end = if range.is_before_end(self.meta.last) {
            self.meta.rows as usize
        } else {
            self.rows_before(index, Position { timestamp: range.to, sequence: 0 })?
        };
        Ok(Rows::run(start..end.max(start)))
    }

    /// How many rows come before the position.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rows_before(&self, index: &PartIndex, position: Position) -> Result<usize, StorageError> {
        let row_count = self.meta.rows as usize;
        let mut low = index.pages.partition_point(|page| page.last < position.timestamp);
        let mut high = index.pages.partition_point(|page| page.first <= position.timestamp);
        if position.sequence == 0 && index.pages.get(low).is_some_and(|page| page.first >= position.timestamp) {
            return Ok(low * PAGE_ROWS);
        }
        let columns = BTreeSet::from([column_names::TIMESTAMP.to_owned(), column_names::SEQUENCE.to_owned()]);
        while low < high {
            let page = low + (high - low) / 2;
            let rows = PartIndex::rows_of(page);
            let (chunk, _) = self.fetch_columns(Some(&columns), &Rows::run(rows.start..rows.end.min(row_count)))?;
            let before = (0..chunk.rows()).collect::<Vec<_>>().partition_point(|row| chunk.position(*row) < position);
            match before {
                0 => high = page,
                _ if before == chunk.rows() => low = page + 1,
                _ => return Ok(rows.start + before),
            }
        }
        Ok((low * PAGE_ROWS).min(row_count))
    }
}
