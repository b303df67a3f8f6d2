//! How long the strings may be that a function makes of what it is given.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::ColumnarValue;

/// Bytes of a character at most.
const CHARACTER_BYTES_MAX: usize = 4;
/// Bytes that a sign of a format stands for at most, such as the name of a month.
const FORMATTED_BYTES_MAX: usize = 32;

/// What becomes of the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Growth {
    /// One behind the other.
    Joined,
    /// All but the first, with the first between them.
    JoinedWith,
    /// The first, as often as the second says.
    Repeated,
    /// The first, filled up to as many characters as the second says.
    Padded,
    /// The first, in which the third stands wherever the second stood.
    Replaced,
    /// The same by an expression: what it finds may stand in the third.
    ReplacedByExpression,
    /// The first, written as the second says.
    Formatted,
    /// The first, each byte of which becomes a character at most.
    Folded,
}

impl Growth {
    /// Of the function of that name; `None` when its strings are no longer than what it is given.
    pub(super) fn of(function: &str) -> Option<Self> {
        match function {
            "concat" | "overlay" => Some(Self::Joined),
            "concat_ws" => Some(Self::JoinedWith),
            "repeat" => Some(Self::Repeated),
            "lpad" | "rpad" => Some(Self::Padded),
            "replace" => Some(Self::Replaced),
            "regexp_replace" => Some(Self::ReplacedByExpression),
            "to_char" => Some(Self::Formatted),
            "translate" | "lower" | "upper" | "initcap" | "encode" => Some(Self::Folded),
            _ => None,
        }
    }

    /// Bytes of the string of that row at most.
    pub(super) fn bytes(self, arguments: &[ColumnarValue], row: usize) -> usize {
        let text =
            |place: usize| arguments.get(place).map_or("", |argument| text_at(argument, row).unwrap_or_default());
        let length = |place: usize| text(place).len();
        let count = || usize::try_from(arguments.get(1).map_or(0, |argument| number_at(argument, row))).unwrap_or(0);
        let all = || (0..arguments.len()).map(length).fold(0, usize::saturating_add);
        match self {
            Self::Joined => all(),
            Self::JoinedWith => all().saturating_add(length(0).saturating_mul(arguments.len())),
            Self::Repeated => length(0).saturating_mul(count()),
            Self::Padded => length(0).max(count().saturating_mul(CHARACTER_BYTES_MAX)),
            Self::Replaced => {
                let (from, to) = (text(1), length(2));
                let found = if from.is_empty() { length(0) + 1 } else { text(0).matches(from).count() };
                length(0).saturating_add(found.saturating_mul(to))
            }
            Self::ReplacedByExpression => {
                let groups = text(2).matches(['\\', '$']).count();
                let one = length(2).saturating_add(groups.saturating_mul(length(0)));
                let is_everywhere = arguments.len() > 3 && text(3).contains('g');
                let found = if is_everywhere { length(0) + 1 } else { 1 };
                length(0).saturating_add(found.saturating_mul(one))
            }
            Self::Formatted => (length(1).saturating_add(1)).saturating_mul(FORMATTED_BYTES_MAX),
            Self::Folded => length(0).saturating_mul(CHARACTER_BYTES_MAX),
        }
    }
}

/// The text of that row; `None` when there is none.
pub(super) fn text_at(argument: &ColumnarValue, row: usize) -> Option<&str> {
    match argument {
        ColumnarValue::Scalar(scalar) => scalar.try_as_str().flatten(),
        ColumnarValue::Array(array) if array.is_null(row) => None,
        ColumnarValue::Array(array) => match array.data_type() {
            DataType::Utf8 => Some(array.as_string::<i32>().value(row)),
            DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row)),
            DataType::Utf8View => Some(array.as_string_view().value(row)),
            _ => None,
        },
    }
}

fn number_at(argument: &ColumnarValue, row: usize) -> i64 {
    match argument {
        ColumnarValue::Scalar(ScalarValue::Int64(number)) => number.unwrap_or(0),
        ColumnarValue::Array(array) if *array.data_type() == DataType::Int64 && array.is_valid(row) => {
            array.as_primitive::<Int64Type>().value(row)
        }
        ColumnarValue::Scalar(_) | ColumnarValue::Array(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray, StringViewArray};

    use super::*;

    fn text(text: &str) -> ColumnarValue {
        ColumnarValue::Scalar(ScalarValue::Utf8(Some(text.to_owned())))
    }

    fn number(number: i64) -> ColumnarValue {
        ColumnarValue::Scalar(ScalarValue::Int64(Some(number)))
    }

    #[test]
    fn the_longest_that_may_come_out_is_known() {
        let check = |name: &str, arguments: &[ColumnarValue], expected: usize| {
            assert_eq!(Growth::of(name).unwrap().bytes(arguments, 0), expected, "{name}");
        };
        check("concat", &[text("ab"), text("c")], 3);
        check("concat_ws", &[text(", "), text("a"), text("b")], 10);
        check("repeat", &[text("ab"), number(5)], 10);
        check("repeat", &[text("ab"), number(-5)], 0);
        check("repeat", &[text("abc"), number(i64::MAX)], usize::MAX);
        check("lpad", &[text("abc"), number(5), text("é")], 20);
        check("replace", &[text("banana"), text("an"), text("xyz")], 12);
        check("replace", &[text("abc"), text(""), text("xy")], 11);
        check("regexp_replace", &[text("abc"), text("b"), text("[\\1]")], 10);
        check("regexp_replace", &[text("abc"), text("b"), text("xy"), text("g")], 11);
        check("to_char", &[number(0), text("%A")], 96);
        check("upper", &[text("é")], 8);
        assert_eq!(Growth::of("substr"), None);
    }

    #[test]
    fn each_row_has_its_own() {
        let texts = ColumnarValue::Array(Arc::new(StringArray::from(vec![Some("a"), None, Some("abc")])));
        let views = ColumnarValue::Array(Arc::new(StringViewArray::from(vec![Some("a"), None, Some("abc")])));
        let counts = ColumnarValue::Array(Arc::new(Int64Array::from(vec![Some(3), Some(4), None])));
        let bytes = |growth: Growth, arguments: &[ColumnarValue]| [0, 1, 2].map(|row| growth.bytes(arguments, row));
        assert_eq!(bytes(Growth::Repeated, &[texts.clone(), counts]), [3, 0, 0]);
        assert_eq!(bytes(Growth::Joined, &[texts, views, text("xy")]), [4, 2, 8]);
    }
}
