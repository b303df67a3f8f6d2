//! Which keys make buckets.

use regex::Regex;

use super::cmp_keys;
use crate::query::compile_regexp;
use crate::value::Value;

/// Keys that make buckets: all unless said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyFilter {
    /// Only these.
    pub includes: Option<KeySet>,
    /// But not these.
    pub excludes: Option<KeySet>,
}

/// A set of keys.
#[derive(Clone, Debug, PartialEq)]
pub enum KeySet {
    /// These.
    Values(Vec<Value>),
    /// Strings that match the expression as a whole.
    Pattern(String),
    /// One of so many shares of all keys; each key is in one of them, and always in the same.
    Share {
        /// Which, from 0 on.
        number: u32,
        /// How many there are, above 0.
        count: u32,
    },
}

/// A filter made ready.
#[derive(Debug, Default)]
pub struct KeyTest {
    includes: Option<SetTest>,
    excludes: Option<SetTest>,
}

#[derive(Debug)]
enum SetTest {
    /// In the order of keys.
    Values(Vec<Value>),
    Pattern(Regex),
    Share {
        number: u32,
        count: u32,
    },
}

impl KeyFilter {
    /// Whether every key makes a bucket.
    pub fn takes_all(&self) -> bool {
        self.includes.is_none() && self.excludes.is_none()
    }

    /// Makes it ready.
    ///
    /// # Errors
    /// What is wrong with an expression or a share, in words.
    pub fn compile(&self) -> Result<KeyTest, String> {
        let compile = |set: &Option<KeySet>| set.as_ref().map(SetTest::new).transpose();
        Ok(KeyTest { includes: compile(&self.includes)?, excludes: compile(&self.excludes)? })
    }
}

impl KeyTest {
    /// Whether the key makes a bucket.
    pub fn passes(&self, key: &Value) -> bool {
        self.includes.as_ref().is_none_or(|set| set.holds(key))
            && !self.excludes.as_ref().is_some_and(|set| set.holds(key))
    }
}

impl SetTest {
    fn new(set: &KeySet) -> Result<Self, String> {
        Ok(match set {
            KeySet::Values(values) => {
                let mut values = values.clone();
                values.sort_by(cmp_keys);
                Self::Values(values)
            }
            KeySet::Pattern(pattern) => Self::Pattern(compile_regexp(pattern)?),
            KeySet::Share { number, count } if number < count => Self::Share { number: *number, count: *count },
            KeySet::Share { number, count } => {
                return Err(format!("the share {number} is none of {count}, which are numbered from 0 on"));
            }
        })
    }

    fn holds(&self, key: &Value) -> bool {
        match self {
            Self::Values(values) => {
                let start = values.partition_point(|value| cmp_keys(value, key).is_lt());
                values[start..].iter().take_while(|value| cmp_keys(value, key).is_eq()).any(|value| value == key)
            }
            Self::Pattern(pattern) => key.as_text().is_some_and(|text| pattern.is_match(text)),
            Self::Share { number, count } => {
                let hash = match key {
                    Value::Text(text) => hash_of(text.as_bytes()),
                    other => hash_of(other.to_json().to_string().as_bytes()),
                };
                hash % u64::from(*count) == u64::from(*number)
            }
        }
    }
}

/// FNV-1a, whose low bits are then mixed with the high ones.
fn hash_of(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, step);
    hash ^ (hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart() {
        let check = |includes: Option<KeySet>, excludes: Option<KeySet>, expected: &[&str]| {
            let test = KeyFilter { includes, excludes }.compile().unwrap();
            let keys = ["cart", "card", "web"].into_iter().filter(|key| test.passes(&Value::text(*key)));
            assert_eq!(keys.collect::<Vec<_>>(), expected);
        };
        let values = |values: &[&str]| Some(KeySet::Values(values.iter().map(|value| Value::text(*value)).collect()));
        let pattern = |pattern: &str| Some(KeySet::Pattern(pattern.to_owned()));
        check(None, None, &["cart", "card", "web"]);
        check(values(&["web", "x"]), None, &["web"]);
        check(pattern("ca.*"), values(&["card"]), &["cart"]);
        check(pattern("ca"), None, &[]);
        check(None, pattern(".*t"), &["card", "web"]);
        let whole =
            KeyFilter { includes: Some(KeySet::Values(vec![Value::Int(5)])), excludes: None }.compile().unwrap();
        assert!(whole.passes(&Value::Int(5)) && !whole.passes(&Value::text("5")));
        for wrong in [KeySet::Share { number: 2, count: 2 }, KeySet::Pattern("(".to_owned())] {
            assert!(KeyFilter { includes: None, excludes: Some(wrong) }.compile().is_err());
        }
    }

    #[test]
    fn every_key_is_in_one_share() {
        let shares: Vec<KeyTest> = (0..3)
            .map(|number| {
                KeyFilter { includes: Some(KeySet::Share { number, count: 3 }), excludes: None }.compile().unwrap()
            })
            .collect();
        let mut sizes = [0; 3];
        for number in 0..300 {
            let key = if number % 2 == 0 { Value::Int(number) } else { Value::text(format!("key-{number}")) };
            let held: Vec<usize> = (0..3).filter(|share| shares[*share].passes(&key)).collect();
            assert_eq!(held.len(), 1, "{key:?}");
            sizes[held[0]] += 1;
        }
        assert!(sizes.iter().all(|size| *size > 50), "{sizes:?}");
    }
}
