//! One JSON document to a value, exact.
//!
//! `serde_json` reads numbers into `f64`, which loses digits. So the bytes are looked over first: only a document with a
//! number that `f64` may not hold takes the slower way that keeps number literals. Depth is bounded on both.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use vigie_domain::{Object, Value};

use super::number::number_from_literal;

/// Levels of objects and lists in each other; `serde_json`'s own bound.
pub(crate) const DEPTH_MAX: usize = 128;

/// Digits that a number may have to be read into `f64` unlooked.
const PLAIN_DIGITS_MAX: usize = 15;

/// The value of a JSON document, or why it is none.
pub(crate) fn parse_json(json: &str) -> Result<Value, String> {
    let fail = |error: serde_json::Error| words(&error, json);
    if !has_demanding_number(json.as_bytes()) {
        return serde_json::from_str(json).map_err(fail);
    }
    let raw: &RawValue = serde_json::from_str(json).map_err(fail)?;
    exact(raw.get(), 1).map_err(|reason| match serde_json::from_str::<Value>(json) {
        // It tells the place within the whole document, but knows no number as large as those that are accepted here.
        Err(error) if !error.to_string().starts_with("number out of range") => words(&error, json),
        _ => reason,
    })
}

/// The object that a value is, or why it cannot be an event.
pub(crate) fn object_of(value: Value) -> Result<Object, String> {
    let what = match value {
        Value::Object(fields) => return Ok(fields),
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Int(_) | Value::Float(_) | Value::BigNumber(_) => "a number",
        Value::Text(_) => "a string",
        Value::List(_) => "a list",
    };
    Err(format!("{what} is no event; send a JSON object"))
}

/// Whether any number has an exponent or more digits than `f64` is sure to hold.
fn has_demanding_number(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = past_string(bytes, at + 1),
            b'0'..=b'9' => {
                let rest = &bytes[at..];
                let length = rest.iter().take_while(|byte| is_number_byte(**byte)).count();
                let literal = &rest[..length];
                if length > PLAIN_DIGITS_MAX || literal.iter().any(|byte| matches!(byte, b'e' | b'E')) {
                    return true;
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    false
}

const fn is_number_byte(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')
}

/// The place after the quote that ends the string.
fn past_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(found) = memchr::memchr2(b'"', b'\\', &bytes[at.min(bytes.len())..]) {
        at += found + 1;
        if bytes[at - 1] == b'"' {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

fn exact(json: &str, depth: usize) -> Result<Value, String> {
    if depth > DEPTH_MAX {
        return Err(too_deep());
    }
    let fail = |error: serde_json::Error| words(&error, json);
    match json.as_bytes().first() {
        Some(b'{') => {
            let parts: ObjectParts<'_> = serde_json::from_str(json).map_err(fail)?;
            let fields = parts.0.into_iter().map(|(name, raw)| Ok((name, exact(raw.get(), depth + 1)?)));
            fields.collect::<Result<_, String>>().map(Value::Object)
        }
        Some(b'[') => {
            let parts: ListParts<'_> = serde_json::from_str(json).map_err(fail)?;
            let items = parts.0.into_iter().map(|raw| exact(raw.get(), depth + 1));
            items.collect::<Result<_, String>>().map(Value::List)
        }
        Some(b'0'..=b'9' | b'-') => number_from_literal(json).ok_or_else(|| format!("{json:?} is no number")),
        _ => serde_json::from_str(json).map_err(fail),
    }
}

/// The fields of an object, in the order sent, repeated names included, values not yet read.
struct ObjectParts<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for ObjectParts<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = ObjectParts<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut parts = Vec::new();
                while let Some(part) = map.next_entry()? {
                    parts.push(part);
                }
                Ok(ObjectParts(parts))
            }
        }
        deserializer.deserialize_map(Parts)
    }
}

/// The items of a list, not yet read.
struct ListParts<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for ListParts<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = ListParts<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut parts = Vec::new();
                while let Some(part) = seq.next_element()? {
                    parts.push(part);
                }
                Ok(ListParts(parts))
            }
        }
        deserializer.deserialize_seq(Parts)
    }
}

fn too_deep() -> String {
    format!("objects and lists are nested more than {DEPTH_MAX} levels deep; flatten them")
}

/// What is wrong, at which column, and what stands there.
fn words(error: &serde_json::Error, json: &str) -> String {
    let text = error.to_string();
    let cause = text.rsplit_once(" at line ").map_or(text.as_str(), |(cause, _)| cause);
    if cause.starts_with("recursion limit") {
        return too_deep();
    }
    let line = json.as_bytes().split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let at = error.column().saturating_sub(1).min(line.len());
    let rest = String::from_utf8_lossy(&line[at..(at + 64).min(line.len())]);
    let near: String = rest.chars().take(16).collect();
    let place = if error.line() > 1 {
        format!("line {} column {} of the record", error.line(), error.column())
    } else {
        format!("column {}", error.column())
    };
    let near = if error.is_eof() || near.trim().is_empty() {
        "at the end".to_owned()
    } else {
        format!("near \"{}\"", near.trim())
    };
    format!("broken JSON at {place}, {near}: {cause}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &Value) {
        assert_eq!(parse_json(json).as_ref(), Ok(expected), "{json}");
        // The exact way alone gives the same.
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        assert_eq!(exact(raw.get(), 1).as_ref(), Ok(expected), "{json}");
    }

    #[test]
    fn values_are_exact_and_in_order() {
        check(
            r#"{"b":1,"a":[null,true,"x\n"],"b":{}}"#,
            &Value::Object(vec![
                ("b".into(), Value::Int(1)),
                ("a".into(), Value::List(vec![Value::Null, Value::Bool(true), Value::text("x\n")])),
                ("b".into(), Value::Object(vec![])),
            ]),
        );
        check(r#"[12.50,-3,"1e5"]"#, &Value::List(vec![Value::Float(12.5), Value::Int(-3), Value::text("1e5")]));
        assert_eq!(
            parse_json(r#"{"id":18446744073709551616,"\u00e9\"":[{"p":3.14159265358979323846}],"e":1e3}"#),
            Ok(Value::Object(vec![
                ("id".into(), Value::BigNumber("18446744073709551616".into())),
                (
                    "é\"".into(),
                    Value::List(vec![Value::Object(vec![(
                        "p".into(),
                        Value::BigNumber("3.14159265358979323846".into())
                    )])])
                ),
                ("e".into(), Value::Int(1000)),
            ]))
        );
    }

    fn check_refused(json: &str, expected: &str) {
        let reason = parse_json(json).unwrap_err();
        assert!(reason.contains(expected), "{json}: {reason}");
    }

    #[test]
    fn what_is_no_json_says_where_and_why() {
        check_refused(r#"{"a":Infinity}"#, "broken JSON at column 6, near \"Infinity}\": expected value");
        check_refused(r#"{"a":NaN}"#, "column 6");
        check_refused(r#"{"a":1} trailing"#, "trailing characters");
        check_refused(r#"{"a":"\ud800"}"#, "hex escape");
        check_refused(r#"{"a":"\udc00","b":1e5}"#, "column 12, near \"0\",\"b\":1e5}\": lone leading surrogate");
        check_refused("{\"a\":\"\u{0}\"}", "control character");
        check_refused("{\"a\":\u{0}}", "expected value");
        check_refused(r#"{"a":1"#, "at the end");
        check_refused(r#"{"a":01}"#, "invalid number");
        check_refused(r#"{"a":1e5,"b":}"#, "column 14");
        check_refused("", "at the end");
        check_refused("{\"a\":1,\n \"b\":x}", "line 2 column 6 of the record");
    }

    #[test]
    fn depth_is_bounded_both_ways() {
        for number in ["1", "1e5"] {
            let nested = |depth: usize| format!("{}{number}{}", "[".repeat(depth), "]".repeat(depth));
            assert!(parse_json(&nested(DEPTH_MAX - 1)).is_ok());
            check_refused(&nested(DEPTH_MAX + 1), "nested more than 128 levels");
            check_refused(&nested(100_000), "nested more than 128 levels");
            check_refused(&format!("{number}{}", "[".repeat(100_000)), "");
        }
        check_refused(&"{\"a\":".repeat(100_000), "");
    }
}
