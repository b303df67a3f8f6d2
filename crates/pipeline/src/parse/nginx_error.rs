//! nginx error logs: `2026/11/23 15:04:05 [error] 812#812: *5 what failed, client: …, server: …, request: "…"`.
//!
//! Their times have no zone; they are read as UTC.

use vigie_domain::{Level, Object, Value};

use super::access_log::push_request;
use super::joined::Joining;
use super::number::typed_by_content;
use super::{Draft, draft_of_whole, push_text};
use crate::detect::Head;
use crate::tag;

/// `yyyy/mm/dd HH:MM:SS`.
const TIME_BYTES: usize = 19;

/// What nginx appends to a message, in its order, and the field of each.
const CONTEXT: &[(&str, &str)] = &[
    (", client: ", "client_ip"),
    (", server: ", "server_name"),
    (", request: ", "request"),
    (", subrequest: ", "subrequest"),
    (", upstream: ", "upstream"),
    (", host: ", "vhost"),
    (", referrer: ", "referrer"),
];

/// How sure it is: half of the lines begin as those of nginx.
pub(crate) fn score(head: &Head<'_>) -> u8 {
    let (mut lines, mut matching) = (0_usize, 0_usize);
    for line in head.lines() {
        lines += 1;
        matching += usize::from(std::str::from_utf8(line).is_ok_and(|text| split_head(text).is_some()));
    }
    if matching > 0 && matching * 2 >= lines { 92 } else { 0 }
}

/// All that does not begin as a line of nginx does goes on with the record.
pub(crate) const JOINING: Joining =
    Joining { continues: |_, line| split_head(line).is_none(), continues_over_blank: |_, _| true, parse };

/// The draft of a line and those that go on with it; one that is not of nginx is kept as a message and tagged.
pub(crate) fn parse(record: &str) -> Draft {
    parse_record(record).map_or_else(|| draft_of_whole(record, tag::NGINX_ERROR_PARSE_FAILURE), Draft::new)
}

/// The fields of a line and those that go on with it; `None` when it is not of nginx.
pub(crate) fn parse_record(record: &str) -> Option<Object> {
    let (time, level, rest) = split_head(record)?;
    let (process, rest) = rest.split_once(": ").or_else(|| rest.strip_suffix(':').map(|process| (process, "")))?;
    let (pid, thread) = process.split_once('#')?;
    let mut body = vec![("@timestamp".into(), Value::text(time)), ("level".into(), Value::text(level))];
    let thread = Value::Object(vec![("id".into(), typed_by_content(thread))]);
    body.push((
        "process".into(),
        Value::Object(vec![("pid".into(), typed_by_content(pid)), ("thread".into(), thread)]),
    ));
    let connection = rest.strip_prefix('*').and_then(|rest| rest.split_once(' '));
    let connection = connection.filter(|(id, _)| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
    let rest = connection.map_or(rest, |(id, rest)| {
        body.push(("connection_id".into(), typed_by_content(id)));
        rest
    });
    let message = push_context(&mut body, rest);
    if let Some(code) = errno_of(message) {
        body.push(("error_code".into(), code));
    }
    push_text(&mut body, "message", message);
    // Its request makes it look like a response, which it is not.
    let is_failure = Level::from_word(level).is_some_and(|level| level >= Level::Error);
    body.push(("log_type".into(), Value::text(if is_failure { "error" } else { "other" })));
    Some(body)
}

/// Time, level and what follows `[level] `.
fn split_head(line: &str) -> Option<(&str, &str, &str)> {
    let time = line.get(..TIME_BYTES)?;
    let is_time = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'/',
        10 => byte == b' ',
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    };
    let (level, rest) = line[TIME_BYTES..].strip_prefix(" [")?.split_once("] ")?;
    (time.bytes().enumerate().all(is_time) && Level::from_word(level).is_some()).then_some((time, level, rest))
}

/// Adds what nginx appended, and gives the message before it.
fn push_context<'r>(body: &mut Object, text: &'r str) -> &'r str {
    let mut found: Vec<(usize, &str, &str)> = Vec::new();
    let mut from = 0;
    for (mark, name) in CONTEXT {
        if let Some(at) = text[from..].find(mark) {
            found.push((from + at, mark, name));
            from += at + mark.len();
        }
    }
    for (index, (at, mark, name)) in found.iter().enumerate() {
        let end = found.get(index + 1).map_or(text.len(), |(next, ..)| *next);
        let value = text[at + mark.len()..end].trim();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        match *name {
            "request" => push_request(body, value),
            name => push_text(body, name, value),
        }
    }
    found.first().map_or(text, |(at, ..)| &text[..*at])
}

/// The system's error number in `(111: Connection refused)`.
fn errno_of(message: &str) -> Option<Value> {
    const DIGITS_MAX: usize = 4;
    message.match_indices('(').find_map(|(at, _)| {
        let rest = &message[at + 1..];
        let digits = rest.bytes().take(DIGITS_MAX).take_while(u8::is_ascii_digit).count();
        let number = rest[..digits].parse().ok()?;
        rest[digits..].starts_with(": ").then_some(Value::Int(number))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(record: &str, expected: &str) {
        let body = parse_record(record).map(Value::Object);
        assert_eq!(serde_json::to_string(&body).unwrap(), expected, "{record}");
    }

    #[test]
    fn lines_are_read() {
        check(
            r#"2026/11/23 15:04:05 [error] 812#815: *5 connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.1, server: shop.example, request: "GET /cart?id=7 HTTP/1.1", upstream: "http://127.0.0.1:9000/cart", host: "shop.example", referrer: "https://shop.example/, host: x""#,
            r#"{"@timestamp":"2026/11/23 15:04:05","level":"error","process":{"pid":812,"thread":{"id":815}},"connection_id":5,"client_ip":"192.0.2.1","server_name":"shop.example","method":"GET","endpoint":"/cart","query_string":"id=7","http_version":"1.1","upstream":"http://127.0.0.1:9000/cart","vhost":"shop.example","referrer":"https://shop.example/, host: x","error_code":111,"message":"connect() failed (111: Connection refused) while connecting to upstream","log_type":"error"}"#,
        );
        check(
            "2026/11/23 15:04:05 [notice] 1#1: start worker processes",
            r#"{"@timestamp":"2026/11/23 15:04:05","level":"notice","process":{"pid":1,"thread":{"id":1}},"message":"start worker processes","log_type":"other"}"#,
        );
        check(
            "2026/11/23 15:04:05 [error] 1#1: *2 FastCGI sent in stderr: \"PHP Fatal error\nthrown in /a.php\", client: 192.0.2.1",
            r#"{"@timestamp":"2026/11/23 15:04:05","level":"error","process":{"pid":1,"thread":{"id":1}},"connection_id":2,"client_ip":"192.0.2.1","message":"FastCGI sent in stderr: \"PHP Fatal error\nthrown in /a.php\"","log_type":"error"}"#
                .replace("error\nthrown", "error\\nthrown")
                .as_str(),
        );
    }

    #[test]
    fn other_lines_are_none() {
        for line in [
            "",
            "hello",
            "2026/11/23 15:04:05 [banana] 1#1: x",
            "2026/11/23 15:04:05 [error] x",
            "2026-11-23 15:04:05 [error] 1#1: x",
        ] {
            check(line, "null");
        }
        assert_eq!(parse("hello").tags, [tag::NGINX_ERROR_PARSE_FAILURE]);
    }
}
