//! Payments that were heard of, so that one is judged once and counted once, however often it is told.

use std::collections::hash_map::Entry;

use vigie_domain::Timestamp;
use vigie_domain::fraud::features::{Shards, SnapshotError};

use super::shop::read_u64;

/// When each payment was first heard of, by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KnownPayments {
    first_at: Shards<Timestamp>,
}

impl KnownPayments {
    /// None, and as many at most.
    pub(super) fn new(payments_max: usize) -> Self {
        Self { first_at: Shards::new(payments_max) }
    }

    /// Notes that a payment was heard of; the earliest instant that it was known by before.
    pub(super) fn note(&mut self, id: u64, at: Timestamp) -> Option<Timestamp> {
        match self.first_at.entry(id) {
            Entry::Occupied(mut first) => {
                let before = *first.get();
                first.insert(before.min(at));
                Some(before)
            }
            Entry::Vacant(place) => {
                place.insert(at);
                // Those that were heard of first go first.
                self.first_at.make_room(id, |first| *first);
                None
            }
        }
    }

    /// When it was first heard of.
    pub(super) fn at(&self, id: u64) -> Option<Timestamp> {
        self.first_at.get(id).copied()
    }

    pub(super) fn write_snapshot(&self, out: &mut Vec<u8>) {
        let sorted = self.first_at.sorted();
        out.extend_from_slice(&(sorted.len() as u64).to_le_bytes());
        for (id, at) in sorted {
            out.extend_from_slice(&id.to_le_bytes());
            out.extend_from_slice(&at.as_nanos().to_le_bytes());
        }
    }

    pub(super) fn read_snapshot(bytes: &mut &[u8], payments_max: usize) -> Result<Self, SnapshotError> {
        let mut known = Self::new(payments_max);
        for _ in 0..read_u64(bytes)? {
            let id = read_u64(bytes)?;
            known.first_at.entry(id).insert_entry(Timestamp::from_nanos(read_u64(bytes)?.cast_signed()));
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_first() {
        let mut known = KnownPayments::new(16);
        for second in 0..17 {
            assert_eq!(known.note(second, Timestamp::from_seconds(second.cast_signed())), None);
        }
        assert_eq!((known.at(0), known.at(1)), (None, None));
        assert_eq!(known.note(2, Timestamp::from_seconds(1)), Some(Timestamp::from_seconds(2)));
        assert_eq!(known.at(2), Some(Timestamp::from_seconds(1)));
    }
}
