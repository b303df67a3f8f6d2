//! `+ - * / %` and the unary `-`.
//!
//! Ints are checked, doubles follow IEEE 754; an int with a double is worked out in doubles, which CEL itself would refuse. Instants and
//! lengths of time are added and subtracted as CEL does.

use vigie_domain::Timestamp;

use super::super::CompileError;
use super::super::frame::{Cause, Elapsed, Stop};
use super::super::operand::{Operand, binary, unary};
use super::super::syntax::{Arithmetic, Node, Span};
use super::{Compiler, Typed, as_double};

impl<'r> Compiler<'r> {
    pub(super) fn arithmetic(
        &mut self,
        operator: Arithmetic,
        sides: &'r [Node; 2],
        span: Span,
    ) -> Result<Typed, CompileError> {
        let (left, right) = (self.typed(&sides[0])?, self.typed(&sides[1])?);
        let refused = refusal(operator, &left, &right);
        let typed = match (left, right) {
            (Typed::Int(left), Typed::Int(right)) => Some(Typed::Int(ints(operator, left, right, span))),
            (Typed::Double(left), Typed::Double(right)) => doubles(operator, left, right),
            (Typed::Int(left), Typed::Double(right)) => doubles(operator, as_double(left), right),
            (Typed::Double(left), Typed::Int(right)) => doubles(operator, left, as_double(right)),
            (Typed::Instant(left), Typed::Instant(right)) => between(operator, left, right, span),
            (Typed::Instant(at), Typed::Duration(by)) => moved(operator, at, by, span),
            (Typed::Duration(by), Typed::Instant(at)) if operator == Arithmetic::Add => moved(operator, at, by, span),
            (Typed::Duration(left), Typed::Duration(right)) => durations(operator, left, right, span),
            (_, _) => None,
        };
        typed.ok_or_else(|| CompileError::new(span, refused))
    }

    pub(super) fn negate(&mut self, inner: &'r Node, span: Span) -> Result<Typed, CompileError> {
        match self.typed(inner)? {
            Typed::Int(value) => {
                Ok(Typed::Int(unary(value, move |value: i64| value.checked_neg().ok_or(overflow(span)))))
            }
            Typed::Double(value) => Ok(Typed::Double(unary(value, |value: f64| Ok(-value)))),
            other => Err(CompileError::new(inner.span, format!("\"-\" is for numbers, not {}", other.kind()))),
        }
    }
}

pub(super) fn overflow(span: Span) -> Stop {
    Stop::Failed(span, Cause::Overflow)
}

fn refusal(operator: Arithmetic, left: &Typed, right: &Typed) -> String {
    let (sign, takes) = match operator {
        Arithmetic::Add => ("+", "numbers, or an instant and a duration"),
        Arithmetic::Subtract => ("-", "numbers, instants and durations"),
        Arithmetic::Multiply => ("*", "numbers"),
        Arithmetic::Divide => ("/", "numbers"),
        Arithmetic::Remainder => ("%", "ints"),
    };
    format!("\"{sign}\" is for {takes}, not {} and {}", left.kind(), right.kind())
}

fn ints(operator: Arithmetic, left: Operand<i64>, right: Operand<i64>, span: Span) -> Operand<i64> {
    let division = move |result: fn(i64, i64) -> Option<i64>| {
        move |a: i64, b: i64| match b {
            0 => Err(Stop::Failed(span, Cause::DivisionByZero)),
            b => result(a, b).ok_or(overflow(span)),
        }
    };
    match operator {
        Arithmetic::Add => binary(left, right, move |a: i64, b: i64| a.checked_add(b).ok_or(overflow(span))),
        Arithmetic::Subtract => binary(left, right, move |a: i64, b: i64| a.checked_sub(b).ok_or(overflow(span))),
        Arithmetic::Multiply => binary(left, right, move |a: i64, b: i64| a.checked_mul(b).ok_or(overflow(span))),
        Arithmetic::Divide => binary(left, right, division(i64::checked_div)),
        Arithmetic::Remainder => binary(left, right, division(i64::checked_rem)),
    }
}

/// `None` for the remainder, which CEL has for ints only.
fn doubles(operator: Arithmetic, left: Operand<f64>, right: Operand<f64>) -> Option<Typed> {
    Some(Typed::Double(match operator {
        Arithmetic::Add => binary(left, right, |a: f64, b: f64| Ok(a + b)),
        Arithmetic::Subtract => binary(left, right, |a: f64, b: f64| Ok(a - b)),
        Arithmetic::Multiply => binary(left, right, |a: f64, b: f64| Ok(a * b)),
        Arithmetic::Divide => binary(left, right, |a: f64, b: f64| Ok(a / b)),
        Arithmetic::Remainder => return None,
    }))
}

/// What lies between two instants.
fn between(operator: Arithmetic, left: Operand<Timestamp>, right: Operand<Timestamp>, span: Span) -> Option<Typed> {
    let between =
        move |a: Timestamp, b: Timestamp| a.as_nanos().checked_sub(b.as_nanos()).map(Elapsed).ok_or(overflow(span));
    (operator == Arithmetic::Subtract).then(|| Typed::Duration(binary(left, right, between)))
}

/// An instant later or earlier.
fn moved(operator: Arithmetic, at: Operand<Timestamp>, by: Operand<Elapsed>, span: Span) -> Option<Typed> {
    let moved = checked(operator)?;
    Some(Typed::Instant(binary(at, by, move |at: Timestamp, by: Elapsed| {
        moved(at.as_nanos(), by.0).map(Timestamp::from_nanos).ok_or(overflow(span))
    })))
}

fn durations(operator: Arithmetic, left: Operand<Elapsed>, right: Operand<Elapsed>, span: Span) -> Option<Typed> {
    let joined = checked(operator)?;
    Some(Typed::Duration(binary(left, right, move |a: Elapsed, b: Elapsed| {
        joined(a.0, b.0).map(Elapsed).ok_or(overflow(span))
    })))
}

/// Addition and subtraction; nothing else is there for lengths of time.
fn checked(operator: Arithmetic) -> Option<fn(i64, i64) -> Option<i64>> {
    match operator {
        Arithmetic::Add => Some(i64::checked_add),
        Arithmetic::Subtract => Some(i64::checked_sub),
        Arithmetic::Multiply | Arithmetic::Divide | Arithmetic::Remainder => None,
    }
}
