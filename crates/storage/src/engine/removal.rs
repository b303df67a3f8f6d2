//! Removing events: the parts that hold some are written again without them.
//!
//! Nothing is only marked as gone, so that every question stays as fast as it was, and what was removed is in no file any more:
//! see `docs/decisions/0022-deleted-events-are-gone.md`.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::buffer::BooleanBuffer;
use tokio::sync::oneshot;
use vigie_domain::ports::Selection;
use vigie_domain::{Day, Error, ErrorKind, Result, Scope};

use super::LogEngine;
use super::committer::Command;
use super::maintenance::Maintenance;
use crate::care::is_held;
use crate::chunk::column_names;
use crate::error::StorageError;
use crate::part::{Effort, Merge, Part, Rows};
use crate::scan;

/// How often it is looked again for what a merge took away meanwhile.
const ROUNDS_MAX: usize = 16;
/// Seconds after which merging may have come to an end.
const RETRY_AFTER_S: u64 = 5;

/// Rows that are to be removed from a part, and who waits for it.
pub struct Removal {
    /// The part.
    pub part: Arc<Part>,
    /// Its rows, set where they are to go.
    pub gone: BooleanBuffer,
    /// Hears what came of it.
    pub done: oneshot::Sender<Result<Removed>>,
}

/// What came of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// The rows are gone, durably.
    Rows,
    /// Nothing, for the part is no longer listed: its rows lie in another one.
    Nothing,
}

impl LogEngine {
    /// Removes the events that match; how many they were.
    pub(super) async fn remove_matching(&self, scope: &Scope, selection: &Selection) -> Result<u64> {
        let filter = Arc::new(Self::filter(selection, scope)?);
        let mut removed = 0;
        for _ in 0..ROUNDS_MAX {
            // New events are written to parts and their log segments are gone before anything is removed.
            let snapshot = self.snapshot().await?;
            let range = selection.range;
            let in_range = snapshot.parts().iter().filter(|part| range.overlaps(part.meta.first, part.meta.last));
            let (parts, filter): (Vec<Arc<Part>>, _) = (in_range.cloned().collect(), filter.clone());
            let found = self.queries.ask(move |run| scan::matching_sets(run, parts, &filter)).await?;
            if let Some((part, _)) = found.iter().find(|(part, _)| snapshot.is_held(part.meta.day)) {
                return Err(held(part.meta.day));
            }
            // Files are removed once nobody holds their parts.
            drop(snapshot);
            let mut is_done = true;
            for (part, gone) in found {
                let count = gone.count_set_bits() as u64;
                match self.signal.remove(part, gone).await {
                    Ok(Ok(Removed::Rows)) => removed += count,
                    Ok(Ok(Removed::Nothing)) => is_done = false,
                    Ok(Err(error)) => return Err(error),
                    Err(_) => return Err(Error::new(ErrorKind::Unavailable, "the log store has stopped; try again")),
                }
            }
            if is_done {
                return Ok(removed);
            }
        }
        let words = "parts were merged again and again meanwhile, so that some of the events may still be there; delete them again";
        Err(Error::new(ErrorKind::Unavailable, words).with_retry_after_s(RETRY_AFTER_S))
    }
}

fn held(day: Day) -> Error {
    let index = day.index_name();
    let words = format!(
        "the index \"{index}\" is held, so that nothing of it may be deleted; release it with `vigie lifecycle release {index}` first"
    );
    Error::new(ErrorKind::Conflict, words)
}

impl Maintenance {
    /// Removes these rows from the part; durable when it returns.
    ///
    /// # Errors
    /// `Conflict` when its index is held; what the file system or a damaged part answers. The part is then as it was.
    pub fn remove(&mut self, part: &Arc<Part>, gone: &BooleanBuffer) -> Result<Removed> {
        if !self.parts.manifest.parts.iter().any(|listed| listed.id == part.meta.id) {
            return Ok(Removed::Nothing);
        }
        if is_held(&*self.parts.files, &self.parts.folder, part.meta.day) {
            return Err(held(part.meta.day));
        }
        let ids = ids_of(part, gone)?;
        let kept = !gone;
        let rewrite = || {
            let effort = if part.meta.is_recompressed { Effort::Hard } else { Effort::Light };
            let merge = Merge { parts: std::slice::from_ref(part), kept: Some(&kept), effort };
            self.write_merged(part.meta.clone(), merge)
        };
        let written = (kept.count_set_bits() > 0).then(rewrite).transpose()?;
        self.exchange(std::slice::from_ref(part), written)?;
        // Batches that are sent once this is answered come behind it.
        if let (Some(commands), false) = (self.commands.upgrade(), ids.is_empty()) {
            // The thread ends only with the engine.
            let _ = commands.blocking_send(Command::Forget(ids));
        }
        Ok(Removed::Rows)
    }
}

/// What senders called the events in these rows.
fn ids_of(part: &Part, rows: &BooleanBuffer) -> std::result::Result<Vec<String>, StorageError> {
    if !part.meta.has_ids {
        return Ok(Vec::new());
    }
    let columns = [column_names::ID.to_owned()].into_iter().collect();
    let (mut ids, mut numbers) = (Vec::new(), Rows::default());
    rows.set_slices().for_each(|(start, end)| numbers.push(start..end));
    part.read(&columns, &numbers, &mut |_, chunk| {
        let texts = chunk.column(column_names::ID).map(AsArray::as_string::<i32>);
        ids.extend(texts.into_iter().flat_map(|texts| texts.iter().flatten()).map(str::to_owned));
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    Ok(ids)
}
