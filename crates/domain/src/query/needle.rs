//! What a string must hold to pass a predicate, as far as an index over strings can tell.

/// Something that every string which passes holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needle<'a> {
    /// The string itself.
    Value(&'a str),
    /// All of these folded words (`tokens::words`); at least one.
    Words(&'a [String]),
    /// Nothing that can be told: any string may pass.
    Unknown,
}
