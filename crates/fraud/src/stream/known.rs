//! Payments that were heard of, so that one is judged once and counted once, however often it is told.

use vigie_domain::Timestamp;
use vigie_domain::fraud::features::SnapshotError;

use super::shop::read_u64;

/// Of a full store, the share that is forgotten at a time: the oldest.
const FORGOTTEN_SHARE: usize = 8;

/// When each payment was first heard of, by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KnownPayments {
    payments_max: usize,
    first_at: foldhash::HashMap<u64, Timestamp>,
}

impl KnownPayments {
    /// None, and as many at most.
    pub(super) fn new(payments_max: usize) -> Self {
        Self { payments_max, first_at: foldhash::HashMap::default() }
    }

    /// Notes that a payment was heard of; the earliest instant that it was known by before.
    pub(super) fn note(&mut self, id: u64, at: Timestamp) -> Option<Timestamp> {
        if let Some(first) = self.first_at.get_mut(&id) {
            let before = *first;
            *first = before.min(at);
            return Some(before);
        }
        if self.first_at.len() >= self.payments_max {
            self.forget_oldest();
        }
        self.first_at.insert(id, at);
        None
    }

    /// When it was first heard of.
    pub(super) fn at(&self, id: u64) -> Option<Timestamp> {
        self.first_at.get(&id).copied()
    }

    fn forget_oldest(&mut self) {
        let mut oldest: Vec<(Timestamp, u64)> = self.first_at.iter().map(|(id, at)| (*at, *id)).collect();
        let count = (self.payments_max / FORGOTTEN_SHARE).max(1);
        if count >= oldest.len() {
            return self.first_at.clear();
        }
        let (_, first_kept, _) = oldest.select_nth_unstable(count);
        self.first_at.retain(|id, at| (*at, *id) >= *first_kept);
    }

    pub(super) fn write_snapshot(&self, out: &mut Vec<u8>) {
        let mut sorted: Vec<(u64, Timestamp)> = self.first_at.iter().map(|(id, at)| (*id, *at)).collect();
        sorted.sort_unstable();
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
            known.first_at.insert(id, Timestamp::from_nanos(read_u64(bytes)?.cast_signed()));
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
