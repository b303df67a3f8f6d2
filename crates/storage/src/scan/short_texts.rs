//! Counts short strings: ids of users, addresses. A string is packed into three numbers, which tell it apart exactly and sort
//! as it does, so that counting it touches no other memory than its own entry.
//!
//! Entries lie in many small tables, and what is counted waits in front of its table until there is enough of it: one large
//! table would make every row wait for memory, a small one stays near the processor while it is worked on. Nothing
//! here knows of log types or fields.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Bytes of a string at most.
const BYTES_MAX: usize = 23;
/// Tables; a power of two.
const TABLES: usize = 64;
/// What waits in front of a table at most: so much that the lines of a table of some thousand entries are used more than once
/// while they are near.
const WAITING_MAX: usize = 2_048;
/// Bytes of an entry of a table, its control byte included.
const SLOT_BYTES: usize = size_of::<Counted>() + 1;

/// A string of a few bytes: these from the highest byte of the first number on, and in the lowest of the last how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShortText([u64; 3]);

/// Number by number: as a list they would be hashed as bytes of any length, which takes several times as long.
impl Hash for ShortText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|number| state.write_u64(*number));
    }
}

/// A string and how often it was counted.
pub type Counted = (ShortText, u64);

impl ShortText {
    /// The string, if it is short.
    pub fn new(text: &str) -> Option<Self> {
        let mut packed = [0; BYTES_MAX + 1];
        packed.get_mut(..text.len()).filter(|place| place.len() <= BYTES_MAX)?.copy_from_slice(text.as_bytes());
        packed[BYTES_MAX] = text.len() as u8;
        let (numbers, _) = packed.as_chunks::<8>();
        Some(Self([numbers[0], numbers[1], numbers[2]].map(u64::from_be_bytes)))
    }

    /// The string.
    pub fn to_text(self) -> String {
        let packed: Vec<u8> = self.0.iter().flat_map(|number| number.to_be_bytes()).collect();
        // What was packed was one.
        String::from_utf8_lossy(&packed[..usize::from(packed[BYTES_MAX])]).into_owned()
    }
}

/// How often each string was counted.
pub struct ShortCounts {
    tables: Vec<HashTable<Counted>>,
    waiting: Vec<Vec<Counted>>,
    /// Slots of all tables.
    capacity: usize,
    /// Seeded by chance: senders choose the strings.
    hasher: RandomState,
}

impl Default for ShortCounts {
    fn default() -> Self {
        Self {
            tables: (0..TABLES).map(|_| HashTable::new()).collect(),
            waiting: vec![Vec::new(); TABLES],
            capacity: 0,
            hasher: RandomState::default(),
        }
    }
}

impl ShortCounts {
    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        let waiting: usize = self.waiting.iter().map(Vec::capacity).sum();
        waiting * size_of::<Counted>() + self.capacity * SLOT_BYTES
    }

    /// Counts the string so many times more.
    pub fn add(&mut self, text: ShortText, count: u64) {
        // The tables themselves go by other bits of the hash.
        let table = (self.hasher.hash_one(text) >> 32) as usize % TABLES;
        let waiting = &mut self.waiting[table];
        waiting.push((text, count));
        if waiting.len() >= WAITING_MAX {
            self.count(table);
        }
    }

    fn count(&mut self, number: usize) {
        let (table, hasher) = (&mut self.tables[number], &self.hasher);
        let before = table.capacity();
        for (text, count) in self.waiting[number].drain(..) {
            let entry =
                table.entry(hasher.hash_one(text), |(known, _)| *known == text, |(known, _)| hasher.hash_one(known));
            entry.or_insert((text, 0)).get_mut().1 += count;
        }
        self.capacity += table.capacity() - before;
    }

    /// Every string once, in no order.
    pub fn finish(mut self) -> Vec<Counted> {
        (0..TABLES).for_each(|table| self.count(table));
        let mut all = Vec::with_capacity(self.tables.iter().map(HashTable::len).sum());
        self.tables.into_iter().for_each(|table| all.extend(table));
        all
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_short_strings_are_packed() {
        let check = |text: &str, is_short: bool| {
            let packed = ShortText::new(text);
            assert_eq!(packed.map(ShortText::to_text), is_short.then(|| text.to_owned()));
        };
        check("", true);
        check("u189532", true);
        check("a\0", true);
        check(&"x".repeat(23), true);
        check(&"é".repeat(12), false);
        check(&"x".repeat(1_000), false);
    }

    proptest! {
        #[test]
        fn packed_strings_sort_as_strings_do(left in "[\0a-cé]{0,11}", right in "[\0a-cé]{0,11}") {
            let packed = [&left, &right].map(|text| ShortText::new(text).unwrap());
            prop_assert_eq!(packed[0].cmp(&packed[1]), left.cmp(&right));
        }

        #[test]
        fn every_string_is_counted(numbers in proptest::collection::vec(0_u32..3_000, 0..9_000)) {
            let (mut counts, mut expected) = (ShortCounts::default(), BTreeMap::new());
            for number in numbers {
                let text = format!("u{number}");
                counts.add(ShortText::new(&text).unwrap(), u64::from(number % 3));
                *expected.entry(text).or_insert(0) += u64::from(number % 3);
            }
            let found: Vec<Counted> = counts.finish();
            prop_assert_eq!(found.len(), expected.len());
            let found: BTreeMap<String, u64> = found.into_iter().map(|(text, count)| (text.to_text(), count)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
