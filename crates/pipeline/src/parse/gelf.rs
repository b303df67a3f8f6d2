//! One GELF message, 1.0 or 1.1, as an event: <https://go2docs.graylog.org/current/getting_in_log_data/gelf.html>.
//! How messages are framed, chunked and packed is not known here.
//!
//! Nothing of a message is dropped but its version when it is a known one: what has no place at the top lies below `gelf`.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use vigie_domain::{Object, Text, Value};

use super::{Draft, push_text, stack_trace};
use crate::tag;

/// Where fields are kept whose place is taken.
const OWN: &str = "gelf";
/// The version of the format; of a known one nothing is kept.
const VERSION: &str = "version";
const VERSIONS: [&str; 2] = ["1.0", "1.1"];
/// Fields of the format, and what they are called in events.
const RENAMED: [(&str, &str); 2] = [("short_message", "message"), ("timestamp", "@timestamp")];
/// What names an event in Vigie: a sender of GELF means something else by it.
const ID: &str = "_id";

/// The draft of one message. Its time stays a number of seconds: conversion reads it digit for digit.
pub(crate) fn draft_of(sent: Object) -> Draft {
    let mut draft = Draft::default();
    let mut own = Object::new();
    let of_format = sent.iter().map(|(name, _)| name.as_str()).filter(|name| !name.starts_with('_'));
    let mut taken: HashSet<Text, RandomState> = of_format.filter_map(|name| renamed(name).map(Text::from)).collect();
    let renamed_to = taken.clone();
    taken.extend(sent.iter().map(|(name, _)| name).filter(|name| *name != VERSION && !name.starts_with('_')).cloned());
    let mut seen: HashSet<Text, RandomState> = HashSet::default();
    for (name, value) in sent {
        if name == VERSION && is_known_version(&value) {
            continue;
        }
        let additional = name.strip_prefix('_').map(Text::from);
        let is_displaced = match &additional {
            Some(additional) => taken.contains(additional) || additional == ID || additional == OWN,
            None => name == VERSION || name == OWN || renamed_to.contains(&name),
        };
        let field = additional.or_else(|| renamed(&name).map(Text::from)).unwrap_or(name);
        if is_displaced || !seen.insert(field.clone()) {
            own.push((field, value));
        } else {
            draft.body.push((field, value));
        }
    }
    name_stack_trace(&mut draft.body);
    let has_message = top(&draft.body, "message").and_then(Value::as_text).is_some_and(|text| !text.trim().is_empty());
    if !has_message {
        draft.tag(tag::GELF_PARSE_FAILURE);
    }
    if !own.is_empty() {
        draft.body.push((OWN.into(), Value::Object(own)));
    }
    draft
}

/// What a field of the format is called in events, when it is called otherwise.
fn renamed(name: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(field, _)| name == *field).map(|(_, renamed)| *renamed)
}

fn is_known_version(value: &Value) -> bool {
    match value {
        Value::Text(text) => VERSIONS.contains(&text.as_str()),
        Value::Int(number) => *number == 1,
        Value::Float(number) => *number == 1.1,
        Value::Null | Value::Bool(_) | Value::BigNumber(_) | Value::List(_) | Value::Object(_) => false,
    }
}

/// A full message that holds a stack trace is one, with what it says of the error; what was sent of that counts first.
fn name_stack_trace(body: &mut Object) {
    let Some(at) = body.iter().position(|(name, _)| name == "full_message") else { return };
    let Value::Text(text) = &body[at].1 else { return };
    let text = text.clone();
    let Some((_, exception)) = stack_trace::find(&text) else { return };
    if top(body, "stack_trace").is_some() {
        return;
    }
    body[at].0 = "stack_trace".into();
    for (name, said) in [("error_type", exception.class), ("error_message", exception.message)] {
        if top(body, name).is_none() {
            push_text(body, name, said);
        }
    }
}

fn top<'b>(body: &'b Object, name: &str) -> Option<&'b Value> {
    body.iter().find(|(sent, _)| sent == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sent: &str, expected: &str) {
        let Ok(Value::Object(sent_body)) = serde_json::from_str(sent) else { unreachable!() };
        let Draft { mut body, tags, .. } = draft_of(sent_body);
        if !tags.is_empty() {
            body.push(("tags".into(), Value::List(tags.into_iter().map(Value::text).collect())));
        }
        assert_eq!(serde_json::to_string(&Value::Object(body)).unwrap(), expected, "{sent}");
    }

    #[test]
    fn fields_get_their_names() {
        check(
            r#"{"version":"1.1","host":"till-1","short_message":"paid","full_message":"paid\nby card","timestamp":1795442645.678,"level":6,"_order_id":"o-1","_amount":12.5,"facility":"shop","file":"pay.py","line":7}"#,
            r#"{"host":"till-1","message":"paid","full_message":"paid\nby card","@timestamp":1795442645.678,"level":6,"order_id":"o-1","amount":12.5,"facility":"shop","file":"pay.py","line":7}"#,
        );
        check(r#"{"version":"1.0","short_message":"a"}"#, r#"{"message":"a"}"#);
        check(r#"{"version":1.1,"short_message":"a"}"#, r#"{"message":"a"}"#);
        check(r#"{"short_message":"a","_":1,"_a.b":null}"#, r#"{"message":"a","":1,"a.b":null}"#);
    }

    #[test]
    fn what_has_no_place_at_the_top_lies_below() {
        check(r#"{"version":"2","short_message":"a"}"#, r#"{"message":"a","gelf":{"version":"2"}}"#);
        check(r#"{"short_message":"a","_id":"x"}"#, r#"{"message":"a","id":"x"}"#);
        check(r#"{"short_message":"a","__id":"x"}"#, r#"{"message":"a","gelf":{"_id":"x"}}"#);
        check(
            r#"{"_message":"mine","_host":"h2","host":"h1","short_message":"a","_gelf":1}"#,
            r#"{"host":"h1","message":"a","gelf":{"message":"mine","host":"h2","gelf":1}}"#,
        );
        check(
            r#"{"message":"other","short_message":"a","timestamp":1,"_timestamp":2,"@timestamp":3,"_a":1,"_a":2}"#,
            r#"{"message":"a","@timestamp":1,"a":1,"gelf":{"message":"other","timestamp":2,"@timestamp":3,"a":2}}"#,
        );
        check(r#"{"version":"1.1","short_message":"a","_version":"3.2"}"#, r#"{"message":"a","version":"3.2"}"#);
    }

    #[test]
    fn a_message_without_words_is_kept_with_a_tag() {
        check(r#"{"host":"h"}"#, r#"{"host":"h","tags":["_gelfparsefailure"]}"#);
        check(r#"{"short_message":" "}"#, r#"{"message":" ","tags":["_gelfparsefailure"]}"#);
        check(r#"{"short_message":5}"#, r#"{"message":5,"tags":["_gelfparsefailure"]}"#);
        check(r#"{"message":"as some send it"}"#, r#"{"message":"as some send it"}"#);
        check("{}", r#"{"tags":["_gelfparsefailure"]}"#);
    }

    fn check_trace(full: &str, expected: &str) {
        let full = serde_json::to_string(full).unwrap();
        let expected = expected.replace("FULL", &full);
        check(&format!(r#"{{"short_message":"a","full_message":{full},"level":3}}"#), &expected);
    }

    #[test]
    fn a_full_message_may_be_a_stack_trace() {
        check_trace(
            "java.io.IOException: gone\n\tat shop.Cart.pay(Cart.java:7)",
            r#"{"message":"a","stack_trace":FULL,"level":3,"error_type":"java.io.IOException","error_message":"gone"}"#,
        );
        check_trace(
            "refused\nTraceback (most recent call last):\n  File \"a.py\", line 1, in pay\nKeyError: 'a'",
            r#"{"message":"a","stack_trace":FULL,"level":3,"error_type":"KeyError","error_message":"'a'"}"#,
        );
        check_trace("two lines\nof words", r#"{"message":"a","full_message":FULL,"level":3}"#);
        check(
            r#"{"short_message":"a","full_message":"Err: x\n    at f (a.js:1:2)","_error_type":"mine","_error_message":"m"}"#,
            r#"{"message":"a","stack_trace":"Err: x\n    at f (a.js:1:2)","error_type":"mine","error_message":"m"}"#,
        );
    }
}
