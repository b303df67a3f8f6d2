//! `== != < <= > >=`.
//!
//! Ints and doubles are compared as the numbers they are, not by making one into the other (cel-spec, langdef.md, "Numeric values").
//! With NaN everything is false but `!=`.

use std::cmp::Ordering;

use super::super::CompileError;
use super::super::frame::Scalar;
use super::super::operand::{Operand, binary};
use super::super::syntax::{Comparison, Node, Span};
use super::super::texts::{TextSource, test_both};
use super::{Compiler, Typed};

/// 2^63: every int is below.
const BEYOND_INTS: f64 = 9_223_372_036_854_775_808.0;

impl<'r> Compiler<'r> {
    pub(super) fn compare(
        &mut self,
        comparison: Comparison,
        sides: &'r [Node; 2],
        span: Span,
    ) -> Result<Operand<bool>, CompileError> {
        if let Some(with_null) = self.compare_with_null(comparison, sides)? {
            return Ok(with_null);
        }
        let (left, right) = (self.typed(&sides[0])?, self.typed(&sides[1])?);
        Ok(match (left, right) {
            (Typed::Bool(left), Typed::Bool(right)) => scalars(comparison, left, right),
            (Typed::Int(left), Typed::Int(right)) => scalars(comparison, left, right),
            (Typed::Double(left), Typed::Double(right)) => scalars(comparison, left, right),
            (Typed::Int(left), Typed::Double(right)) => {
                binary(left, right, move |a: i64, b: f64| Ok(holds(comparison, compare_numbers(a, b))))
            }
            (Typed::Double(left), Typed::Int(right)) => double_with_int(comparison, left, right),
            (Typed::Text(left), Typed::Text(right)) => texts(comparison, left, right),
            (Typed::Instant(left), Typed::Instant(right)) => scalars(comparison, left, right),
            (Typed::Duration(left), Typed::Duration(right)) => scalars(comparison, left, right),
            (left, right) => return Err(CompileError::new(span, refusal(&left, &right))),
        })
    }
}

fn refusal(left: &Typed, right: &Typed) -> String {
    let hint = match (left, right) {
        (Typed::Texts(_) | Typed::Numbers(_), _) | (_, Typed::Texts(_) | Typed::Numbers(_)) => {
            ": for lists there are in, exists, all and size"
        }
        (Typed::Instant(_), Typed::Text(_)) | (Typed::Text(_), Typed::Instant(_)) => {
            ": write timestamp('2026-01-31T00:00:00Z')"
        }
        (Typed::Duration(_), Typed::Int(_) | Typed::Double(_) | Typed::Text(_))
        | (Typed::Int(_) | Typed::Double(_) | Typed::Text(_), Typed::Duration(_)) => ": write duration('1h30m')",
        (_, _) => "",
    };
    format!("{} and {} cannot be compared{hint}", left.kind(), right.kind())
}

fn scalars<T: Scalar + PartialOrd>(comparison: Comparison, left: Operand<T>, right: Operand<T>) -> Operand<bool> {
    match comparison {
        Comparison::Equal => binary(left, right, |a: T, b: T| Ok(a == b)),
        Comparison::Unequal => binary(left, right, |a: T, b: T| Ok(a != b)),
        Comparison::Less => binary(left, right, |a: T, b: T| Ok(a < b)),
        Comparison::AtMost => binary(left, right, |a: T, b: T| Ok(a <= b)),
        Comparison::Greater => binary(left, right, |a: T, b: T| Ok(a > b)),
        Comparison::AtLeast => binary(left, right, |a: T, b: T| Ok(a >= b)),
    }
}

/// By their characters' codes, which is the order of their bytes.
fn texts(comparison: Comparison, left: TextSource, right: TextSource) -> Operand<bool> {
    match comparison {
        Comparison::Equal => test_both(left, right, |a, b| a == b),
        Comparison::Unequal => test_both(left, right, |a, b| a != b),
        Comparison::Less => test_both(left, right, |a, b| a < b),
        Comparison::AtMost => test_both(left, right, |a, b| a <= b),
        Comparison::Greater => test_both(left, right, |a, b| a > b),
        Comparison::AtLeast => test_both(left, right, |a, b| a >= b),
    }
}

/// An amount with a whole number is what most rules compare: if the number is the same as a double, two doubles are compared.
fn double_with_int(comparison: Comparison, left: Operand<f64>, right: Operand<i64>) -> Operand<bool> {
    if let Operand::Constant(int) = right
        && let Some(double) = exact_double(int)
    {
        return scalars(comparison, left, Operand::Constant(double));
    }
    let compare = |a: f64, b: i64| compare_numbers(b, a).map(Ordering::reverse);
    binary(left, right, move |a: f64, b: i64| Ok(holds(comparison, compare(a, b))))
}

/// The double that is this int, if there is one.
pub(super) fn exact_double(int: i64) -> Option<f64> {
    let double = int as f64;
    (compare_numbers(int, double) == Some(Ordering::Equal)).then_some(double)
}

/// The int that is this double, if there is one.
pub(super) fn exact_int(double: f64) -> Option<i64> {
    let int = double as i64;
    (compare_numbers(int, double) == Some(Ordering::Equal)).then_some(int)
}

/// As numbers, without rounding; `None` for NaN.
fn compare_numbers(int: i64, double: f64) -> Option<Ordering> {
    if double >= BEYOND_INTS {
        return Some(Ordering::Less);
    }
    if double < -BEYOND_INTS {
        return Some(Ordering::Greater);
    }
    let whole = double.trunc();
    // NaN ends here: it has no order with itself.
    let fraction = whole.partial_cmp(&double)?;
    Some(int.cmp(&(whole as i64)).then(fraction))
}

fn holds(comparison: Comparison, order: Option<Ordering>) -> bool {
    match comparison {
        Comparison::Equal => order == Some(Ordering::Equal),
        Comparison::Unequal => order != Some(Ordering::Equal),
        Comparison::Less => order == Some(Ordering::Less),
        Comparison::AtMost => order.is_some_and(Ordering::is_le),
        Comparison::Greater => order == Some(Ordering::Greater),
        Comparison::AtLeast => order.is_some_and(Ordering::is_ge),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(int: i64, double: f64, expected: Option<Ordering>) {
        assert_eq!(compare_numbers(int, double), expected, "{int} {double}");
    }

    #[test]
    fn ints_and_doubles_are_compared_as_numbers() {
        check(1, 1.0, Some(Ordering::Equal));
        check(0, -0.0, Some(Ordering::Equal));
        check(1, 1.5, Some(Ordering::Less));
        check(2, 1.5, Some(Ordering::Greater));
        check(-1, -1.5, Some(Ordering::Greater));
        check(-2, -1.5, Some(Ordering::Less));
        // The doubles next to these are 2^53 and 2^63.
        check(9_007_199_254_740_993, 9_007_199_254_740_992.0, Some(Ordering::Greater));
        check(i64::MAX, BEYOND_INTS, Some(Ordering::Less));
        check(i64::MIN, -BEYOND_INTS, Some(Ordering::Equal));
        check(i64::MIN, f64::NEG_INFINITY, Some(Ordering::Greater));
        check(i64::MAX, f64::INFINITY, Some(Ordering::Less));
        check(0, f64::NAN, None);
    }

    #[test]
    fn numbers_change_their_kind_only_without_loss() {
        assert_eq!((exact_double(500), exact_double(i64::MAX)), (Some(500.0), None));
        assert_eq!(
            (exact_int(3.0), exact_int(3.5), exact_int(1e300), exact_int(f64::NAN)),
            (Some(3), None, None, None)
        );
    }
}
