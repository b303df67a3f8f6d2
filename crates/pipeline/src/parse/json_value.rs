//! One JSON document to a value, exact, and the words for what is wrong with it.

use vigie_domain::{Object, Value};

use super::json_reader::{self, DEPTH_MAX, Fault};

/// The value of a JSON document, or why it is none.
pub(crate) fn parse_json(json: &str) -> Result<Value, String> {
    json_reader::read(json).map_err(|fault| match (fault, serde_json::from_str::<Value>(json)) {
        (Fault::TooDeep, _) => too_deep(),
        // It tells what it expected instead.
        (Fault::Broken(_), Err(error)) => words(&error, json),
        (Fault::Broken(at), Ok(_)) => format!("broken JSON at byte {at}"),
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
