//! Apache and nginx access logs: common and combined, with or without virtual host and response time.
//!
//! They become `performance` events. The line itself is not kept beside its fields: that would double the data.

use std::net::IpAddr;

use vigie_domain::{Object, Value};

use super::number::number_from_literal;
use super::{Draft, draft_of_whole, push_text};
use crate::detect::Head;
use crate::tag;

/// How sure it is: most lines are access log lines.
pub(crate) fn score(head: &Head<'_>) -> u8 {
    let (mut lines, mut matching) = (0_usize, 0_usize);
    for line in head.lines() {
        lines += 1;
        matching += usize::from(std::str::from_utf8(line).is_ok_and(|text| parse_line(text).is_some()));
    }
    if matching > 0 && matching * 2 >= lines { 92 } else { 0 }
}

/// The draft of a line; one that is no access log line is kept as a message and tagged.
pub(crate) fn parse(line: &str) -> Draft {
    parse_line(line).map_or_else(|| draft_of_whole(line, tag::ACCESS_LOG_PARSE_FAILURE), Draft::new)
}

/// `[vhost ]address ident user [time] "request" status bytes["referrer" "agent"[ rest]]`; `None` when the line is none.
pub(crate) fn parse_line(line: &str) -> Option<Object> {
    let (who, rest) = line.split_once(" [")?;
    let (time, rest) = rest.split_once("] \"")?;
    let is_time = time.as_bytes().get(2) == Some(&b'/') && time.as_bytes().get(6) == Some(&b'/');
    let (request, rest) = until_quote(rest).filter(|_| is_time)?;
    let mut numbers = rest.trim_start().splitn(3, ' ');
    let status = numbers.next().filter(|status| *status == "-" || is_status(status))?;
    let bytes = numbers.next()?;
    let rest = numbers.next().unwrap_or_default();

    let mut body = vec![("@timestamp".into(), Value::text(time))];
    push_who(&mut body, who)?;
    push_request(&mut body, &request);
    push_number(&mut body, "status_code", status)?;
    push_number(&mut body, "bytes_sent", bytes)?;
    let rest = push_quoted(&mut body, "referrer", rest);
    let rest = push_quoted(&mut body, "user_agent", rest);
    push_rest(&mut body, rest.trim());
    Some(body)
}

fn is_status(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn push_who(body: &mut Object, who: &str) -> Option<()> {
    let mut words = who.split_ascii_whitespace();
    let mut four = [words.next()?, words.next()?, words.next()?, words.next().unwrap_or_default()];
    if words.next().is_some() {
        return None;
    }
    if !four[3].is_empty() {
        push_text(body, "vhost", four[0]);
        four.rotate_left(1);
    }
    let [address, ident, user, _] = four;
    push_text(body, "client_ip", address);
    push_text(body, "ident", ident);
    push_text(body, "user_id", user);
    Some(())
}

/// `METHOD target HTTP/version`; whatever else was sent is kept as `request`.
pub(super) fn push_request(body: &mut Object, request: &str) {
    let parts = request.split_once(' ').map(|(method, rest)| {
        let (target, version) =
            rest.rsplit_once(" HTTP/").map_or((rest, None), |(target, version)| (target, Some(version)));
        (method, target, version)
    });
    match parts {
        Some((method, target, version))
            if method.bytes().all(|byte| byte.is_ascii_uppercase()) && !method.is_empty() =>
        {
            body.push(("method".into(), Value::text(method)));
            let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
            body.push(("endpoint".into(), Value::text(path)));
            if let Some(query) = query {
                body.push(("query_string".into(), Value::text(query)));
            }
            if let Some(version) = version {
                body.push(("http_version".into(), Value::text(version)));
            }
        }
        _ => push_text(body, "request", request),
    }
}

fn push_number(body: &mut Object, name: &str, text: &str) -> Option<()> {
    if text != "-" {
        let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
        body.push((name.into(), number_from_literal(text).filter(|_| is_digits)?));
    }
    Some(())
}

/// Adds the quoted text at the beginning; gives what follows.
fn push_quoted<'a>(body: &mut Object, name: &str, text: &'a str) -> &'a str {
    let found = text.trim_start().strip_prefix('"').and_then(until_quote);
    let Some((content, rest)) = found else { return text };
    push_text(body, name, &content);
    rest
}

/// What sites add at the end: response times, the addresses that a proxy forwards, `name=value`; all else is kept as it is.
fn push_rest(body: &mut Object, rest: &str) {
    if rest.is_empty() {
        return;
    }
    match known_rest(rest) {
        Some(fields) => body.extend(fields),
        None if rest.split_ascii_whitespace().all(|word| word.contains('=')) => push_pairs(body, rest),
        None => push_text(body, "access_log_rest", rest),
    }
}

/// Addresses, the response time and that of the server behind, in any order, in quotes or not; `None` when there is more.
fn known_rest(rest: &str) -> Option<Object> {
    const PARTS_MAX: usize = 4;
    let mut fields = Object::new();
    let mut rest = rest;
    for _ in 0..PARTS_MAX {
        let quoted = rest.strip_prefix('"').and_then(until_quote);
        let (part, after) = quoted.unwrap_or_else(|| {
            let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
            (word.into(), after)
        });
        rest = after.trim_start();
        let has = |name: &str| fields.iter().any(|(field, _)| field == name);
        if part.split(',').all(|address| address.trim().parse::<IpAddr>().is_ok()) && !has("x_forwarded_for") {
            push_text(&mut fields, "x_forwarded_for", &part);
        } else if part != "-" && !part.is_empty() {
            let millis = response_time_ms(&part)?;
            // Whole numbers one after the other may be anything.
            let is_second = has("response_time_ms");
            if is_second && (!part.contains('.') || has("upstream_response_time_ms")) {
                return None;
            }
            fields.push((if is_second { "upstream_response_time_ms" } else { "response_time_ms" }.into(), millis));
        }
        if rest.is_empty() {
            return Some(fields);
        }
    }
    None
}

fn push_pairs(body: &mut Object, rest: &str) {
    for (name, value) in rest.split_ascii_whitespace().filter_map(|word| word.split_once('=')) {
        let value = value.trim_matches('"');
        let is_time = matches!(name, "rt" | "request_time" | "response_time");
        match response_time_ms(value).filter(|_| is_time) {
            Some(millis) => body.push(("response_time_ms".into(), millis)),
            None => push_text(body, name, value),
        }
    }
}

/// nginx's `$request_time` has seconds with a point, Apache's `%D` whole microseconds; its `%T` looks the same, so it is
/// taken for `%D`.
fn response_time_ms(text: &str) -> Option<Value> {
    const MICROS_PER_SECOND: f64 = 1e6;
    const MICROS_PER_MILLI: f64 = 1e3;
    if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    let micros = if text.contains('.') { (number * MICROS_PER_SECOND).round() } else { number };
    Value::number(micros / MICROS_PER_MILLI)
}

/// The text up to the quote that is not escaped, with escaped quotes resolved, and what follows it.
fn until_quote(text: &str) -> Option<(std::borrow::Cow<'_, str>, &str)> {
    let mut is_escaped = false;
    let mut has_escapes = false;
    let end = text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        has_escapes |= is_escaped;
        is_end
    })?;
    let content = &text[..end];
    let content = if has_escapes { content.replace("\\\"", "\"").replace("\\\\", "\\").into() } else { content.into() };
    Some((content, &text[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let body = parse_line(line).map(Value::Object);
        assert_eq!(serde_json::to_string(&body).unwrap(), expected, "{line}");
    }

    #[test]
    fn common_and_combined_lines_are_read() {
        check(
            r#"192.0.2.7 - alice [23/Nov/2026:15:04:05 +0100] "GET /cart?id=7 HTTP/1.1" 200 512"#,
            r#"{"@timestamp":"23/Nov/2026:15:04:05 +0100","client_ip":"192.0.2.7","user_id":"alice","method":"GET","endpoint":"/cart","query_string":"id=7","http_version":"1.1","status_code":200,"bytes_sent":512}"#,
        );
        check(
            r#"2001:db8::1 - - [23/Nov/2026:15:04:05 +0100] "POST / HTTP/2.0" 304 - "https://shop.example/" "curl/8.1 \"x\"""#,
            r#"{"@timestamp":"23/Nov/2026:15:04:05 +0100","client_ip":"2001:db8::1","method":"POST","endpoint":"/","http_version":"2.0","status_code":304,"referrer":"https://shop.example/","user_agent":"curl/8.1 \"x\""}"#,
        );
        check(
            r#"shop.example:443 192.0.2.7 - - [23/Nov/2026:15:04:05 +0100] "-" 408 0 "-" "-""#,
            r#"{"@timestamp":"23/Nov/2026:15:04:05 +0100","vhost":"shop.example:443","client_ip":"192.0.2.7","status_code":408,"bytes_sent":0}"#,
        );
    }

    fn check_rest(rest: &str, expected: &str) {
        let mut body = Vec::new();
        push_rest(&mut body, rest);
        assert_eq!(serde_json::to_string(&Value::Object(body)).unwrap(), expected, "{rest}");
    }

    #[test]
    fn what_sites_add_is_kept() {
        check_rest("0.123", r#"{"response_time_ms":123}"#);
        check_rest("1500", r#"{"response_time_ms":1.5}"#);
        check_rest("\"-\"", "{}");
        check_rest("\"192.0.2.1, 192.0.2.2\"", r#"{"x_forwarded_for":"192.0.2.1, 192.0.2.2"}"#);
        check_rest("rt=0.005 uct=\"0.001\"", r#"{"response_time_ms":5,"uct":"0.001"}"#);
        check_rest("12 34", r#"{"access_log_rest":"12 34"}"#);
        check_rest("0.123 0.120", r#"{"response_time_ms":123,"upstream_response_time_ms":120}"#);
        check_rest("\"192.0.2.1\" 0.123 -", r#"{"x_forwarded_for":"192.0.2.1","response_time_ms":123}"#);
        check_rest("\"0.123\" \"-\"", r#"{"response_time_ms":123}"#);
        check_rest("0.1 0.2 0.3", r#"{"access_log_rest":"0.1 0.2 0.3"}"#);
        check_rest("0.1 router \"x\"", r#"{"access_log_rest":"0.1 router \"x\""}"#);
    }

    #[test]
    fn odd_requests_are_kept_whole() {
        check(
            r#"192.0.2.7 - - [23/Nov/2026:15:04:05 +0100] "\x16\x03\x01" 400 226"#,
            r#"{"@timestamp":"23/Nov/2026:15:04:05 +0100","client_ip":"192.0.2.7","request":"\\x16\\x03\\x01","status_code":400,"bytes_sent":226}"#,
        );
        check(
            r#"192.0.2.7 - - [23/Nov/2026:15:04:05 +0100] "GET /a b HTTP/1.0" 200 1"#,
            r#"{"@timestamp":"23/Nov/2026:15:04:05 +0100","client_ip":"192.0.2.7","method":"GET","endpoint":"/a b","http_version":"1.0","status_code":200,"bytes_sent":1}"#,
        );
    }

    #[test]
    fn other_lines_are_none() {
        for line in
            ["", "hello", "a [b] \"c\" 200 1", "1.2.3.4 - - [23/Nov/2026:15:04:05 +0100] \"GET / HTTP/1.1\" abc 1"]
        {
            check(line, "null");
        }
        assert_eq!(parse("hello").tags, [tag::ACCESS_LOG_PARSE_FAILURE]);
    }
}
