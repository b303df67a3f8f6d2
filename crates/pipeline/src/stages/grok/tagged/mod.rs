//! A tagged automaton: where the groups of an expression lie, with one look into a table for each byte of the text.
//!
//! It is made while it is used, after Laurikari (2000): a state is the ordered list of the places of the expression where a
//! search may stand, each with the registers that hold what its groups have seen so far. Two searches in the same state go the
//! same way from there on, so that a step is worked out only the first time. It finds what an engine that tries every place
//! finds first, and takes a tenth of its time. Where it cannot be sure, another engine has to be asked.

mod cache;
mod step;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use regex_automata::nfa::thompson::{Compiler, Config, NFA};
use regex_automata::util::look::Look;

use super::engine::Place;
use crate::stages::text::PATTERN_SIZE_MAX;
use cache::Cache;

/// Groups that it can keep.
const GROUPS_MAX: usize = 128;
/// What it can tell of the characters around a place, for ASCII where words matter.
const LOOKS: [Look; 6] =
    [Look::Start, Look::End, Look::StartLF, Look::EndLF, Look::WordUnicode, Look::WordUnicodeNegate];

/// An expression, and what is known of its states.
#[derive(Debug)]
pub(super) struct Tagged {
    program: Program,
    /// One for each search that has been under way at the same time.
    caches: Mutex<Vec<Cache>>,
    /// The states were too many for what they saved.
    is_given_up: AtomicBool,
}

/// What a search needs to know of the expression.
#[derive(Debug)]
struct Program {
    nfa: NFA,
    /// The tag that keeps a slot of the NFA, if anything asks for it. The group in place `n` has the tags `2n` and `2n + 1`.
    tag_of_slot: Vec<Option<usize>>,
    tag_count: usize,
    /// Whether something of it depends on the characters around a place.
    looks_around: bool,
}

/// Why a search could not be ended; another engine is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsure {
    /// For this text.
    Text,
    /// For every text: there are more states than it is worth.
    Expression,
}

impl Tagged {
    /// An expression whose groups of these numbers are asked for. `None` when it is none, is too large, or looks at more than it
    /// can tell.
    pub(super) fn new(expression: &str, groups: &[usize]) -> Option<Self> {
        let config = Config::new().nfa_size_limit(Some(PATTERN_SIZE_MAX));
        let nfa = Compiler::new().configure(config).build(expression).ok()?;
        let looks = nfa.look_set_any();
        if groups.len() > GROUPS_MAX || looks.iter().any(|look| !LOOKS.contains(&look)) {
            return None;
        }
        let mut tag_of_slot = vec![None; nfa.group_info().slot_len()];
        for (place, group) in groups.iter().enumerate() {
            *tag_of_slot.get_mut(group * 2)? = Some(place * 2);
            *tag_of_slot.get_mut(group * 2 + 1)? = Some(place * 2 + 1);
        }
        let program = Program { nfa, tag_of_slot, tag_count: groups.len() * 2, looks_around: !looks.is_empty() };
        Some(Self { program, caches: Mutex::default(), is_given_up: AtomicBool::new(false) })
    }

    /// Where the groups lie that are asked for, in their order; `None` when the text is not of this form.
    ///
    /// # Errors
    /// When another engine has to be asked.
    pub(super) fn search(&self, text: &str) -> Result<Option<Vec<Place>>, Unsure> {
        if self.is_given_up.load(Ordering::Relaxed) {
            return Err(Unsure::Expression);
        }
        let kept = self.caches.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut cache = kept.unwrap_or_else(|| Cache::new(&self.program));
        let found = cache.search(&self.program, text);
        if found == Err(Unsure::Expression) {
            self.is_given_up.store(true, Ordering::Relaxed);
            self.caches.lock().unwrap_or_else(PoisonError::into_inner).clear();
        } else {
            self.caches.lock().unwrap_or_else(PoisonError::into_inner).push(cache);
        }
        found
    }
}
