//! Names of things as numbers: whoever shares one shares a history.

use std::hash::{DefaultHasher, Hash, Hasher};

/// The hash of a name, or of several that belong together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub u64);

impl Key {
    /// That of these names. The same for the same names in every process of one build; what is kept longer says which build made
    /// it ([`Key::fingerprint`]).
    pub fn of(names: &[&str]) -> Self {
        let mut hasher = DefaultHasher::new();
        names.hash(&mut hasher);
        Self(hasher.finish())
    }

    /// Changes when keys do.
    pub fn fingerprint() -> u64 {
        Self::of(&["vigie", "fraud", "keys"]).0
    }
}
