//! What sorts of things are redacted, and how many of each were. No value that was redacted is ever in here.

use std::fmt;

/// A sort of thing that may never be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RedactionKind {
    /// A card number.
    Card,
    /// The three or four digits that prove that somebody holds the card.
    Cvv,
    /// What the magnetic stripe holds.
    Track,
    /// The PIN of a card, also encrypted.
    Pin,
    /// A password.
    Password,
    /// What somebody proves to be logged in with.
    Token,
    /// What browsers send and are sent.
    Cookie,
    /// What a program proves itself with.
    ApiKey,
    /// A secret that two programs share.
    Secret,
    /// The half of a key pair that is nobody else's.
    PrivateKey,
}

impl RedactionKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Card,
        Self::Cvv,
        Self::Track,
        Self::Pin,
        Self::Password,
        Self::Token,
        Self::Cookie,
        Self::ApiKey,
        Self::Secret,
        Self::PrivateKey,
    ];

    /// Its word, as it stands in `[redacted:word]` and in labels of metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Cvv => "cvv",
            Self::Track => "track",
            Self::Pin => "pin",
            Self::Password => "password",
            Self::Token => "token",
            Self::Cookie => "cookie",
            Self::ApiKey => "api_key",
            Self::Secret => "secret",
            Self::PrivateKey => "private_key",
        }
    }

    /// What stands where something of this kind was.
    pub(super) fn mark(self) -> String {
        format!("{MARK_START}{}]", self.as_str())
    }
}

/// How every mark begins.
pub(crate) const MARK_START: &str = "[redacted:";

impl fmt::Display for RedactionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How many things of each kind were redacted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RedactionCounts([u64; RedactionKind::ALL.len()]);

impl RedactionCounts {
    /// How many of that kind.
    pub const fn of(&self, kind: RedactionKind) -> u64 {
        self.0[kind as usize]
    }

    /// How many of any kind.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The kinds of which there were any, with their number.
    pub fn iter(&self) -> impl Iterator<Item = (RedactionKind, u64)> + '_ {
        RedactionKind::ALL.into_iter().map(|kind| (kind, self.of(kind))).filter(|(_, count)| *count > 0)
    }

    /// Counts one more.
    pub(crate) fn note(&mut self, kind: RedactionKind) {
        self.0[kind as usize] += 1;
    }

    /// Adds those of another count.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_counted_each() {
        let mut counts = RedactionCounts::default();
        RedactionKind::ALL.into_iter().for_each(|kind| counts.note(kind));
        counts.note(RedactionKind::Track);
        let mut twice = counts;
        twice.add(&counts);
        assert_eq!((counts.total(), counts.of(RedactionKind::Track), twice.of(RedactionKind::PrivateKey)), (11, 2, 2));
        assert_eq!(counts.iter().count(), RedactionKind::ALL.len());
        assert_eq!(RedactionKind::ApiKey.mark(), "[redacted:api_key]");
    }
}
