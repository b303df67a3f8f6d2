//! logfmt: `key=value key="quoted value" flag` on one line, as Go and Heroku services write it.

use vigie_domain::{Object, Value};

use super::number::typed_by_content;
use super::{Draft, draft_of_whole};
use crate::detect::Head;
use crate::tag;

/// How sure it is: four fifths of the lines are nothing but pairs, at least two each.
pub(crate) fn score(head: &Head<'_>) -> u8 {
    let (mut lines, mut matching) = (0_usize, 0_usize);
    for line in head.lines() {
        lines += 1;
        let is_pairs = |text| Pairs::of(text).is_some_and(|pairs| pairs.prose.is_empty() && pairs.pair_count >= 2);
        matching += usize::from(std::str::from_utf8(line).is_ok_and(is_pairs));
    }
    if matching > 0 && matching * 5 >= lines * 4 { 80 } else { 0 }
}

/// The draft of a line; one without any pair is kept as a message and tagged.
pub(crate) fn parse(line: &str) -> Draft {
    let Some(pairs) = Pairs::of(line) else {
        return draft_of_whole(line, tag::KV_PARSE_FAILURE);
    };
    let mut body = pairs.fields;
    if !pairs.prose.is_empty() {
        let has_message = body.iter().any(|(name, _)| name == "message" || name == "msg");
        let name = if has_message { "prefix" } else { "message" };
        body.insert(0, (name.into(), Value::text(pairs.prose)));
    }
    Draft::new(body)
}

/// The fields of a line that is nothing but pairs, at least two; a word alone is none, for prose has words too.
pub(crate) fn parse_pairs(line: &str) -> Option<Object> {
    // Asked of every line that is nothing else: most are told by their first word.
    let key_length = line.trim_start().find([' ', '=', '"', '\t'])?;
    if key_length == 0 || line.trim_start().as_bytes()[key_length] != b'=' {
        return None;
    }
    let pairs = Pairs::of(line)?;
    (pairs.pair_count >= 2 && pairs.pair_count == pairs.fields.len()).then_some(pairs.fields)
}

/// What a line holds.
struct Pairs<'a> {
    /// Text before the first pair.
    prose: &'a str,
    fields: Object,
    pair_count: usize,
}

impl<'a> Pairs<'a> {
    /// `None` when there is no pair.
    fn of(line: &'a str) -> Option<Self> {
        let mut pairs = Self { prose: "", fields: Vec::new(), pair_count: 0 };
        let trimmed = line.trim();
        let mut rest = trimmed;
        while !rest.is_empty() {
            let key_length = rest.find([' ', '=', '"', '\t']).unwrap_or(rest.len());
            let key = &rest[..key_length];
            let after = &rest[key_length..];
            if let Some(after_equals) = after.strip_prefix('=').filter(|_| !key.is_empty()) {
                if pairs.pair_count == 0 {
                    pairs.prose = trimmed[..trimmed.len() - rest.len()].trim_end();
                    pairs.fields.clear();
                }
                let (value, remaining) = value_of(after_equals);
                pairs.fields.push((key.into(), value));
                pairs.pair_count += 1;
                rest = remaining.trim_start();
            } else {
                let word_length = rest.find([' ', '\t']).unwrap_or(rest.len());
                pairs.fields.push((rest[..word_length].into(), Value::Bool(true)));
                rest = rest[word_length..].trim_start();
            }
        }
        (pairs.pair_count > 0).then_some(pairs)
    }
}

/// The value at the beginning of the text, and what follows it.
fn value_of(text: &str) -> (Value, &str) {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut is_escaped = false;
        let end = quoted.find(|c: char| {
            let is_end = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            is_end
        });
        if let Some(end) = end {
            let literal = &text[..end + 2];
            let content = serde_json::from_str(literal).unwrap_or_else(|_| quoted[..end].to_owned());
            return (Value::text(content), &quoted[end + 1..]);
        }
    }
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    (typed_by_content(&text[..end]), &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let draft = parse(line);
        assert_eq!(serde_json::to_string(&Value::Object(draft.body)).unwrap(), expected, "{line}");
    }

    #[test]
    fn pairs_become_fields() {
        check(
            r#"level=info msg="a \"b\" c" ms=12.5 ok=true id=007"#,
            r#"{"level":"info","msg":"a \"b\" c","ms":12.5,"ok":true,"id":"007"}"#,
        );
        check("a=1 flag b=", r#"{"a":1,"flag":true,"b":""}"#);
        check(r#"path="C:\x" q="open"#, r#"{"path":"C:\\x","q":"\"open"}"#);
        check("url=/a?b=c d=e=f", r#"{"url":"/a?b=c","d":"e=f"}"#);
    }

    #[test]
    fn text_before_the_pairs_is_the_message() {
        check("cart service started port=80", r#"{"message":"cart service started","port":80}"#);
        check("INFO msg=x", r#"{"prefix":"INFO","msg":"x"}"#);
        check("  été a=1", r#"{"message":"été","a":1}"#);
    }

    #[test]
    fn words_beside_pairs_are_not_lost() {
        let check = |line: &str, expected: Option<usize>| {
            assert_eq!(parse_pairs(line).map(|fields| fields.len()), expected, "{line}");
        };
        check("a=1 b=\"x y\"", Some(2));
        check("  a=1\tb=", Some(2));
        check("payment failed for user order=7 amount=12", None);
        check("order=7 amount=12 failed", None);
        check("\"a\" b=1 c=2", None);
        check("=1 b=2 c=3", None);
        check("a=1", None);
        check("words", None);
        check("", None);
    }

    #[test]
    fn a_line_without_pairs_is_kept_and_tagged() {
        check("hello world", r#"{"message":"hello world"}"#);
        assert_eq!(parse("hello = world").tags, [tag::KV_PARSE_FAILURE]);
    }
}
