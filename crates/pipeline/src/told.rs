//! What the text of one record says when nothing is known of the file that it stands in: for shippers, which read files
//! line by line and send fields.
//!
//! JSON is not read here: a shipper sends it as it is.

use vigie_domain::{Object, Value};

use crate::parse::{Draft, access_log, binary_reason, draft_of_text, log4j, logfmt, stack_trace};
use crate::tag;

/// The fields of a record of one or several lines: of an access log, of log4j and its like with a stack trace below it,
/// `key=value` pairs, else the text as the message and what a stack trace in it tells. What begins like JSON is taken
/// for broken JSON, and kept as text with the tag `_jsonparsefailure`.
///
/// # Errors
/// When it is no text, and why.
pub fn told_by_text(record: &[u8]) -> Result<Object, String> {
    if let Some(reason) = binary_reason(record) {
        return Err(reason);
    }
    let mut draft = draft_of_text(record, |text| Ok(draft_of(text)))?;
    if !draft.tags.is_empty() {
        let tags = draft.tags.iter().map(|tag| Value::text(*tag)).collect();
        draft.body.push(("tags".into(), Value::List(tags)));
    }
    Ok(draft.body)
}

fn draft_of(text: &str) -> Draft {
    if text.trim_start().starts_with(['{', '[']) && !log4j::is_record(text) {
        let mut draft = Draft::message(text);
        if text.trim_start().starts_with('{') {
            draft.tag(tag::JSON_PARSE_FAILURE);
        }
        return draft;
    }
    if log4j::is_record(text) {
        return log4j::parse(text);
    }
    if !text.contains('\n')
        && let Some(body) = access_log::parse_line(text).or_else(|| logfmt::parse_pairs(text))
    {
        return Draft::new(body);
    }
    let mut draft = Draft::default();
    stack_trace::push_message(&mut draft.body, text);
    draft
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(record: &str, expected: &str) {
        let body = told_by_text(record.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&Value::Object(body)).unwrap(), expected, "{record}");
    }

    #[test]
    fn a_record_is_told_by_itself() {
        check("plain words", r#"{"message":"plain words"}"#);
        check("level=INFO ms=5", r#"{"level":"INFO","ms":5}"#);
        check("[cart] is not broken JSON", r#"{"message":"[cart] is not broken JSON"}"#);
        check(r#"{"a":"#, r#"{"message":"{\"a\":","tags":["_jsonparsefailure"]}"#);
        check(
            "2026-11-23 12:00:00,123 ERROR [main] shop.Cart - pay failed\njava.io.IOException: gone\n\tat a.B.c(B.java:1)",
            r#"{"@timestamp":"2026-11-23 12:00:00,123","level":"ERROR","logger":"shop.Cart","thread":"main","message":"pay failed","error_type":"java.io.IOException","error_message":"gone","stack_trace":"java.io.IOException: gone\n\tat a.B.c(B.java:1)"}"#,
        );
        check(
            "pay failed\nTraceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'a'",
            r#"{"message":"pay failed","error_type":"KeyError","error_message":"'a'","stack_trace":"Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'a'"}"#,
        );
        let access = told_by_text(br#"10.0.0.1 - - [25/Nov/2025:23:00:00 +0000] "GET /cart HTTP/1.1" 200 12"#).unwrap();
        assert!(
            access.iter().any(|(name, value)| name == "client_ip" && *value == Value::text("10.0.0.1")),
            "{access:?}"
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_or_replaced() {
        assert!(told_by_text(b"a\0b").unwrap_err().contains("NUL"));
        let body = told_by_text(b"caf\xe9 \xe9t\xe9").unwrap();
        assert_eq!(body[1], ("tags".into(), Value::List(vec![Value::text("_invalid_utf8")])));
    }
}
