//! What was found before, by what was asked: bounded, shared by all threads.
//!
//! It forgets by halves: what was not asked for while one half filled up is gone. Forgetting costs time, never a right answer.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, PoisonError};

use foldhash::fast::FixedState;

/// Pieces with a lock each, so that threads seldom wait for one another.
const PIECES: usize = 16;

/// Answers by question.
#[derive(Debug)]
pub(super) struct Kept<K, V> {
    pieces: [Mutex<Piece<K, V>>; PIECES],
    hasher: FixedState,
    half_max: usize,
}

#[derive(Debug)]
struct Piece<K, V> {
    new: HashMap<K, V, FixedState>,
    old: HashMap<K, V, FixedState>,
}

impl<K: Hash + Eq + Clone, V: Clone> Kept<K, V> {
    /// Keeps at most about so many answers.
    pub(super) fn new(count_max: usize) -> Self {
        let piece = |_| Mutex::new(Piece { new: HashMap::default(), old: HashMap::default() });
        Self {
            pieces: std::array::from_fn(piece),
            hasher: FixedState::with_seed(7),
            half_max: (count_max / PIECES / 2).max(1),
        }
    }

    /// The answer, found by `find` if it is not known.
    pub(super) fn get<Q: Hash + Eq + ?Sized>(&self, asked: &Q, find: impl FnOnce() -> (K, V)) -> V
    where
        K: Borrow<Q>,
    {
        let piece = &self.pieces[self.hasher.hash_one(asked) as usize % PIECES];
        let lock = || piece.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut piece = lock();
            if let Some(value) = piece.new.get(asked) {
                return value.clone();
            }
            if let Some((key, value)) = piece.old.remove_entry(asked) {
                self.keep(&mut piece, key, value.clone());
                return value;
            }
        }
        // Others need not wait while it is found.
        let (key, value) = find();
        self.keep(&mut lock(), key, value.clone());
        value
    }

    fn keep(&self, piece: &mut Piece<K, V>, key: K, value: V) {
        if piece.new.len() >= self.half_max {
            piece.old = std::mem::take(&mut piece.new);
        }
        piece.new.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_kept_and_bounded() {
        let kept = Kept::<u64, u64>::new(320);
        for asked in 0..10_000 {
            assert_eq!(kept.get(&asked, || (asked, asked * 2)), asked * 2);
            assert_eq!(kept.get(&asked, || unreachable!("{asked} is known")), asked * 2);
        }
        let count =
            |piece: &Mutex<Piece<u64, u64>>| piece.lock().map(|piece| piece.new.len() + piece.old.len()).unwrap();
        assert!(kept.pieces.iter().map(count).sum::<usize>() <= 320);
    }
}
