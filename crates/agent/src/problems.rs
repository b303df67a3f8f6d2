//! What is wrong with each source now: told in the log when it changes, and in the state.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Problems kept at most; of more, no further ones are.
const PROBLEMS_MAX: usize = 1_000;

/// What is wrong, by the name of the source.
#[derive(Debug, Default)]
pub struct Problems(Mutex<BTreeMap<String, String>>);

impl Problems {
    /// Something is wrong.
    pub fn note(&self, source: &str, words: &str) {
        let mut problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if problems.get(source).is_some_and(|known| known == words) {
            return;
        }
        if problems.contains_key(source) || problems.len() < PROBLEMS_MAX {
            problems.insert(source.to_owned(), words.to_owned());
        }
        drop(problems);
        tracing::warn!(source, "{words}");
    }

    /// It is well again.
    pub fn clear(&self, source: &str) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(source);
        if let Some(words) = known {
            tracing::info!(source, was = words, "goes on again");
        }
    }

    /// What it was wrong with is not there any more.
    pub fn forget(&self, source: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(source);
    }

    /// All of them.
    pub fn all(&self) -> BTreeMap<String, String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
