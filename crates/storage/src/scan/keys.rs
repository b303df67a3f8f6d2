//! Keys of buckets and distinct values: borrowed where they lie, numbered while they are counted.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::BuildHasher;

use arrow::array::{Array, ArrayRef, AsArray};
use hashbrown::HashTable;
use vigie_domain::Value;
use vigie_domain::aggregation::cmp_keys;
use vigie_domain::query::Scalar;

/// Dictionaries are kept whole until so many times more values lie in them than are needed.
const SPARSE_FACTOR: usize = 4;
/// Bytes of a number in a hash table, its control byte and free slots included.
const TABLE_SLOT_BYTES: usize = 6;

/// A map with a fast hash, seeded by chance: senders choose the keys.
pub type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// A key that is no string.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Bool(bool),
    Int(i64),
    /// The bits of a number that is not whole.
    Float(u64),
    BigNumber(Box<str>),
}

impl Key {
    fn borrow(&self) -> KeyRef<'_> {
        match self {
            Self::Bool(flag) => KeyRef::Bool(*flag),
            Self::Int(number) => KeyRef::Int(*number),
            Self::Float(bits) => KeyRef::Float(*bits),
            Self::BigNumber(literal) => KeyRef::BigNumber(literal),
        }
    }
}

/// A key where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyRef<'a> {
    /// A bool.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// The bits of a number that is not whole.
    Float(u64),
    /// A number literal.
    BigNumber(&'a str),
    /// A string.
    Text(&'a str),
}

impl KeyRef<'_> {
    /// The value that it stands for.
    pub fn to_value(self) -> Value {
        match self {
            Self::Bool(flag) => Value::Bool(flag),
            Self::Int(number) => Value::Int(number),
            Self::Float(bits) => Value::Float(f64::from_bits(bits)),
            Self::BigNumber(literal) => Value::BigNumber(literal.to_owned()),
            Self::Text(text) => Value::text(text),
        }
    }

    /// The string that it is; empty of another key.
    pub fn as_text(&self) -> &str {
        if let Self::Text(text) = self { text } else { "" }
    }

    /// The order of keys in answers.
    pub fn compare(self, other: KeyRef<'_>) -> Ordering {
        match (self, other) {
            (Self::Text(left), KeyRef::Text(right)) => left.cmp(right),
            (left, right) => cmp_keys(&left.to_value(), &right.to_value()),
        }
    }
}

/// Numbers keys from 0 on while rows are counted: codes of dictionaries as they are, other values by what they are.
#[derive(Default)]
pub struct KeySpace {
    /// Values of dictionaries and the number of the first of each.
    dictionaries: Vec<(ArrayRef, u32)>,
    /// Keys that lie in no dictionary, and their numbers.
    owned: Vec<(Key, u32)>,
    by_key: FastMap<Key, u32>,
    texts: TextNumbers,
    len: u32,
    /// Bytes of the dictionaries and of literals.
    elsewhere_bytes: usize,
}

/// Strings that lie in no dictionary, one after the other, and their numbers.
#[derive(Default)]
struct TextNumbers {
    bytes: String,
    /// Where each ends, and its number.
    ends: Vec<(usize, u32)>,
    places: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
}

impl TextNumbers {
    fn text<'a>(bytes: &'a str, ends: &[(usize, u32)], place: u32) -> &'a str {
        let start = (place as usize).checked_sub(1).map_or(0, |before| ends[before].0);
        // Every end is the end of a string that was added whole.
        &bytes[start..ends[place as usize].0]
    }

    /// The number of the string; `next` when it is new.
    fn number(&mut self, text: &str, next: u32) -> u32 {
        let (bytes, ends, hasher) = (&mut self.bytes, &mut self.ends, &self.hasher);
        let known = self.places.find(hasher.hash_one(text), |place| Self::text(bytes, ends, *place) == text);
        if let Some(place) = known {
            return ends[*place as usize].1;
        }
        bytes.push_str(text);
        ends.push((bytes.len(), next));
        let rehash = |place: &u32| hasher.hash_one(Self::text(bytes, ends, *place));
        self.places.insert_unique(hasher.hash_one(text), ends.len() as u32 - 1, rehash);
        next
    }
}

impl KeySpace {
    /// The number of the first value of the dictionary.
    pub fn dictionary(&mut self, values: &ArrayRef) -> u32 {
        if let Some((_, first)) = self.dictionaries.iter().find(|(known, _)| std::sync::Arc::ptr_eq(known, values)) {
            return *first;
        }
        let first = self.len;
        self.len += values.len() as u32;
        self.elsewhere_bytes += values.get_array_memory_size();
        self.dictionaries.push((values.clone(), first));
        first
    }

    /// The number of a string.
    pub fn text(&mut self, text: &str) -> u32 {
        let number = self.texts.number(text, self.len);
        self.len = self.len.max(number + 1);
        number
    }

    /// The number of a key that is no string.
    fn other(&mut self, key: Key) -> u32 {
        if let Some(number) = self.by_key.get(&key) {
            return *number;
        }
        let number = self.len;
        self.len += 1;
        if let Key::BigNumber(literal) = &key {
            self.elsewhere_bytes += 2 * literal.len();
        }
        self.owned.push((key.clone(), number));
        self.by_key.insert(key, number);
        number
    }

    /// The number of a key that another space has.
    pub fn key(&mut self, key: KeyRef<'_>) -> u32 {
        match key {
            KeyRef::Text(text) => self.text(text),
            KeyRef::Bool(flag) => self.other(Key::Bool(flag)),
            KeyRef::Int(number) => self.other(Key::Int(number)),
            KeyRef::Float(bits) => self.other(Key::Float(bits)),
            KeyRef::BigNumber(literal) => self.other(Key::BigNumber(literal.into())),
        }
    }

    /// The number of a scalar; instants by their canonical text.
    pub fn scalar(&mut self, scalar: Scalar<'_>) -> u32 {
        match scalar {
            Scalar::Text(text) => self.text(text),
            Scalar::Instant(instant) => self.text(&instant.to_text()),
            Scalar::Bool(flag) => self.other(Key::Bool(flag)),
            Scalar::Int(number) => self.other(Key::Int(number)),
            Scalar::Float(number) => self.other(Key::Float(number.to_bits())),
            Scalar::BigNumber(literal) => self.other(Key::BigNumber(literal.into())),
        }
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        let texts = self.texts.bytes.capacity() + self.texts.ends.capacity() * size_of::<(usize, u32)>();
        let places = self.texts.places.capacity() * TABLE_SLOT_BYTES;
        let owned = self.owned.capacity() * size_of::<(Key, u32)>();
        let by_key = self.by_key.capacity() * (size_of::<(Key, u32)>() + 1);
        texts + places + owned + by_key + self.elsewhere_bytes
    }

    /// The keys by number, without what was only needed for counting.
    pub fn into_keys(self) -> Keys {
        let TextNumbers { bytes, ends, .. } = self.texts;
        let elsewhere_bytes = self.elsewhere_bytes;
        Keys { dictionaries: self.dictionaries, owned: self.owned, bytes, ends, elsewhere_bytes }
    }
}

/// Keys by number.
#[derive(Debug, Default)]
pub struct Keys {
    dictionaries: Vec<(ArrayRef, u32)>,
    owned: Vec<(Key, u32)>,
    bytes: String,
    ends: Vec<(usize, u32)>,
    elsewhere_bytes: usize,
}

impl Keys {
    /// Bytes that they hold.
    pub fn bytes(&self) -> usize {
        let texts = self.bytes.capacity() + self.ends.capacity() * size_of::<(usize, u32)>();
        texts + self.owned.capacity() * size_of::<(Key, u32)>() + self.elsewhere_bytes
    }

    /// Whether both are the values of one dictionary and no others, so that their numbers are the same.
    pub fn are_the_same(&self, other: &Self) -> bool {
        let only = |keys: &Self| match keys.dictionaries.as_slice() {
            [(values, _)] if keys.owned.is_empty() && keys.ends.is_empty() => Some(values.clone()),
            _ => None,
        };
        only(self).zip(only(other)).is_some_and(|(own, other)| std::sync::Arc::ptr_eq(&own, &other))
    }

    /// Whether they are many more than so many: then those few are better kept alone.
    pub fn are_many_beside(&self, count: usize) -> bool {
        let in_dictionaries: usize = self.dictionaries.iter().map(|(values, _)| values.len()).sum();
        in_dictionaries > SPARSE_FACTOR * count
    }

    /// The key with this number.
    pub fn get(&self, number: u32) -> KeyRef<'_> {
        for (values, first) in &self.dictionaries {
            if let Some(code) = number.checked_sub(*first).filter(|code| (*code as usize) < values.len()) {
                return KeyRef::Text(values.as_string::<i32>().value(code as usize));
            }
        }
        // Numbers ascend in the order in which keys were added, and mostly without gaps.
        if self.ends.get(number as usize).is_some_and(|(_, known)| *known == number) {
            return KeyRef::Text(TextNumbers::text(&self.bytes, &self.ends, number));
        }
        if let Ok(place) = self.ends.binary_search_by_key(&number, |(_, number)| *number) {
            return KeyRef::Text(TextNumbers::text(&self.bytes, &self.ends, place as u32));
        }
        match self.owned.binary_search_by_key(&number, |(_, number)| *number) {
            Ok(place) => self.owned[place].0.borrow(),
            Err(_) => unreachable!("only numbers that were given are asked for"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::StringArray;

    use super::*;

    #[test]
    fn keys_have_their_numbers() {
        let mut space = KeySpace::default();
        let values: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
        let five = space.scalar(Scalar::Int(5));
        let first = space.dictionary(&values);
        assert_eq!((five, first, space.dictionary(&values), space.scalar(Scalar::Int(5))), (0, 1, 1, 0));
        let [other, again, third] = ["b", "b", "c"].map(|text| space.text(text));
        assert_eq!((other, again, third), (3, 3, 4));
        let keys = space.into_keys();
        assert_eq!(keys.get(third), KeyRef::Text("c"));
        assert_eq!(keys.get(five), KeyRef::Int(5));
        assert_eq!(keys.get(first + 1), keys.get(other), "one string is one key wherever it lies");
    }

    #[test]
    fn keys_of_one_dictionary_are_the_same() {
        let values: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
        let equal: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
        let keys = |values: &ArrayRef, text: Option<&str>| {
            let mut space = KeySpace::default();
            space.dictionary(values);
            text.map(|text| space.text(text));
            space.into_keys()
        };
        let own = keys(&values, None);
        assert!(own.are_the_same(&keys(&values, None)));
        assert!(!own.are_the_same(&keys(&equal, None)) && !own.are_the_same(&keys(&values, Some("c"))));
        assert!(!own.are_the_same(&Keys::default()) && !Keys::default().are_the_same(&Keys::default()));
    }
}
