//! Partial answers of parts, kept under a bound of bytes: a part never changes, so what was counted of it once holds
//! until it is gone. What has not been asked for longest goes first.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::partial::{Partial, bytes_of};
use crate::part::Part;

/// Bytes of an entry beside what it holds, about.
const ENTRY_BYTES: usize = 160;
/// One entry takes at most this share of all: as much as the numbers of a day's larger part.
const ENTRY_SHARE: usize = 4;
/// So much goes at once when there is no room.
const FREED_SHARE: usize = 8;

/// What was asked of one part.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeptKey {
    /// The part's number, never used twice.
    pub part: u64,
    /// The bounds of the range that lie within the part; none when it covers the part.
    pub cut: [Option<i64>; 2],
    /// The query and whose it is.
    pub filter: Arc<str>,
    /// The question; empty for how many events match.
    pub question: Arc<str>,
}

/// What was counted.
#[derive(Clone, Debug)]
pub enum KeptAnswer {
    /// How many events match.
    Total(u64),
    /// Of a question.
    Partial(Arc<Partial>),
}

impl KeptAnswer {
    fn bytes(&self) -> usize {
        match self {
            Self::Total(_) => 0,
            Self::Partial(partial) => bytes_of(std::slice::from_ref(partial)),
        }
    }
}

#[derive(Debug)]
struct Entry {
    answer: KeptAnswer,
    bytes: usize,
    /// When it was last asked for, counted in questions.
    used: u64,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<KeptKey, Entry>,
    bytes: usize,
    now: u64,
}

/// How often something was kept when it was asked for, and what is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeptNumbers {
    /// How often it was.
    pub hits: u64,
    /// How often it was not.
    pub misses: u64,
    /// How many had to go for others.
    pub evictions: u64,
    /// Bytes kept.
    pub bytes: usize,
}

/// Keeps partial answers.
#[derive(Debug)]
pub struct Kept {
    bytes_max: usize,
    state: Mutex<State>,
    hits: AtomicU64,
    misses: AtomicU64,
    evictions: AtomicU64,
}

impl Kept {
    /// Nothing kept yet; nothing ever is when there is no room.
    pub fn new(bytes_max: usize) -> Self {
        let zero = AtomicU64::default;
        Self { bytes_max, state: Mutex::default(), hits: zero(), misses: zero(), evictions: zero() }
    }

    /// Whether it keeps anything at all.
    pub fn is_on(&self) -> bool {
        self.bytes_max > 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock can leave at most a wrong number of bytes.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was counted, if it is kept.
    pub fn get(&self, key: &KeptKey) -> Option<KeptAnswer> {
        let mut state = self.lock();
        state.now += 1;
        let now = state.now;
        let found = state.entries.get_mut(key).map(|entry| {
            entry.used = now;
            entry.answer.clone()
        });
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// Keeps what was counted of a part, unless the part is gone or it takes too much room.
    pub fn put(&self, part: &Part, key: KeptKey, answer: KeptAnswer) {
        let bytes = answer.bytes() + key.filter.len() + key.question.len() + ENTRY_BYTES;
        if bytes > self.bytes_max / ENTRY_SHARE {
            return;
        }
        let mut state = self.lock();
        // `forget` comes after the part was said to be gone, and waits for this lock.
        if part.is_obsolete() {
            return;
        }
        state.now += 1;
        let used = state.now;
        if let Some(before) = state.entries.insert(key, Entry { answer, bytes, used }) {
            state.bytes -= before.bytes;
        }
        state.bytes += bytes;
        if state.bytes > self.bytes_max {
            let gone = state.make_room(self.bytes_max - self.bytes_max / FREED_SHARE);
            self.evictions.fetch_add(gone, Ordering::Relaxed);
        }
    }

    /// Forgets what was counted of parts that are gone.
    pub fn forget(&self, parts: &[Arc<Part>]) {
        let mut state = self.lock();
        let is_gone = |key: &KeptKey| parts.iter().any(|part| part.meta.id == key.part);
        let mut freed = 0;
        state.entries.retain(|key, entry| {
            let stays = !is_gone(key);
            freed += if stays { 0 } else { entry.bytes };
            stays
        });
        state.bytes -= freed;
    }

    /// How it does.
    pub fn numbers(&self) -> KeptNumbers {
        let [hits, misses, evictions] =
            [&self.hits, &self.misses, &self.evictions].map(|counter| counter.load(Ordering::Relaxed));
        KeptNumbers { hits, misses, evictions, bytes: self.lock().bytes }
    }
}

impl State {
    /// Lets go of what was not used for longest until so many bytes are left; answers how many went.
    fn make_room(&mut self, bytes: usize) -> u64 {
        let mut by_use: Vec<(u64, KeptKey)> =
            self.entries.iter().map(|(key, entry)| (entry.used, key.clone())).collect();
        by_use.sort_unstable_by_key(|(used, _)| *used);
        let mut gone = 0;
        for (_, key) in by_use {
            if self.bytes <= bytes {
                break;
            }
            self.bytes -= self.entries.remove(&key).map_or(0, |entry| entry.bytes);
            gone += 1;
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use vigie_domain::{Day, LogType, Timestamp};

    use super::super::number_lists::NumberList;
    use super::*;
    use crate::manifest::PartMeta;

    fn part(id: u64) -> Arc<Part> {
        let zero = Timestamp::default();
        let meta = PartMeta {
            id,
            day: Day(0),
            log_type: LogType::Error,
            rows: 1,
            bytes: 1,
            index_bytes: 0,
            first: zero,
            last: zero,
            min_sequence: 0,
            max_sequence: 0,
            last_ingested_at: zero,
            has_ids: false,
            is_recompressed: false,
        };
        Arc::new(Part::new(crate::files::os(), meta, std::path::PathBuf::from("/nowhere")))
    }

    fn key(part: u64, question: &str) -> KeptKey {
        KeptKey { part, cut: [None, None], filter: "f".into(), question: question.into() }
    }

    fn is_kept(kept: &Kept, key: &KeptKey) -> bool {
        kept.get(key).is_some()
    }

    #[test]
    fn what_is_asked_again_stays_and_the_bound_holds() {
        let kept = Kept::new(20 * (ENTRY_BYTES + 3));
        let part = part(1);
        for number in 10..90 {
            assert!(is_kept(&kept, &key(1, "10")) || number == 10, "asked each time, gone before {number}");
            kept.put(&part, key(1, &number.to_string()), KeptAnswer::Total(number));
        }
        let numbers = kept.numbers();
        assert!(numbers.bytes <= 20 * (ENTRY_BYTES + 3), "{numbers:?}");
        assert!(numbers.evictions >= 60, "{numbers:?}");
        assert_eq!((numbers.hits, numbers.misses), (79, 1));
        assert!(is_kept(&kept, &key(1, "89")) && !is_kept(&kept, &key(1, "11")));
        assert!(matches!(kept.get(&key(1, "10")), Some(KeptAnswer::Total(10))));
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let kept = Kept::new(40_000);
        let numbers =
            |count| KeptAnswer::Partial(Arc::new(Partial::Numbers(vec![Arc::new(NumberList::new(vec![0.0; count]))])));
        kept.put(&part(1), key(1, "large"), numbers(2_000));
        kept.put(&part(1), key(1, "small"), numbers(1_000));
        assert!(!is_kept(&kept, &key(1, "large")) && is_kept(&kept, &key(1, "small")));
        assert!(kept.numbers().bytes > 8_000);
    }

    #[test]
    fn nothing_is_kept_of_parts_that_are_gone() {
        let kept = Kept::new(1 << 20);
        let (gone, stays) = (part(1), part(2));
        kept.put(&gone, key(1, "a"), KeptAnswer::Total(1));
        kept.put(&stays, key(2, "a"), KeptAnswer::Total(2));
        gone.set_obsolete();
        kept.forget(std::slice::from_ref(&gone));
        kept.put(&gone, key(1, "b"), KeptAnswer::Total(1));
        assert!(!is_kept(&kept, &key(1, "a")) && !is_kept(&kept, &key(1, "b")) && is_kept(&kept, &key(2, "a")));
        kept.forget(&[stays]);
        assert_eq!(kept.numbers().bytes, 0);
    }
}
