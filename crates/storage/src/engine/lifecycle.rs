//! What the maintenance thread does with indices as they age. The rules are in `care::lifecycle`.

use std::sync::Arc;

use vigie_domain::{Day, LogType};

use super::maintenance::{Maintenance, PartFolder};
use super::merging::narrow_groups;
use crate::care::{Step, is_held};
use crate::error::StorageError;
use crate::part::{Effort, Part};

impl Maintenance {
    /// Does the first thing that is due with an index, if there is one.
    ///
    /// # Errors
    /// What the file system or a damaged part answers; the index is then as it was.
    pub fn age_one(&mut self) -> Result<(), StorageError> {
        let now = (self.options.clock)();
        let unreadable: Vec<(Day, LogType)> = self.parts_that(&|part| part.is_unreadable());
        let is_stuck = |day, log_type| unreadable.contains(&(day, log_type));
        let PartFolder { files, folder, manifest, .. } = &self.parts;
        let due = self.options.lifecycle.due(manifest, now, &|day| is_held(&**files, folder, day), &is_stuck);
        match due.map(|due| (due.day, due.step)) {
            None => Ok(()),
            Some((day, Step::Delete)) => self.delete_index(day),
            Some((day, Step::Recompress(log_type))) => self.recompress(day, log_type),
        }
    }

    fn parts_that(&self, is_meant: &dyn Fn(&Part) -> bool) -> Vec<(Day, LogType)> {
        let state = self.shared.lock();
        state.parts.iter().filter(|part| is_meant(part)).map(|part| (part.meta.day, part.meta.log_type)).collect()
    }

    fn delete_index(&mut self, day: Day) -> Result<(), StorageError> {
        let is_meant = |part: &&Arc<Part>| part.meta.day == day;
        let gone: Vec<Arc<Part>> = self.shared.lock().parts.iter().filter(is_meant).cloned().collect();
        self.exchange(&gone, None)?;
        let event_count: u64 = gone.iter().map(|part| part.meta.rows).sum();
        tracing::info!(index = day.index_name(), event_count, "the index was deleted for its age");
        Ok(())
    }

    fn recompress(&mut self, day: Day, log_type: LogType) -> Result<(), StorageError> {
        let is_meant = |part: &&Arc<Part>| part.meta.day == day && part.meta.log_type == log_type;
        let group: Vec<Arc<Part>> = self.shared.lock().parts.iter().filter(is_meant).cloned().collect();
        let size = |part: &Arc<Part>| part.meta.bytes + part.meta.index_bytes;
        let bytes_before: u64 = group.iter().map(size).sum();
        let mut bytes_after = 0;
        for narrow in narrow_groups(&group, self.columns_max()) {
            bytes_after += self.replace(&narrow, Effort::Hard)?;
        }
        let (index, part_count) = (day.index_name(), group.len());
        tracing::info!(index, %log_type, part_count, bytes_before, bytes_after, "the index was rewritten to be small");
        Ok(())
    }
}
