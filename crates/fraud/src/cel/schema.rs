//! The names that rules may use, and the values behind them.
//!
//! No values are kept here: whoever evaluates hands over one slot a name, in the order of the names.

use std::collections::HashMap;
use std::fmt;

use super::bounds::SUGGESTED_BYTES_MAX;

/// How alike a name has to be to be suggested, 0 to 1.
const LIKENESS_MIN: f64 = 0.6;

/// What a name holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True or false.
    Bool,
    /// A whole number of 64 bits.
    Int,
    /// A floating-point number of 64 bits.
    Double,
    /// A text.
    Text,
    /// An instant: nanoseconds since 1970-01-01T00:00:00Z.
    Instant,
    /// A list of texts.
    Texts,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Double => "double",
            Self::Text => "text",
            Self::Instant => "instant",
            Self::Texts => "list of texts",
        })
    }
}

/// The value of a name for one payment. One of another kind than the schema says makes a rule that reads it fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Slot<'a> {
    /// Not known.
    Missing,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// A text.
    Text(&'a str),
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    Instant(i64),
    /// A list of texts.
    Texts(&'a [String]),
}

/// Names and kinds; the place of a name is the index of its slot.
#[derive(Clone, Debug)]
pub struct Schema {
    names: Vec<(&'static str, Kind)>,
    places: HashMap<&'static str, usize>,
}

impl Schema {
    /// Of dotted names such as `transaction.amount`. Of equal names the first counts.
    pub fn new(names: &[(&'static str, Kind)]) -> Self {
        let mut places = HashMap::with_capacity(names.len());
        for (place, (name, _)) in names.iter().enumerate() {
            places.entry(*name).or_insert(place);
        }
        Self { names: names.to_vec(), places }
    }

    /// All names, in the order of the slots.
    pub fn names(&self) -> impl Iterator<Item = (&'static str, Kind)> {
        self.names.iter().copied()
    }

    /// The slot of a name.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    pub(super) fn find(&self, name: &str) -> Option<(usize, Kind)> {
        let place = self.place(name)?;
        self.names.get(place).map(|(_, kind)| (place, *kind))
    }

    /// The longest name that this one begins with, up to one of its points.
    pub(super) fn known_beginning<'n>(&self, name: &'n str) -> Option<&'n str> {
        let points = name.rmatch_indices('.').map(|(point, _)| &name[..point]);
        points.into_iter().find(|beginning| self.places.contains_key(beginning))
    }
}

/// The name that was probably meant: the first that ends in it, else the most similar one.
pub(super) fn nearest<'n>(asked: &str, known: impl Iterator<Item = &'n str> + Clone) -> Option<&'n str> {
    if asked.len() > SUGGESTED_BYTES_MAX {
        return None;
    }
    let asked = asked.to_lowercase();
    let ends_in_it = |name: &&str| name.rsplit('.').next().is_some_and(|last| last.to_lowercase() == asked);
    if let Some(name) = known.clone().find(ends_in_it) {
        return Some(name);
    }
    let mut best = None;
    let mut greatest = LIKENESS_MIN;
    for name in known {
        let likeness = strsim::normalized_damerau_levenshtein(&asked, &name.to_lowercase());
        if likeness > greatest {
            (best, greatest) = (Some(name), likeness);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(asked: &str, expected: Option<&str>) {
        let known = ["transaction.amount", "transaction.currency", "user.count_1h", "user.count_24h"];
        assert_eq!(nearest(asked, known.into_iter()), expected, "{asked}");
    }

    #[test]
    fn the_name_that_was_meant_is_suggested() {
        check("amount", Some("transaction.amount"));
        check("Amount", Some("transaction.amount"));
        check("transaction.amout", Some("transaction.amount"));
        check("user.count1h", Some("user.count_1h"));
        check("user.count_24", Some("user.count_24h"));
        check("weather", None);
        check("", None);
        check(&"transaction.amount".repeat(4), None);
    }

    #[test]
    fn slots_are_in_the_order_of_the_names() {
        let schema = Schema::new(&[("a", Kind::Int), ("b.c", Kind::Text), ("a", Kind::Bool)]);
        assert_eq!((schema.place("a"), schema.place("b.c"), schema.place("b")), (Some(0), Some(1), None));
        assert_eq!(schema.find("a"), Some((0, Kind::Int)));
        assert_eq!(schema.names().count(), 3);
        assert_eq!(schema.known_beginning("b.c.d.e"), Some("b.c"));
    }
}
