//! What a section says of an answer, and whether it is so.

use std::cmp::Ordering;

use serde_json::Value as Json;

use super::pattern::{self, Blanks};
use super::stash::as_text;

/// One statement about a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// The same value; text between slashes is an expression to be found in it.
    Match(Json),
    /// So many signs, elements or keys.
    Length(Json),
    /// There, and neither empty, `false`, nor 0.
    IsTrue,
    /// The opposite.
    IsFalse,
    /// On one side of a bound.
    Compare(Comparison, Json),
    /// A list with such an element, or text with such a part.
    Contains(Json),
    /// A number no further from `value` than `error`.
    CloseTo(Json),
}

/// Where a number has to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `gt`
    Greater,
    /// `gte`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `lte`
    LessOrEqual,
}

impl Check {
    /// The same statement with its own values replaced.
    ///
    /// # Errors
    /// Those of the replacement.
    pub fn with_values(&self, fill: impl Fn(&Json) -> Result<Json, String>) -> Result<Self, String> {
        Ok(match self {
            Self::Match(value) => Self::Match(fill(value)?),
            Self::Length(value) => Self::Length(fill(value)?),
            Self::Compare(comparison, value) => Self::Compare(*comparison, fill(value)?),
            Self::Contains(value) => Self::Contains(fill(value)?),
            Self::CloseTo(value) => Self::CloseTo(fill(value)?),
            Self::IsTrue | Self::IsFalse => self.clone(),
        })
    }

    /// Whether it is so of a value, which may be missing.
    ///
    /// # Errors
    /// What is otherwise.
    pub fn hold(&self, actual: Option<&Json>) -> Result<(), String> {
        match self {
            Self::Match(expected) => matches(expected, actual),
            Self::Length(expected) => has_length(expected, actual),
            Self::IsTrue if is_true(actual) => Ok(()),
            Self::IsTrue => Err(format!("should be there and true, and is {}", shown(actual))),
            Self::IsFalse if !is_true(actual) => Ok(()),
            Self::IsFalse => Err(format!("should be missing or false, and is {}", shown(actual))),
            Self::Compare(comparison, bound) => compare(*comparison, bound, actual),
            Self::Contains(expected) => contains(expected, actual),
            Self::CloseTo(expected) => is_close(expected, actual),
        }
    }
}

fn matches(expected: &Json, actual: Option<&Json>) -> Result<(), String> {
    if let Some(expression) = expected.as_str().and_then(pattern::inside) {
        let text = actual.filter(|actual| !actual.is_null()).map(as_text);
        let text = text.ok_or_else(|| format!("should match /{expression}/, and is missing"))?;
        let is_found = pattern::compile(expression, Blanks::PassedOver)?.is_match(&text);
        return if is_found { Ok(()) } else { Err(format!("should match /{expression}/, and is {}", shown(actual))) };
    }
    let is_same = match actual {
        None => expected.is_null(),
        Some(actual) => same(expected, actual),
    };
    if is_same { Ok(()) } else { Err(format!("should be {}, and is {}", shown(Some(expected)), shown(actual))) }
}

/// Numbers are the same by their value, whichever way they are written; the order of keys means nothing.
fn same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => {
            one == other || (one.is_f64() || other.is_f64()) && one.as_f64() == other.as_f64()
        }
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Json::Object(one), Json::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, one)| other.get(name).is_some_and(|other| same(one, other)))
        }
        _ => one == other,
    }
}

fn has_length(expected: &Json, actual: Option<&Json>) -> Result<(), String> {
    let length = match actual {
        Some(Json::String(text)) => text.chars().count(),
        Some(Json::Array(values)) => values.len(),
        Some(Json::Object(fields)) => fields.len(),
        None | Some(Json::Null | Json::Bool(_) | Json::Number(_)) => {
            return Err(format!("should have a length, and is {}", shown(actual)));
        }
    };
    let is_meant = as_text(expected).parse() == Ok(length);
    if is_meant {
        Ok(())
    } else {
        Err(format!("should have the length {expected}, and has {length}: {}", shown(actual)))
    }
}

fn is_true(actual: Option<&Json>) -> bool {
    match actual {
        None | Some(Json::Null) => false,
        Some(Json::String(text)) => !matches!(text.as_str(), "" | "false" | "0"),
        Some(Json::Bool(is_true)) => *is_true,
        Some(Json::Number(number)) => number.as_f64() != Some(0.0),
        Some(Json::Array(_) | Json::Object(_)) => true,
    }
}

fn compare(comparison: Comparison, bound: &Json, actual: Option<&Json>) -> Result<(), String> {
    let actual = actual.ok_or_else(|| format!("should be compared with {bound}, and is missing"))?;
    let order = match (actual, bound) {
        (Json::String(actual), Json::String(bound)) => Some(actual.cmp(bound)),
        _ => number_of(actual).zip(number_of(bound)).and_then(|(actual, bound)| actual.partial_cmp(&bound)),
    };
    let order = order.ok_or_else(|| format!("{actual} and {bound} cannot be compared"))?;
    let (is_so, words) = match comparison {
        Comparison::Greater => (order == Ordering::Greater, "more than"),
        Comparison::GreaterOrEqual => (order != Ordering::Less, "at least"),
        Comparison::Less => (order == Ordering::Less, "less than"),
        Comparison::LessOrEqual => (order != Ordering::Greater, "at most"),
    };
    if is_so { Ok(()) } else { Err(format!("should be {words} {bound}, and is {actual}")) }
}

fn number_of(value: &Json) -> Option<f64> {
    value.as_f64()
}

fn contains(expected: &Json, actual: Option<&Json>) -> Result<(), String> {
    let is_contained = match (actual, expected) {
        (Some(Json::Array(values)), Json::Object(parts)) => values
            .iter()
            .any(|value| parts.iter().all(|(name, part)| value.get(name).is_some_and(|value| same(part, value)))),
        (Some(Json::Array(values)), _) => values.iter().any(|value| same(expected, value)),
        (Some(Json::String(text)), Json::String(part)) => text.contains(part.as_str()),
        _ => false,
    };
    if is_contained { Ok(()) } else { Err(format!("should contain {expected}, and is {}", shown(actual))) }
}

fn is_close(expected: &Json, actual: Option<&Json>) -> Result<(), String> {
    let part = |name: &str| expected.get(name).and_then(Json::as_f64);
    let (value, error) = part("value").zip(part("error")).ok_or("close_to needs the numbers value and error")?;
    let is_close = actual.and_then(Json::as_f64).is_some_and(|actual| (actual - value).abs() <= error);
    if is_close { Ok(()) } else { Err(format!("should be within {error} of {value}, and is {}", shown(actual))) }
}

/// A value as a message shows it: not more of it than one reads.
pub fn shown(value: Option<&Json>) -> String {
    const SIGNS_MAX: usize = 300;
    let Some(value) = value else {
        return "missing".to_owned();
    };
    let text = value.to_string();
    match text.char_indices().nth(SIGNS_MAX) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn statements_hold_or_say_why_not() {
        let check = |check: Check, actual: Json, expected: bool| {
            let held = check.hold(Some(&actual));
            assert_eq!(held.is_ok(), expected, "{check:?} of {actual}: {held:?}");
        };
        check(Check::Match(json!(1)), json!(1.0), true);
        check(Check::Match(json!(1)), json!("1"), false);
        check(Check::Match(json!(9_007_199_254_740_993_i64)), json!(9_007_199_254_740_992_i64), false);
        check(Check::Match(json!({"a": 1, "b": [2.0]})), json!({"b": [2], "a": 1}), true);
        check(Check::Match(json!({"a": 1})), json!({"a": 1, "b": 2}), false);
        check(Check::Match(json!("/^ a+ $/")), json!("aaa"), true);
        check(Check::Match(json!("/^ a+ $/")), json!("aab"), false);
        check(Check::Match(json!("/12/")), json!(3124), true);
        check(Check::Match(json!(null)), json!(0), false);
        check(Check::Length(json!(2)), json!("éa"), true);
        check(Check::Length(json!(2)), json!([1]), false);
        check(Check::Length(json!(0)), json!(null), false);
        check(Check::Length(json!(1)), json!({"a": 1}), true);
        check(Check::IsTrue, json!({}), true);
        check(Check::IsTrue, json!("false"), false);
        check(Check::IsFalse, json!(0), true);
        check(Check::IsFalse, json!("x"), false);
        check(Check::Compare(Comparison::Greater, json!(1)), json!(2), true);
        check(Check::Compare(Comparison::Greater, json!(2)), json!(2), false);
        check(Check::Compare(Comparison::GreaterOrEqual, json!(2)), json!(2), true);
        check(Check::Compare(Comparison::Less, json!(2)), json!("1"), false);
        check(Check::Compare(Comparison::LessOrEqual, json!(2.5)), json!(2), true);
        check(Check::Contains(json!({"a": 1})), json!([{"a": 2}, {"a": 1, "b": 3}]), true);
        check(Check::Contains(json!("b")), json!(["a"]), false);
        check(Check::Contains(json!("b")), json!("abc"), true);
        check(Check::CloseTo(json!({"value": 1.0, "error": 0.1})), json!(1.05), true);
        check(Check::CloseTo(json!({"value": 1.0, "error": 0.1})), json!(1.2), false);
    }

    #[test]
    fn missing_values_match_null_alone() {
        assert_eq!(Check::Match(Json::Null).hold(None), Ok(()));
        assert_eq!(Check::IsFalse.hold(None), Ok(()));
        for check in [Check::Match(json!(1)), Check::Match(json!("/a/")), Check::Length(json!(0)), Check::IsTrue] {
            assert!(check.hold(None).is_err(), "{check:?}");
        }
    }
}
