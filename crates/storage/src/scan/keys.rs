//! Keys of buckets and distinct values: borrowed where they lie, numbered while they are counted.

use std::cmp::Ordering;
use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray};
use vigie_domain::Value;
use vigie_domain::aggregation::cmp_keys;
use vigie_domain::query::Scalar;

/// A map with a fast hash, seeded by chance: senders choose the keys.
pub type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// The key of a bucket, or a distinct value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A bool.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// The bits of a number that is not whole.
    Float(u64),
    /// A number literal.
    BigNumber(Box<str>),
    /// A string.
    Text(Box<str>),
}

impl Key {
    /// The key of a scalar; instants by their canonical text.
    pub fn new(scalar: Scalar<'_>) -> Self {
        match scalar {
            Scalar::Bool(flag) => Self::Bool(flag),
            Scalar::Int(number) => Self::Int(number),
            Scalar::Float(number) => Self::Float(number.to_bits()),
            Scalar::BigNumber(literal) => Self::BigNumber(literal.into()),
            Scalar::Text(text) => Self::Text(text.into()),
            Scalar::Instant(instant) => Self::Text(instant.to_string().into()),
        }
    }

    /// The same, borrowed.
    pub fn borrow(&self) -> KeyRef<'_> {
        match self {
            Self::Bool(flag) => KeyRef::Bool(*flag),
            Self::Int(number) => KeyRef::Int(*number),
            Self::Float(bits) => KeyRef::Float(*bits),
            Self::BigNumber(literal) => KeyRef::BigNumber(literal),
            Self::Text(text) => KeyRef::Text(text),
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
    len: u32,
}

impl KeySpace {
    /// The number of the first value of the dictionary.
    pub fn dictionary(&mut self, values: &ArrayRef) -> u32 {
        if let Some((_, first)) = self.dictionaries.iter().find(|(known, _)| std::sync::Arc::ptr_eq(known, values)) {
            return *first;
        }
        let first = self.len;
        self.len += values.len() as u32;
        self.dictionaries.push((values.clone(), first));
        first
    }

    /// The number of a key.
    pub fn key(&mut self, key: Key) -> u32 {
        if let Some(number) = self.by_key.get(&key) {
            return *number;
        }
        let number = self.len;
        self.len += 1;
        self.owned.push((key.clone(), number));
        self.by_key.insert(key, number);
        number
    }

    /// The keys by number, without what was only needed for counting.
    pub fn into_keys(self) -> Keys {
        Keys { dictionaries: self.dictionaries, owned: self.owned }
    }
}

/// Keys by number.
#[derive(Debug, Default)]
pub struct Keys {
    dictionaries: Vec<(ArrayRef, u32)>,
    owned: Vec<(Key, u32)>,
}

impl Keys {
    /// The key with this number.
    pub fn get(&self, number: u32) -> KeyRef<'_> {
        for (values, first) in &self.dictionaries {
            if let Some(code) = number.checked_sub(*first).filter(|code| (*code as usize) < values.len()) {
                return KeyRef::Text(values.as_string::<i32>().value(code as usize));
            }
        }
        // Numbers ascend in the order in which keys were added.
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
        let five = space.key(Key::Int(5));
        let first = space.dictionary(&values);
        assert_eq!((five, first, space.dictionary(&values), space.key(Key::Int(5))), (0, 1, 1, 0));
        let other = space.key(Key::Text("b".into()));
        let keys = space.into_keys();
        assert_eq!(keys.get(five), KeyRef::Int(5));
        assert_eq!(keys.get(first + 1), keys.get(other), "one string is one key wherever it lies");
    }
}
