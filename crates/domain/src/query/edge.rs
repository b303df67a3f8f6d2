//! One end of a range as values are compared with it.

use super::Bound;

/// An end of a range, read.
#[derive(Debug)]
pub(super) enum Edge<T> {
    /// No bound.
    Open,
    /// The bound itself is within.
    Inclusive(T),
    /// The bound itself is not within.
    Exclusive(T),
}

impl<T: PartialOrd> Edge<T> {
    /// Whether the value lies above it, if it is the lower one.
    pub(super) fn is_above_lower(&self, value: &T) -> bool {
        match self {
            Self::Open => true,
            Self::Inclusive(bound) => value >= bound,
            Self::Exclusive(bound) => value > bound,
        }
    }

    /// Whether the value lies below it, if it is the upper one.
    pub(super) fn is_below_upper(&self, value: &T) -> bool {
        match self {
            Self::Open => true,
            Self::Inclusive(bound) => value <= bound,
            Self::Exclusive(bound) => value < bound,
        }
    }
}

impl<T> Edge<T> {
    /// Reads a bound; `None` when it cannot be read so.
    pub(super) fn read(bound: &Bound, read: &dyn Fn(&str) -> Option<T>) -> Option<Self> {
        match bound {
            Bound::Open => Some(Self::Open),
            Bound::Inclusive(text) => read(text).map(Self::Inclusive),
            Bound::Exclusive(text) => read(text).map(Self::Exclusive),
        }
    }
}
