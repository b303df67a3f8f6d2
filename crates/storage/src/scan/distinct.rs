//! Distinct values of a field while rows are counted: what is held of a value is a hash of 64 bits and not its text, so that a
//! million strings of any length take some 20 MB.
//!
//! Two values with one hash would count as one. Among a million values that happens once in some 37 million questions,
//! among ten million once in 370,000 (n²/2⁶⁵): exact in practice. Hashes are the same in every part, so that what was counted of
//! parts can be kept and joined; they never leave the process.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use foldhash::fast::RandomState;
use twox_hash::XxHash3_64;
use vigie_domain::event::pseudo_fields;
use vigie_domain::query::Scalar;

use super::collect::Selected;
use super::field_values::FieldValues;
use super::question::Question;
use crate::chunk::Chunk;

/// Seeds: values of different types are different values.
const TEXT_SEED: u64 = 0;
const INT_SEED: u64 = 1;
const FLOAT_SEED: u64 = 2;
const BOOL_SEED: u64 = 3;
const BIG_NUMBER_SEED: u64 = 4;
/// Bytes of a hash in a set, its control byte and free slots included.
const SLOT_BYTES: usize = 11;
/// Hashes are counted in so many ranges, one after the other.
const RANGES: u64 = 256;

/// Hashes of the values of each parent.
#[derive(Default)]
pub struct Distinct {
    sets: Vec<HashSet<u64, RandomState>>,
    /// Slots of all sets.
    capacity: usize,
    /// The dictionary of the rows before, and which of its codes parent 0 has had.
    last: Option<(ArrayRef, Vec<bool>)>,
}

impl Distinct {
    /// Bytes that it holds; what a dictionary takes counts with the rows that it came with.
    pub fn bytes(&self) -> usize {
        let seen = self.last.as_ref().map_or(0, |(_, seen)| seen.len());
        self.sets.capacity() * size_of::<HashSet<u64, RandomState>>() + self.capacity * SLOT_BYTES + seen
    }

    fn insert(&mut self, parent: u32, hash: u64) {
        let place = parent as usize;
        if self.sets.len() <= place {
            self.sets.resize_with(place + 1, HashSet::default);
        }
        let set = &mut self.sets[place];
        let before = set.capacity();
        set.insert(hash);
        self.capacity += set.capacity() - before;
    }

    /// Counts the values of the question's field in the rows.
    pub fn collect(&mut self, question: &Question, chunk: &Chunk, selected: &Selected) {
        let Some(field) = question.field() else { return };
        let values = FieldValues::asked(chunk, field);
        if values.is_empty() {
            return;
        }
        if let Some(codes) = values.as_codes() {
            let texts = codes.values().as_string::<i32>();
            let mut seen = self.seen_of(codes.values());
            for (row, parent) in selected.pairs().filter(|(row, _)| codes.is_valid(*row as usize)) {
                let code = codes.keys().value(row as usize) as usize;
                if parent > 0 || !std::mem::replace(&mut seen[code], true) {
                    self.insert(parent, hash_of_text(texts.value(code)));
                }
            }
            self.last = Some((codes.values().clone(), seen));
            return;
        }
        if field.name.as_deref() == Some(pseudo_fields::LOG_TYPE) {
            let hash = hash_of_text(chunk.log_type.as_str());
            selected.pairs().for_each(|(_, parent)| self.insert(parent, hash));
            return;
        }
        if let Some(texts) = values.as_column().and_then(|column| column.as_string_opt::<i32>()) {
            let valid = selected.pairs().filter(|(row, _)| texts.is_valid(*row as usize));
            valid.for_each(|(row, parent)| self.insert(parent, hash_of_text(texts.value(row as usize))));
            return;
        }
        for (row, parent) in selected.pairs() {
            values.for_each(row as usize, &mut |scalar| self.insert(parent, hash_of(scalar)));
        }
    }

    /// Which codes of the dictionary parent 0 has had: known as long as its chunks come one after the other.
    fn seen_of(&mut self, values: &ArrayRef) -> Vec<bool> {
        match self.last.take() {
            Some((known, seen)) if Arc::ptr_eq(&known, values) => seen,
            _ => vec![false; values.len()],
        }
    }

    /// The hashes of each of so many parents, in order.
    pub fn finish(mut self, parent_count: usize) -> impl Iterator<Item = Vec<u64>> {
        self.last = None;
        self.sets.resize_with(parent_count, HashSet::default);
        self.sets.into_iter().map(|set| {
            let mut hashes: Vec<u64> = set.into_iter().collect();
            hashes.sort_unstable();
            hashes
        })
    }
}

/// How many hashes there are in all lists together, each of which is in order.
pub fn count_distinct(lists: &[Arc<Vec<u64>>]) -> u64 {
    if let [list] = lists {
        return list.len() as u64;
    }
    let mut places = vec![0; lists.len()];
    let (mut count, mut here) = (0, Vec::new());
    for range in 1..=RANGES {
        here.clear();
        for (list, place) in lists.iter().zip(&mut places) {
            let is_before = |hash: &u64| u128::from(*hash) < u128::from(range) << (64 - RANGES.ilog2());
            let end = *place + list[*place..].partition_point(is_before);
            here.extend_from_slice(&list[*place..end]);
            *place = end;
        }
        // Runs that are in order: a stable sort only merges them.
        here.sort();
        here.dedup();
        count += here.len() as u64;
    }
    count
}

fn hash_of_text(text: &str) -> u64 {
    XxHash3_64::oneshot_with_seed(TEXT_SEED, text.as_bytes())
}

/// Of instants by their canonical text.
fn hash_of(scalar: Scalar<'_>) -> u64 {
    let (seed, bytes) = match scalar {
        Scalar::Text(text) => return hash_of_text(text),
        Scalar::Instant(instant) => return hash_of_text(&instant.to_text()),
        Scalar::BigNumber(literal) => return XxHash3_64::oneshot_with_seed(BIG_NUMBER_SEED, literal.as_bytes()),
        Scalar::Bool(flag) => (BOOL_SEED, u64::from(flag)),
        Scalar::Int(number) => (INT_SEED, number as u64),
        Scalar::Float(number) => (FLOAT_SEED, number.to_bits()),
    };
    XxHash3_64::oneshot_with_seed(seed, &bytes.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lists: &[&[u64]], expected: u64) {
        let lists: Vec<Arc<Vec<u64>>> = lists.iter().map(|list| Arc::new(list.to_vec())).collect();
        assert_eq!(count_distinct(&lists), expected, "{lists:?}");
    }

    #[test]
    fn values_in_several_lists_count_once() {
        check(&[], 0);
        check(&[&[1, 2]], 2);
        check(&[&[0, 1, u64::MAX], &[0, 2, u64::MAX - 1, u64::MAX], &[]], 5);
        check(&[&[1 << 56, 2 << 56], &[(1 << 56) - 1, 1 << 56, (2 << 56) + 1]], 4);
    }

    #[test]
    fn types_are_told_apart() {
        let scalars = [
            Scalar::Text("5"),
            Scalar::Int(5),
            Scalar::Float(5.5),
            Scalar::BigNumber("5"),
            Scalar::Bool(true),
            Scalar::Int(1),
        ];
        assert_eq!(scalars.map(hash_of).into_iter().collect::<HashSet<_>>().len(), 6);
    }

    #[test]
    fn a_million_strings_fit_where_two_threads_share_what_a_question_may_hold() {
        let mut distinct = Distinct::default();
        for number in 0..1_000_000 {
            distinct.insert(0, hash_of_text(&format!("a string of some length, number {number}")));
        }
        assert!(distinct.bytes() < 24 * 1024 * 1024, "{} bytes", distinct.bytes());
        let hashes = Arc::new(distinct.finish(1).next().unwrap());
        assert_eq!(count_distinct(&[hashes.clone(), hashes]), 1_000_000);
    }
}
