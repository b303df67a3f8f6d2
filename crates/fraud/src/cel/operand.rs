//! Parts of a rule whose value is a scalar: known beforehand, in a slot, or worked out by a closure.
//!
//! The commonest pairs, a slot and a constant, get closures of their own; what only depends on constants is worked out at once.

use super::frame::{Frame, Place, Scalar, Stop, both};

/// Works out a value. It asks for no memory.
pub(super) type Closure<T> = Box<dyn for<'f> Fn(&Frame<'f>) -> Result<T, Stop> + Send + Sync>;

/// Where a value comes from.
pub(super) enum Operand<T> {
    Constant(T),
    Slot(Place),
    Closure(Closure<T>),
}

impl<T: Scalar> Operand<T> {
    /// Of a closure.
    pub(super) fn worked_out(work: impl for<'f> Fn(&Frame<'f>) -> Result<T, Stop> + Send + Sync + 'static) -> Self {
        Self::Closure(Box::new(work))
    }

    /// What is the same for all payments, a value or the reason why there is none.
    fn constant(result: Result<T, Stop>) -> Self {
        match result {
            Ok(value) => Self::Constant(value),
            Err(stop) => Self::worked_out(move |_| Err(stop)),
        }
    }

    pub(super) fn into_closure(self) -> Closure<T> {
        match self {
            Self::Constant(value) => Box::new(move |_| Ok(value)),
            Self::Slot(place) => Box::new(move |frame| frame.read(place)),
            Self::Closure(closure) => closure,
        }
    }
}

/// A value made of another.
pub(super) fn unary<A: Scalar, R: Scalar>(
    operand: Operand<A>,
    apply: impl Fn(A) -> Result<R, Stop> + Send + Sync + 'static,
) -> Operand<R> {
    match operand {
        Operand::Constant(value) => Operand::constant(apply(value)),
        Operand::Slot(place) => Operand::worked_out(move |frame| apply(frame.read(place)?)),
        Operand::Closure(closure) => Operand::worked_out(move |frame| apply(closure(frame)?)),
    }
}

/// A value made of two.
pub(super) fn binary<A: Scalar, B: Scalar, R: Scalar>(
    left: Operand<A>,
    right: Operand<B>,
    apply: impl Fn(A, B) -> Result<R, Stop> + Send + Sync + 'static,
) -> Operand<R> {
    match (left, right) {
        (Operand::Constant(left), Operand::Constant(right)) => Operand::constant(apply(left, right)),
        (Operand::Slot(left), Operand::Constant(right)) => {
            Operand::worked_out(move |frame| apply(frame.read(left)?, right))
        }
        (Operand::Slot(left), Operand::Slot(right)) => Operand::worked_out(move |frame| {
            let (left, right) = both(frame.read(left), frame.read(right))?;
            apply(left, right)
        }),
        (Operand::Closure(left), Operand::Constant(right)) => {
            Operand::worked_out(move |frame| apply(left(frame)?, right))
        }
        (left, right) => {
            let (left, right) = (left.into_closure(), right.into_closure());
            Operand::worked_out(move |frame| {
                let (left, right) = both(left(frame), right(frame))?;
                apply(left, right)
            })
        }
    }
}

/// One of two values. Only the one that is chosen is worked out.
pub(super) fn choose<T: Scalar>(condition: Operand<bool>, yes: Operand<T>, no: Operand<T>) -> Operand<T> {
    if let Operand::Constant(is_yes) = condition {
        return if is_yes { yes } else { no };
    }
    let (condition, yes, no) = (condition.into_closure(), yes.into_closure(), no.into_closure());
    Operand::worked_out(move |frame| if condition(frame)? { yes(frame) } else { no(frame) })
}
