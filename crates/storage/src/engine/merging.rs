//! Which parts become one, and when: small ones as soon as there are some of a size, all of an index once it is quiet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vigie_domain::Timestamp;

use super::maintenance::Maintenance;
use crate::error::StorageError;
use crate::manifest::PartMeta;
use crate::memtable::ShelfKey;
use crate::part::{self, Effort, Merge, Part};

/// Columns of a merged part beside the dynamic ones that an index may have: those of the mapping and some hundred more, for
/// parts that were written when an index could have other ones.
const MORE_COLUMNS_MAX: usize = 1_000;
/// What the largest of gathered parts may be of the others together: each time that it is rewritten it grows by an eighth at
/// least, so that a trickle of late events does not have a whole day rewritten again and again.
const LARGEST_RATIO_MAX: u64 = 8;

impl Maintenance {
    /// Merges the small parts of one day and log type, if there are enough.
    ///
    /// # Errors
    /// What the file system or a damaged part answers; the parts are then as they were.
    pub fn merge_one(&mut self) -> Result<(), StorageError> {
        let columns_max = self.columns_max();
        let is_small = |part: &Part| part.meta.rows < self.options.merge_rows_max / self.options.merge_fan_in as u64;
        let group_of = |parts| one_tier(parts, self.options.merge_fan_in).filter(|group| is_narrow(group, columns_max));
        let Some(group) = self.shelves(&is_small).into_values().find_map(group_of) else { return Ok(()) };
        self.replace(&group, Effort::Light).map(|_| ())
    }

    /// Puts the parts of a day and log type together of which no event came for a while, if there is room on the disk.
    ///
    /// # Errors
    /// What the file system or a damaged part answers; the parts are then as they were.
    pub fn gather_one(&mut self) -> Result<(), StorageError> {
        let Some(quiet) = self.options.gather_after else { return Ok(()) };
        let until = (self.options.clock)().saturating_add_nanos(-i64::try_from(quiet.as_nanos()).unwrap_or(i64::MAX));
        let columns_max = self.columns_max();
        let worth_it = |parts: &[Arc<Part>]| is_worth_gathering(parts.iter().map(|part| &part.meta));
        // What lies small already is gathered with what came since when its index is rewritten once more.
        let shelves = self.shelves(&|part| !part.meta.is_recompressed);
        let quiet = shelves.into_values().filter(|parts| is_quiet(parts, until) && worth_it(parts));
        let mut groups = quiet.flat_map(|parts| narrow_groups(&parts, columns_max));
        let Some(group) = groups.find(|group| worth_it(group)) else { return Ok(()) };
        let bytes: u64 = group.iter().map(|part| part.meta.bytes + part.meta.index_bytes).sum();
        if self.parts.files.free_bytes(&self.parts.folder)? < bytes.saturating_add(self.options.free_bytes_min) {
            return Ok(());
        }
        self.replace(&group, Effort::Medium).map(|_| ())
    }

    /// The parts of each day and log type, of those that are meant. One that cannot be read would fail every merge again and keep
    /// the others from theirs.
    fn shelves(&self, is_meant: &dyn Fn(&Part) -> bool) -> BTreeMap<ShelfKey, Vec<Arc<Part>>> {
        let mut shelves: BTreeMap<ShelfKey, Vec<Arc<Part>>> = BTreeMap::new();
        for part in self.shared.lock().parts.iter().filter(|part| is_meant(part) && !part.is_unreadable()) {
            shelves.entry((part.meta.day, part.meta.log_type)).or_default().push(part.clone());
        }
        shelves
    }

    /// Columns of a merged part.
    pub fn columns_max(&self) -> usize {
        self.options.fields_max + MORE_COLUMNS_MAX
    }

    /// Puts one part in place of these, which are of one day and log type, and answers its bytes.
    ///
    /// # Errors
    /// What the file system or a damaged part answers; the parts are then as they were.
    pub fn replace(&mut self, group: &[Arc<Part>], effort: Effort) -> Result<u64, StorageError> {
        let metas = || group.iter().map(|part| &part.meta);
        let Some(first) = metas().next() else {
            return Err(StorageError::Damaged("no part to merge".to_owned()));
        };
        let meta = PartMeta {
            last_ingested_at: metas().map(|meta| meta.last_ingested_at).max().unwrap_or_default(),
            has_ids: metas().any(|meta| meta.has_ids),
            is_recompressed: effort == Effort::Hard,
            ..PartMeta::unwritten(first.day, first.log_type)
        };
        let meta = self.write_merged(meta, Merge { parts: group, kept: None, effort })?;
        let bytes = meta.bytes + meta.index_bytes;
        self.exchange(group, Some(meta))?;
        Ok(bytes)
    }

    /// Writes these events to a new part that is described so; the manifest does not list it yet.
    ///
    /// # Errors
    /// What the file system or a damaged part answers; `Stopped` when the engine is to end.
    pub fn write_merged(&mut self, meta: PartMeta, merge: Merge<'_>) -> Result<PartMeta, StorageError> {
        let meta = PartMeta { id: self.parts.next_part(), ..meta };
        let (files, path) = (self.parts.files.clone(), self.parts.path_of(&meta));
        let written = part::merge(&files, &path, merge, &mut || self.tend())?;
        Ok(meta.with_written(&written))
    }
}

/// Whether no event of these came since then.
fn is_quiet(parts: &[Arc<Part>], until: Timestamp) -> bool {
    parts.iter().all(|part| part.meta.last_ingested_at <= until)
}

fn is_worth_gathering<'a>(parts: impl Iterator<Item = &'a PartMeta> + Clone) -> bool {
    let (largest, all) = (parts.clone().map(|part| part.rows).max(), parts.map(|part| part.rows).sum::<u64>());
    largest.is_some_and(|largest| largest <= (all - largest).saturating_mul(LARGEST_RATIO_MAX))
}

/// Whether a part of all their columns would have a bearable number of them: writing holds buffers for each. Indices have
/// a bound of their own; parts that are older than it, or than another setting of it, may stay apart.
fn is_narrow(group: &[Arc<Part>], columns_max: usize) -> bool {
    narrow_groups(group, columns_max).len() <= 1
}

/// The parts in groups that have so many columns together at most; one that alone has more is a group of its own.
pub fn narrow_groups(parts: &[Arc<Part>], columns_max: usize) -> Vec<Vec<Arc<Part>>> {
    let mut groups: Vec<(BTreeSet<String>, Vec<Arc<Part>>)> = Vec::new();
    for part in parts {
        // What cannot be read is told by the merge.
        let columns: BTreeSet<String> = part.schema().map_or_else(
            |_| BTreeSet::new(),
            |schema| schema.fields().iter().map(|field| field.name().clone()).collect(),
        );
        let fits = |(known, _): &&mut (BTreeSet<String>, _)| known.union(&columns).count() <= columns_max;
        match groups.iter_mut().find(fits) {
            Some((known, group)) => {
                known.extend(columns);
                group.push(part.clone());
            }
            None => groups.push((columns, vec![part.clone()])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Parts of similar size, so that no event is rewritten more than a logarithmic number of times.
fn one_tier(mut parts: Vec<Arc<Part>>, fan_in: usize) -> Option<Vec<Arc<Part>>> {
    parts.sort_by_key(|part| part.meta.rows);
    let first = (0..=parts.len().checked_sub(fan_in)?).find(|first| {
        let total: u64 = parts[*first..*first + fan_in].iter().map(|part| part.meta.rows).sum();
        let largest = parts[*first + fan_in - 1].meta.rows;
        largest <= total - largest
    })?;
    Some(parts.drain(first..first + fan_in).collect())
}
