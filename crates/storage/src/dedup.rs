//! Knows what was stored lately, so that sending again stores nothing twice: batch keys and senders' ids.
//!
//! Ids are remembered for 24 h of arrival time as 128-bit hashes: 10^9 of them collide with a probability below 10^-20.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher};

use serde::{Deserialize, Serialize};
use vigie_domain::Timestamp;

/// How long an id or key is remembered, in nanoseconds of arrival time.
pub const REMEMBERED_NS: i64 = 24 * 3_600 * 1_000_000_000;
/// Batch keys remembered at most; the oldest go first.
const KEYS_MAX: usize = 200_000;

/// A batch key and when it was stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredKey {
    /// The key.
    pub key: String,
    /// When its batch was accepted.
    pub stored_at: Timestamp,
}

/// What was stored within the last 24 h.
#[derive(Default)]
pub struct DedupIndex {
    ids: HashMap<u128, i64, NoHash>,
    ids_by_age: VecDeque<(i64, u128)>,
    keys: HashMap<String, Timestamp>,
    keys_by_age: VecDeque<StoredKey>,
}

impl DedupIndex {
    /// Whether the id was stored within 24 h before `now`.
    pub fn has_id(&self, id: &str, now: Timestamp) -> bool {
        self.ids.get(&hash_of(id)).is_some_and(|stored_at| now.as_nanos().saturating_sub(*stored_at) < REMEMBERED_NS)
    }

    /// Remembers the id.
    pub fn add_id(&mut self, id: &str, now: Timestamp) {
        let hash = hash_of(id);
        self.ids.insert(hash, now.as_nanos());
        self.ids_by_age.push_back((now.as_nanos(), hash));
        self.forget_ids_before(now.as_nanos().saturating_sub(REMEMBERED_NS));
    }

    /// Forgets the id: its event is no longer stored.
    pub fn forget_id(&mut self, id: &str) {
        self.ids.remove(&hash_of(id));
    }

    fn forget_ids_before(&mut self, oldest: i64) {
        while let Some((stored_at, hash)) = self.ids_by_age.front().copied()
            && stored_at < oldest
        {
            self.ids_by_age.pop_front();
            if self.ids.get(&hash) == Some(&stored_at) {
                self.ids.remove(&hash);
            }
        }
    }

    /// Whether a batch of that key was stored within 24 h before `now`.
    pub fn has_key(&self, key: &str, now: Timestamp) -> bool {
        self.keys.get(key).is_some_and(|at| now.as_nanos().saturating_sub(at.as_nanos()) < REMEMBERED_NS)
    }

    /// Remembers the key.
    pub fn add_key(&mut self, key: &str, now: Timestamp) {
        if self.keys.insert(key.to_owned(), now).is_none() {
            self.keys_by_age.push_back(StoredKey { key: key.to_owned(), stored_at: now });
        }
        let oldest = now.as_nanos().saturating_sub(REMEMBERED_NS);
        while let Some(front) = self.keys_by_age.front()
            && (front.stored_at.as_nanos() < oldest || self.keys_by_age.len() > KEYS_MAX)
        {
            self.keys.remove(&front.key);
            self.keys_by_age.pop_front();
        }
    }

    /// The keys remembered, oldest first.
    pub fn keys(&self) -> Vec<StoredKey> {
        self.keys_by_age.iter().cloned().collect()
    }
}

/// 128 bits from two differently keyed runs of the standard library's SipHash with fixed keys.
fn hash_of(id: &str) -> u128 {
    let half = |salt: u8| {
        let mut hasher = std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default().build_hasher();
        hasher.write_u8(salt);
        hasher.write(id.as_bytes());
        hasher.finish()
    };
    u128::from(half(1)) << 64 | u128::from(half(2))
}

/// The keys are hashes already.
#[derive(Clone, Default)]
struct NoHash;

impl BuildHasher for NoHash {
    type Hasher = TopBits;

    fn build_hasher(&self) -> TopBits {
        TopBits(0)
    }
}

struct TopBits(u64);

impl Hasher for TopBits {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_hours(hours: i64) -> Timestamp {
        Timestamp::from_seconds(hours * 3_600)
    }

    #[test]
    fn ids_are_known_for_a_day() {
        let mut index = DedupIndex::default();
        index.add_id("a", at_hours(0));
        assert!(index.has_id("a", at_hours(23)));
        assert!(!index.has_id("b", at_hours(23)));
        assert!(!index.has_id("a", at_hours(24)));
        index.add_id("c", at_hours(30));
        assert_eq!(index.ids.len(), 1, "what is too old is forgotten");
    }

    #[test]
    fn an_id_stored_again_later_is_known_from_then() {
        let mut index = DedupIndex::default();
        index.add_id("a", at_hours(0));
        index.add_id("a", at_hours(25));
        index.add_id("b", at_hours(26));
        assert!(index.has_id("a", at_hours(40)));
    }

    #[test]
    fn an_id_that_is_forgotten_is_new() {
        let mut index = DedupIndex::default();
        index.add_id("a", at_hours(0));
        index.forget_id("a");
        index.forget_id("b");
        assert!(!index.has_id("a", at_hours(1)));
        index.add_id("a", at_hours(20));
        index.add_id("c", at_hours(30));
        assert!(index.has_id("a", at_hours(30)), "its age is that of the event that came later");
    }

    #[test]
    fn a_clock_that_jumps_by_an_hour_makes_nothing_new() {
        let mut index = DedupIndex::default();
        index.add_id("a", at_hours(10));
        index.add_key("upload/1", at_hours(10));
        for now in [at_hours(9), at_hours(11)] {
            index.add_id("b", now);
            assert!(index.has_id("a", now) && index.has_key("upload/1", now), "{now:?}");
        }
    }

    #[test]
    fn keys_are_known_for_a_day() {
        let mut index = DedupIndex::default();
        index.add_key("upload/1", at_hours(0));
        assert!(index.has_key("upload/1", at_hours(1)));
        index.add_key("upload/2", at_hours(25));
        assert!(!index.has_key("upload/1", at_hours(25)));
        assert_eq!(index.keys().len(), 1);
    }
}
