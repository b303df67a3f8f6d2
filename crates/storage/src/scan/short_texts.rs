//! Counts short strings: ids of users, addresses. A string is packed into one, two or three numbers, which tell it apart exactly
//! and sort as it does, so that counting it touches no other memory than its own entry.
//!
//! Entries lie in many small tables, and what is counted waits in front of its table until there is enough of it: one large
//! table would make every row wait for memory, a small one stays near the processor while it is worked on. Nothing
//! here knows of log types or fields.

use std::cmp::Ordering;
use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::answer::first_of;

/// Bytes of a string at most.
const BYTES_MAX: usize = Packed::<3>::BYTES_MAX;
/// Tables of one width; a power of two.
const TABLES: usize = 64;
/// What waits in front of a table at most: so much that the lines of a table of some thousand entries are used more than once
/// while they are near.
const WAITING_MAX: usize = 2_048;
/// Bytes of the entry of a string at most, its control byte included.
pub const SLOT_BYTES_MAX: usize = size_of::<Counted<3>>() + 1;

/// A string of a few bytes: these from the highest byte of the first number on, and in the lowest of the last how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Packed<const N: usize>([u64; N]);

/// Number by number: as a list they would be hashed as bytes of any length, which takes several times as long.
impl<const N: usize> Hash for Packed<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|number| state.write_u64(*number));
    }
}

/// A string and how often it was counted.
type Counted<const N: usize> = (Packed<N>, u64);

impl<const N: usize> Packed<N> {
    /// Bytes of a string at most.
    const BYTES_MAX: usize = N * size_of::<u64>() - 1;

    /// The string, which is no longer than that.
    fn new(text: &str) -> Self {
        let mut numbers = [0; N];
        // Not copied to be read again: the processor would wait for what it has just written.
        let pack = |packed, (place, byte): (usize, &u8)| packed | u64::from(*byte) << (56 - 8 * place);
        for (number, bytes) in numbers.iter_mut().zip(text.as_bytes().chunks(size_of::<u64>())) {
            *number = bytes.try_into().map_or_else(|_| bytes.iter().enumerate().fold(0, pack), u64::from_be_bytes);
        }
        numbers[N - 1] |= text.len() as u64;
        Self(numbers)
    }

    /// The string.
    fn to_text(self) -> String {
        let packed: Vec<u8> = self.0.iter().flat_map(|number| number.to_be_bytes()).collect();
        // What was packed was one.
        String::from_utf8_lossy(&packed[..usize::from(packed[Self::BYTES_MAX])]).into_owned()
    }
}

/// Whether the string is counted here.
pub const fn is_short(text: &str) -> bool {
    text.len() <= BYTES_MAX
}

/// Strings of one width.
struct Tables<const N: usize> {
    tables: Vec<HashTable<Counted<N>>>,
    waiting: Vec<Vec<Counted<N>>>,
    /// Slots of all tables.
    capacity: usize,
    /// Seeded by chance: senders choose the strings.
    hasher: RandomState,
}

impl<const N: usize> Default for Tables<N> {
    fn default() -> Self {
        Self {
            tables: (0..TABLES).map(|_| HashTable::new()).collect(),
            waiting: vec![Vec::new(); TABLES],
            capacity: 0,
            hasher: RandomState::default(),
        }
    }
}

impl<const N: usize> Tables<N> {
    fn bytes(&self) -> usize {
        let waiting: usize = self.waiting.iter().map(Vec::capacity).sum();
        waiting * size_of::<Counted<N>>() + self.capacity * (size_of::<Counted<N>>() + 1)
    }

    fn add(&mut self, text: Packed<N>, count: u64) {
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

    fn finish(mut self) -> Vec<Counted<N>> {
        (0..TABLES).for_each(|table| self.count(table));
        let mut all = Vec::with_capacity(self.tables.iter().map(HashTable::len).sum());
        self.tables.into_iter().for_each(|table| all.extend(table));
        all
    }
}

/// How often each string was counted. Most columns hold strings of one width, and the narrower it is the less memory they touch.
#[derive(Default)]
pub struct ShortCounts {
    narrow: Tables<1>,
    middle: Tables<2>,
    wide: Tables<3>,
}

impl ShortCounts {
    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        self.narrow.bytes() + self.middle.bytes() + self.wide.bytes()
    }

    /// Counts the string so many times more; answers whether it is short.
    pub fn add(&mut self, text: &str, count: u64) -> bool {
        // A byte of the last number says how long the string is.
        match text.len() / size_of::<u64>() {
            0 => self.narrow.add(Packed::new(text), count),
            1 => self.middle.add(Packed::new(text), count),
            2 => self.wide.add(Packed::new(text), count),
            _ => return false,
        }
        true
    }

    /// Counts all that were counted elsewhere.
    pub fn add_all(&mut self, counted: &CountedTexts) {
        counted.narrow.iter().for_each(|(text, count)| self.narrow.add(*text, *count));
        counted.middle.iter().for_each(|(text, count)| self.middle.add(*text, *count));
        counted.wide.iter().for_each(|(text, count)| self.wide.add(*text, *count));
    }

    /// Every string once.
    pub fn finish(self) -> CountedTexts {
        CountedTexts { narrow: self.narrow.finish(), middle: self.middle.finish(), wide: self.wide.finish() }
    }
}

/// Strings, each once and in no order, and how often they were counted.
#[derive(Debug, Default)]
pub struct CountedTexts {
    narrow: Vec<Counted<1>>,
    middle: Vec<Counted<2>>,
    wide: Vec<Counted<3>>,
}

impl CountedTexts {
    /// How many strings.
    pub fn len(&self) -> usize {
        self.narrow.len() + self.middle.len() + self.wide.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        self.narrow.capacity() * size_of::<Counted<1>>()
            + self.middle.capacity() * size_of::<Counted<2>>()
            + self.wide.capacity() * size_of::<Counted<3>>()
    }

    /// The most frequent, as many as asked for, those of one count in the order of the strings; and how many events the others have.
    pub fn into_first(self, size: usize) -> (Vec<(String, u64)>, u64) {
        let mut first = Vec::new();
        let total = take_first(self.narrow, size, &mut first)
            + take_first(self.middle, size, &mut first)
            + take_first(self.wide, size, &mut first);
        first_of(&mut first, size, in_order);
        let behind_count = total - first.iter().map(|(_, count)| count).sum::<u64>();
        (first, behind_count)
    }
}

/// Which of two strings comes first: the more frequent one.
fn in_order<T: Ord>(left: &(T, u64), right: &(T, u64)) -> Ordering {
    right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0))
}

/// Appends the first so many of the strings and answers how many events all of them have.
fn take_first<const N: usize>(mut counted: Vec<Counted<N>>, size: usize, first: &mut Vec<(String, u64)>) -> u64 {
    let total = counted.iter().map(|(_, count)| count).sum();
    first_of(&mut counted, size, in_order);
    first.extend(counted.into_iter().map(|(text, count)| (text.to_text(), count)));
    total
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_short_strings_are_counted() {
        let check = |text: &str, expected: bool| {
            let mut counts = ShortCounts::default();
            assert_eq!((counts.add(text, 3), is_short(text)), (expected, expected), "{text}");
            let first = expected.then(|| (text.to_owned(), 3));
            assert_eq!(counts.finish().into_first(9), (first.into_iter().collect(), 0));
        };
        check("", true);
        check("u189532", true);
        check("u1895320", true);
        check("a\0", true);
        for length in 0..=BYTES_MAX {
            check(&"x".repeat(length), true);
        }
        check(&"é".repeat(12), false);
        check(&"x".repeat(1_000), false);
    }

    proptest! {
        #[test]
        fn packed_strings_sort_as_strings_do(left in "[\0a-cé]{0,3}", right in "[\0a-cé]{0,3}") {
            let packed = [&left, &right].map(|text| Packed::<1>::new(text));
            prop_assert_eq!(packed[0].cmp(&packed[1]), left.cmp(&right));
            let long = [&left, &right].map(|text| format!("{text}{text}{text}"));
            let packed = [&long[0], &long[1]].map(|text| Packed::<3>::new(text));
            prop_assert_eq!(packed[0].cmp(&packed[1]), long[0].cmp(&long[1]));
        }

        #[test]
        fn every_string_is_counted(
            numbers in proptest::collection::vec(0_u32..3_000, 0..9_000),
            cut in 0_usize..9_000,
            size in 0_usize..4_000,
        ) {
            let (mut counts, mut other, mut expected) =
                (ShortCounts::default(), ShortCounts::default(), BTreeMap::new());
            for (place, number) in numbers.into_iter().enumerate() {
                let text = format!("{number}{}", "-".repeat(number as usize % 20));
                if place < cut { &mut counts } else { &mut other }.add(&text, u64::from(number % 3));
                *expected.entry(text).or_insert(0) += u64::from(number % 3);
            }
            counts.add_all(&other.finish());
            let found = counts.finish();
            prop_assert_eq!(found.len(), expected.len());
            let mut expected: Vec<(String, u64)> = expected.into_iter().collect();
            expected.sort_by(in_order);
            let behind = expected.split_off(size.min(expected.len()));
            prop_assert_eq!(found.into_first(size), (expected, behind.iter().map(|(_, count)| count).sum()));
        }
    }
}
