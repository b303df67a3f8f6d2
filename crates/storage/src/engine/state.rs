//! What searches read and what the committing and the maintenance thread change.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use vigie_domain::{Day, Error, TimeRange};

use crate::chunk::{Exceeding, IndexColumns, IndexRegistry, dynamic_columns};
use crate::memtable::MemTable;
use crate::part::Part;
use crate::scan::{Kept, Unit};

/// Daily indices that a store has at most: each has files of its own for every log type. The window of accepted times lets in
/// a hundred; more come of `any_time` alone.
pub const INDICES_MAX: usize = 4_000;

/// Whether memory has room for more events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// It has.
    There,
    /// It has not, and will not have until the disk has.
    NoneOnDisk,
    /// It had none for too long.
    TooLate,
}

/// Where every event is: in exactly one of the three.
#[derive(Default)]
pub struct State {
    /// Takes new events.
    pub active: MemTable,
    /// Being written to parts.
    pub sealed: Option<Arc<MemTable>>,
    /// Whether there was no room on the disk for its parts when that was last tried.
    pub has_no_room: bool,
    /// Published parts.
    pub parts: Vec<Arc<Part>>,
    /// Of the events that were written to parts since the start.
    pub exceeding: Exceeding,
    days: BTreeSet<Day>,
}

impl State {
    /// These events.
    pub fn new(active: MemTable, parts: Vec<Arc<Part>>, exceeding: Exceeding) -> Self {
        let mut state = Self { active, parts, exceeding, ..Self::default() };
        state.note_days();
        state
    }

    /// Makes an index of each of the days that has none.
    ///
    /// # Errors
    /// `Invalid` when they would be too many; there then are as many as before.
    pub fn add_days(&mut self, days: &BTreeSet<Day>) -> Result<(), Error> {
        let new: Vec<Day> = days.difference(&self.days).copied().collect();
        if let (Some(first), Some(last)) = (new.first(), new.last())
            && self.days.len() + new.len() > INDICES_MAX
        {
            let (count, known) = (new.len(), self.days.len());
            return Err(Error::invalid(format!(
                "{count} days between {first} and {last} have no index yet; there are {known} indices and may be \
                 {INDICES_MAX}: send events of fewer days, or let older indices be deleted (lifecycle.delete_after_days)"
            )));
        }
        self.days.extend(new);
        Ok(())
    }

    /// Finds again of which days there are events, once some are gone.
    pub fn note_days(&mut self) {
        let tables = std::iter::once(&self.active).chain(self.sealed.as_deref());
        let days = self.parts.iter().map(|part| part.meta.day).chain(tables.flat_map(MemTable::days));
        self.days = days.collect();
    }
}

/// The dynamic columns of a part; none of one that cannot be read, which is told by whoever needs its events.
pub fn columns_of(part: &Part) -> BTreeSet<String> {
    part.schema().map_or_else(|_| BTreeSet::new(), |schema| dynamic_columns(&schema, part.meta.log_type).collect())
}

/// The state behind its lock. The lock is held for moments only: nothing is read or built under it.
pub struct SharedState {
    state: Mutex<State>,
    /// What was counted of the parts.
    pub kept: Arc<Kept>,
    indices: IndexRegistry,
    /// Woken whenever `sealed` becomes empty.
    sealed_is_gone: Condvar,
}

impl SharedState {
    /// This state; so many bytes of what will be counted of parts are kept.
    pub fn new(state: State, indices: IndexRegistry, kept_bytes_max: usize) -> Self {
        let kept = Arc::new(Kept::new(kept_bytes_max));
        Self { state: Mutex::new(state), kept, indices, sealed_is_gone: Condvar::new() }
    }

    /// The columns that the index of the day has and may have.
    pub fn index_of(&self, day: Day) -> Arc<IndexColumns> {
        self.indices.of(day, || {
            let state = self.lock();
            let tables = std::iter::once(&state.active).chain(state.sealed.as_deref());
            let chunks: Vec<_> = tables.flat_map(|table| table.chunks_of(day)).cloned().collect();
            let parts: Vec<_> = state.parts.iter().filter(|part| part.meta.day == day).cloned().collect();
            drop(state);
            let in_memory = chunks
                .iter()
                .map(|late| late.get())
                .flat_map(|chunk| dynamic_columns(chunk.batch.schema_ref(), chunk.log_type));
            in_memory.chain(parts.iter().flat_map(|part| columns_of(part))).collect()
        })
    }

    /// Says that the manifest no longer lists the parts: whoever reads them goes on, nothing of them is kept.
    pub fn drop_parts(&self, parts: &[Arc<Part>]) {
        parts.iter().for_each(|part| part.set_obsolete());
        self.kept.forget(parts);
    }

    /// The state, locked.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock cannot leave the state half changed: each change is one assignment or insertion.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes parts in place of the sealed table.
    pub fn publish_flushed(&self, parts: Vec<Arc<Part>>, exceeding: Exceeding) {
        let mut state = self.lock();
        state.exceeding += exceeding;
        state.parts.extend(parts);
        (state.sealed, state.has_no_room) = (None, false);
        drop(state);
        self.sealed_is_gone.notify_all();
    }

    /// Says that the sealed table could not be written to parts, and whether for want of room: then whoever waits for it need not wait.
    pub fn say_unwritten(&self, for_want_of_room: bool) {
        self.lock().has_no_room = for_want_of_room;
        self.sealed_is_gone.notify_all();
    }

    /// Waits until the active table is below `bytes` or no table is sealed.
    pub fn wait_for_room(&self, bytes: usize, timeout: std::time::Duration) -> Room {
        let is_full = |state: &State| state.active.bytes() >= bytes && state.sealed.is_some();
        let waits = |state: &mut State| is_full(state) && !state.has_no_room;
        let (state, _) =
            self.sealed_is_gone.wait_timeout_while(self.lock(), timeout, waits).unwrap_or_else(PoisonError::into_inner);
        match is_full(&state) {
            false => Room::There,
            true if state.has_no_room => Room::NoneOnDisk,
            true => Room::TooLate,
        }
    }

    /// Everything that may hold events of the range, at one moment.
    pub fn units(&self, range: TimeRange) -> Vec<Unit> {
        let state = self.lock();
        let overlaps_day = |day: Day| range.overlaps(day.start(), day.end());
        let mut shelves = state.active.snapshot();
        shelves.extend(state.sealed.iter().flat_map(|sealed| sealed.snapshot()));
        shelves.retain(|((day, _), _)| overlaps_day(*day));
        let parts: Vec<Arc<Part>> =
            state.parts.iter().filter(|part| range.overlaps(part.meta.first, part.meta.last)).cloned().collect();
        drop(state);
        let memory = shelves.into_iter().flat_map(|(_, shelf)| shelf.into_chunks()).map(Unit::Memory);
        let overlaps = |unit: &Unit| {
            let (first, last) = unit.span();
            range.overlaps(first, last)
        };
        memory.filter(overlaps).chain(parts.into_iter().map(Unit::Part)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_bounded() {
        let mut state = State::default();
        let days = |range: std::ops::Range<i32>| range.map(Day).collect::<BTreeSet<_>>();
        assert!(state.add_days(&days(0..INDICES_MAX as i32 - 1)).is_ok());
        let error = state.add_days(&days(-2..3)).unwrap_err();
        assert!(error.message.contains("2 days between 1969.12.30 and 1969.12.31 have no index yet"), "{error}");
        assert!(state.add_days(&days(-1..3)).is_ok(), "what was refused is no index");
        assert!(state.add_days(&days(-1..3)).is_ok(), "known days need no room");
        assert!(state.add_days(&days(-2..-1)).is_err());
        state.note_days();
        assert!(state.add_days(&days(-2..-1)).is_ok(), "days without an event are none");
    }
}
