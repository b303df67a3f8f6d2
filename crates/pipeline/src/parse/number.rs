//! Numbers without loss: what neither `i64` nor `f64` holds exactly keeps the digits that were sent.

use std::fmt::Write;

use vigie_domain::{Text, Value};

/// Digits that every `f64` keeps, whatever they are.
pub(super) const EXACT_DIGITS: usize = 15;

/// Digits of text that is taken for a number in formats without types; longer ones are rather identifiers.
const TYPED_DIGITS_MAX: usize = 15;

/// The value of a JSON number literal, exact.
///
/// Whole numbers beyond `i64`, and decimals that come back from `f64` as another number, become `BigNumber`.
/// `None` when the text is no JSON number.
pub fn number_from_literal(literal: &str) -> Option<Value> {
    let shape = Shape::of(literal)?;
    if shape.is_whole {
        return Some(literal.parse().map_or_else(|_| Value::BigNumber(literal.to_owned()), Value::Int));
    }
    let Some(value) = literal.parse().ok().and_then(Value::number) else {
        return Some(Value::BigNumber(literal.to_owned()));
    };
    let is_exact = (shape.digits <= EXACT_DIGITS && !shape.has_exponent) || comes_back(literal, &value);
    Some(if is_exact { value } else { Value::BigNumber(literal.to_owned()) })
}

/// The value of text in formats that do not tell text from numbers: a whole number, a decimal, a boolean, else text.
///
/// Leading zeros, a `+`, an exponent or more than 15 digits mean an identifier: it stays text, digit for digit.
pub(crate) fn typed_by_content(text: &str) -> Value {
    match text {
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let starts_like_number = text.as_bytes().first().is_some_and(|first| first.is_ascii_digit() || *first == b'-');
    if !starts_like_number || text.len() > TYPED_DIGITS_MAX + 2 {
        return Value::text(text);
    }
    match Shape::of(text) {
        Some(shape) if !shape.has_exponent && shape.digits <= TYPED_DIGITS_MAX => {
            number_from_literal(text).unwrap_or_else(|| Value::text(text))
        }
        _ => Value::text(text),
    }
}

/// How a JSON number literal is built.
struct Shape {
    is_whole: bool,
    has_exponent: bool,
    digits: usize,
}

impl Shape {
    /// `None` when it is none: RFC 8259 §6.
    fn of(literal: &str) -> Option<Self> {
        let unsigned = literal.strip_prefix('-').unwrap_or(literal);
        let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
            Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
            None => (unsigned, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_number = is_digits(whole)
            && (whole == "0" || !whole.starts_with('0'))
            && fraction.is_none_or(is_digits)
            && exponent.is_none_or(|text| is_digits(text.strip_prefix(['+', '-']).unwrap_or(text)));
        let fraction = fraction.unwrap_or_default();
        is_number.then(|| Self {
            is_whole: mantissa.len() == unsigned.len() && fraction.is_empty(),
            has_exponent: exponent.is_some(),
            digits: whole.len() + fraction.len(),
        })
    }
}

/// Whether the shortest text of the value means the same number as the literal.
fn comes_back(literal: &str, value: &Value) -> bool {
    let shortest = match value {
        Value::Int(number) => number.to_string(),
        // Mostly it is written as it was sent.
        Value::Float(number) if has_text(*number, literal) => return true,
        Value::Float(number) => format!("{number:e}"),
        Value::Null | Value::Bool(_) | Value::BigNumber(_) | Value::Text(_) | Value::List(_) | Value::Object(_) => {
            return false;
        }
    };
    significant_digits(literal) == significant_digits(&shortest)
}

fn has_text(number: f64, expected: &str) -> bool {
    let mut text = Text::default();
    write!(text, "{number}").is_ok() && text == expected
}

/// The digits of a number without zeros at either end, and the power of ten of its last digit; `None` when that is absurd.
fn significant_digits(literal: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = match literal.find(['e', 'E']) {
        Some(at) => (&literal[..at], literal[at + 1..].parse::<i64>().ok()?),
        None => (literal, 0),
    };
    let fraction_digits = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let kept = digits.trim_end_matches('0');
    let power = exponent.checked_sub(fraction_digits as i64)?.checked_add((digits.len() - kept.len()) as i64)?;
    let kept = kept.trim_start_matches('0');
    // Zero has no digits left, so its sign and power mean nothing.
    Some(if kept.is_empty() { (false, String::new(), 0) } else { (mantissa.starts_with('-'), kept.to_owned(), power) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(literal: &str, expected: Option<&Value>) {
        assert_eq!(number_from_literal(literal).as_ref(), expected, "{literal}");
    }

    fn check_big(literal: &str) {
        check(literal, Some(&Value::BigNumber(literal.to_owned())));
    }

    #[test]
    fn numbers_are_exact_or_keep_their_digits() {
        check("0", Some(&Value::Int(0)));
        check("-0", Some(&Value::Int(0)));
        check("-0.0", Some(&Value::Int(0)));
        check_big("0e999999999999999999999");
        check("5.0", Some(&Value::Int(5)));
        check("12.50", Some(&Value::Float(12.5)));
        check("0.1", Some(&Value::Float(0.1)));
        check("1e2", Some(&Value::Int(100)));
        check("9223372036854775807", Some(&Value::Int(i64::MAX)));
        check_big("9223372036854775808");
        check_big("-9223372036854775809");
        check_big("9007199254740993.0");
        check("9007199254740992.0", Some(&Value::Int(9_007_199_254_740_992)));
        check("0.30000000000000004", Some(&Value::Float(0.300_000_000_000_000_04)));
        check_big("0.300000000000000041");
        check_big("3.14159265358979323846");
        check("1e300", Some(&Value::Float(1e300)));
        check_big("1e400");
        check_big("1e-400");
        check("5e-324", Some(&Value::Float(5e-324)));
        check_big("2e-324");
        check_big("100000000000000000000");
        check("0.0000000000000000000000001", Some(&Value::Float(1e-25)));
    }

    #[test]
    fn what_is_no_json_number_is_none() {
        for text in
            ["", "-", "01", "+1", "1.", ".5", "1e", "1e+", "NaN", "Infinity", "1_000", "0x1f", "1 ", "--1", "1e5.5"]
        {
            check(text, None);
        }
    }

    fn check_typed(text: &str, expected: &Value) {
        assert_eq!(typed_by_content(text), *expected, "{text}");
    }

    #[test]
    fn cells_get_their_type_from_their_content() {
        check_typed("42", &Value::Int(42));
        check_typed("-7", &Value::Int(-7));
        check_typed("2.55", &Value::Float(2.55));
        check_typed("17850.0", &Value::Int(17_850));
        check_typed("0", &Value::Int(0));
        check_typed("0.5", &Value::Float(0.5));
        check_typed("true", &Value::Bool(true));
        check_typed("007", &Value::text("007"));
        check_typed("+33123456789", &Value::text("+33123456789"));
        check_typed("4111111111111111", &Value::text("4111111111111111"));
        check_typed("123456789012345", &Value::Int(123_456_789_012_345));
        check_typed("1e5", &Value::text("1e5"));
        check_typed("-", &Value::text("-"));
        check_typed("NaN", &Value::text("NaN"));
        check_typed("85123A", &Value::text("85123A"));
    }
}
