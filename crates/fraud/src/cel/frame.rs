//! What a compiled rule looks at while it is worked out: the slots, and the texts of the loops it is in.
//!
//! Frames lie on the stack; a loop within a loop has a frame that knows the outer one.

use vigie_domain::Timestamp;

use super::Slot;
use super::syntax::Span;

/// Why a part of a rule has no value. Of two, the lesser one counts: what is missing before what failed, so that a rule is switched
/// off only by payments that have all it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    /// The slot that is not known.
    Missing(u32),
    /// Where, and why.
    Failed(Span, Cause),
}

/// Why a part of a rule cannot be worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// The result is beyond 64 bits.
    Overflow,
    /// By an int.
    DivisionByZero,
    /// A text that is no number, or a double that is no int.
    NoNumber,
    /// The slot holds something else than the schema says.
    OtherKind,
}

impl Cause {
    /// For the one who wrote the rule.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Overflow => "the result is beyond 64 bits",
            Self::DivisionByZero => "division by zero",
            Self::NoNumber => "not a number of this kind",
            Self::OtherKind => "the value is of another kind than the schema says",
        }
    }
}

/// Two values, if both are there. Both sides are always looked at, so that it does not matter which one comes first.
#[inline]
pub(super) fn both<A, B>(left: Result<A, Stop>, right: Result<B, Stop>) -> Result<(A, B), Stop> {
    match (left, right) {
        (Ok(left), Ok(right)) => Ok((left, right)),
        (Err(left), Err(right)) => Err(left.min(right)),
        (Err(stop), Ok(_)) | (Ok(_), Err(stop)) => Err(stop),
    }
}

/// A slot, and where the rule names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) slot: u32,
    pub(super) span: Span,
}

impl Place {
    /// Why there is no value of the kind that is asked for.
    #[cold]
    fn stop(self, slot: Slot<'_>) -> Stop {
        if slot == Slot::Missing { Stop::Missing(self.slot) } else { Stop::Failed(self.span, Cause::OtherKind) }
    }
}

/// A length of time in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) struct Elapsed(pub(super) i64);

/// A value that is copied about.
pub(super) trait Scalar: Copy + Send + Sync + 'static {
    /// The slot's value, if it is of this kind.
    fn of(slot: Slot<'_>) -> Option<Self>;
}

impl Scalar for bool {
    fn of(slot: Slot<'_>) -> Option<Self> {
        if let Slot::Bool(value) = slot { Some(value) } else { None }
    }
}

impl Scalar for i64 {
    fn of(slot: Slot<'_>) -> Option<Self> {
        if let Slot::Int(value) = slot { Some(value) } else { None }
    }
}

impl Scalar for f64 {
    fn of(slot: Slot<'_>) -> Option<Self> {
        if let Slot::Double(value) = slot { Some(value) } else { None }
    }
}

impl Scalar for Timestamp {
    fn of(slot: Slot<'_>) -> Option<Self> {
        if let Slot::Instant(nanos) = slot { Some(Self::from_nanos(nanos)) } else { None }
    }
}

impl Scalar for Elapsed {
    /// No slot holds one: they are made within rules.
    fn of(_: Slot<'_>) -> Option<Self> {
        None
    }
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    slots: &'a [Slot<'a>],
    /// Of the innermost loop.
    variable: &'a str,
    outer: Option<&'a Frame<'a>>,
}

impl<'a> Frame<'a> {
    /// Outside of all loops.
    pub(super) fn new(slots: &'a [Slot<'a>]) -> Self {
        Self { slots, variable: "", outer: None }
    }

    /// Inside of one more loop.
    pub(super) fn inside(&'a self, variable: &'a str) -> Self {
        Self { slots: self.slots, variable, outer: Some(self) }
    }

    /// The text of a loop, counted from the innermost.
    pub(super) fn variable(&self, loops_outwards: usize) -> &'a str {
        let mut frame = *self;
        for _ in 0..loops_outwards {
            frame = frame.outer.copied().unwrap_or(frame);
        }
        frame.variable
    }

    fn slot(&self, place: Place) -> Slot<'a> {
        self.slots.get(place.slot as usize).copied().unwrap_or(Slot::Missing)
    }

    pub(super) fn is_missing(&self, slot: u32) -> bool {
        self.slots.get(slot as usize).is_none_or(|found| *found == Slot::Missing)
    }

    pub(super) fn read<T: Scalar>(&self, place: Place) -> Result<T, Stop> {
        let slot = self.slot(place);
        T::of(slot).ok_or_else(|| place.stop(slot))
    }

    pub(super) fn text(&self, place: Place) -> Result<&'a str, Stop> {
        let slot = self.slot(place);
        if let Slot::Text(text) = slot { Ok(text) } else { Err(place.stop(slot)) }
    }

    pub(super) fn texts(&self, place: Place) -> Result<&'a [String], Stop> {
        let slot = self.slot(place);
        if let Slot::Texts(texts) = slot { Ok(texts) } else { Err(place.stop(slot)) }
    }
}
