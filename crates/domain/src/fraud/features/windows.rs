//! The histories of all keys of one kind, such as all cards, within a bound.

use std::collections::hash_map::Entry;

use super::window::LATENESS_NANOS_MAX;
use super::{History, Occurrence, Shards};
use crate::Timestamp;

/// What becomes of an occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is in its place.
    Added,
    /// It was there before; nothing changed.
    Known,
    /// It is older than [`LATENESS_NANOS_MAX`] before the newest of all keys; nothing changed.
    TooLate,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Keys. Past it, those whose newest occurrence is the oldest are forgotten, an eighth of a shard at a time.
    pub keys_max: usize,
    /// Occurrences of a key that are kept singly; older ones are kept by the hour.
    pub kept_max: usize,
}

/// Histories by key. A key is a hash that the caller makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    pub(super) bounds: Bounds,
    pub(super) newest_at: Timestamp,
    pub(super) histories: Shards<History>,
}

impl Windows {
    /// Without any history.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, newest_at: Timestamp::MIN, histories: Shards::new(bounds.keys_max) }
    }

    /// Puts an occurrence in its place in the history of `key`.
    pub fn insert(&mut self, key: u64, occurrence: Occurrence) -> Admission {
        if occurrence.at < self.newest_at.saturating_add_nanos(-LATENESS_NANOS_MAX) {
            return Admission::TooLate;
        }
        self.place(key, occurrence)
    }

    /// Puts an occurrence in its place however late it is: for callers who say themselves what is too late.
    pub fn place(&mut self, key: u64, occurrence: Occurrence) -> Admission {
        let kept_max = self.bounds.kept_max.max(1);
        match self.histories.entry(key) {
            Entry::Occupied(entry) => {
                if !entry.into_mut().insert(occurrence, kept_max) {
                    return Admission::Known;
                }
            }
            Entry::Vacant(entry) => {
                entry.insert(History::default()).insert(occurrence, kept_max);
                self.histories.make_room(key, History::newest_at);
            }
        }
        self.newest_at = self.newest_at.max(occurrence.at);
        Admission::Added
    }

    /// Takes an occurrence out that is kept singly; false when there is none.
    pub fn remove(&mut self, key: u64, at: Timestamp, id: u64) -> bool {
        self.histories.get_mut(key).is_some_and(|history| history.remove(at, id))
    }

    /// The history of a key, when there is one.
    pub fn history(&self, key: u64) -> Option<&History> {
        self.histories.get(key)
    }

    /// Notes that an occurrence was fraud; false when it is unknown or was marked before.
    pub fn mark_fraud(&mut self, key: u64, occurrence: (Timestamp, u64), is_usual: bool) -> bool {
        let (at, id) = occurrence;
        self.histories.get_mut(key).is_some_and(|history| history.mark_fraud(at, id, is_usual))
    }

    /// Takes the mark of a fraud back; false when there is none.
    pub fn clear_fraud(&mut self, key: u64, (at, id): (Timestamp, u64)) -> bool {
        self.histories.get_mut(key).is_some_and(|history| history.clear_fraud(at, id))
    }

    /// How many keys have a history.
    pub fn key_count(&self) -> usize {
        self.histories.len()
    }
}
