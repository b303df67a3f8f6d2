//! ArcSight's Common Event Format, as firewalls and other guards write it, with or without a syslog header before it:
//! `CEF:version|vendor|product|version|id|name|severity|key=value key=value`.
//!
//! Names are those of Elastic's CEF module. Source: "Implementing ArcSight CEF", revision 26.

use std::borrow::Cow;

use vigie_domain::{Level, Object, Value};

use super::number::typed_by_content;
use super::syslog_header::Header;
use super::{Draft, draft_of_whole, push_text};
use crate::detect::Head;
use crate::tag;

/// What the format begins with.
const MARK: &str = "CEF:";

/// Extensions that are told apart; what follows them stays in the value of the last.
const EXTENSIONS_MAX: usize = 512;

/// Bytes of the name of an extension; a longer word is none.
const KEY_BYTES_MAX: usize = 128;

/// Extensions that have a field of their own.
const OWN_FIELDS: &[(&str, &str)] = &[
    ("src", "client_ip"),
    ("suser", "user_id"),
    ("dvchost", "host"),
    ("msg", "message"),
    ("requestMethod", "method"),
    ("requestClientApplication", "user_agent"),
];

/// Extensions that hold the time of the event, the best first: received by the device, its end, its start.
const TIMES: [&str; 3] = ["rt", "end", "start"];

/// How sure it is: half of the lines hold its mark where it belongs.
pub(crate) fn score(head: &Head<'_>) -> u8 {
    let (mut lines, mut matching) = (0_usize, 0_usize);
    for line in head.lines() {
        lines += 1;
        matching += usize::from(std::str::from_utf8(line).is_ok_and(|text| parse_line(text).is_some()));
    }
    if matching > 0 && matching * 2 >= lines { 93 } else { 0 }
}

/// The draft of a line; one that is not in the format is kept as a message and tagged.
pub(crate) fn parse(line: &str) -> Draft {
    parse_line(line).map_or_else(|| draft_of_whole(line, tag::CEF_PARSE_FAILURE), Draft::new)
}

/// The fields of a line; `None` when it is not in the format.
pub(crate) fn parse_line(line: &str) -> Option<Object> {
    let at = line.find(MARK)?;
    let header = Header::of(&line[..at]);
    if at > 0 && header.is_none() {
        return None;
    }
    let mut rest = &line[at + MARK.len()..];
    let mut parts = [const { Cow::Borrowed("") }; 7];
    for part in &mut parts {
        let end = unescaped(rest, b'|')?;
        *part = without_escapes(&rest[..end]);
        rest = &rest[end + 1..];
    }
    if !parts[0].trim().bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') || parts[0].trim().is_empty() {
        return None;
    }
    let mut extensions = extensions_of(rest);
    let mut body = Object::new();
    push_time(&mut body, &mut extensions, header.as_ref());
    push_level(&mut body, &parts[6]);
    for (name, field) in OWN_FIELDS {
        if let Some(index) = extensions.iter().position(|(key, _)| key == name) {
            body.push(((*field).into(), extensions.remove(index).1));
        }
    }
    let has = |body: &Object, name: &str| body.iter().any(|(sent, _)| sent == name);
    if let Some(header) = header.filter(|_| !has(&body, "host")) {
        push_text(&mut body, "host", header.host);
    }
    if !has(&body, "message") {
        push_text(&mut body, "message", &parts[5]);
    }
    body.push(("cef".into(), Value::Object(cef_of(&parts, extensions))));
    Some(body)
}

/// What the format itself has: its header, and the extensions without a field of their own.
fn cef_of(parts: &[Cow<'_, str>; 7], extensions: Object) -> Object {
    let [version, vendor, product, device_version, id, name, severity] = parts;
    let mut device = Object::new();
    push_text(&mut device, "vendor", vendor);
    push_text(&mut device, "product", product);
    push_text(&mut device, "version", device_version);
    push_text(&mut device, "event_class_id", id);
    let mut cef = Object::new();
    push_text(&mut cef, "version", version.trim());
    cef.push(("device".into(), Value::Object(device)));
    push_text(&mut cef, "name", name);
    push_text(&mut cef, "severity", severity);
    if !extensions.is_empty() {
        cef.push(("extensions".into(), Value::Object(extensions)));
    }
    cef
}

/// The device's own time, else that of the syslog header.
fn push_time(body: &mut Object, extensions: &mut Object, header: Option<&Header<'_>>) {
    let found = TIMES.iter().find_map(|name| extensions.iter().position(|(key, _)| key == name));
    match found {
        Some(index) => body.push(("@timestamp".into(), extensions.remove(index).1)),
        None => push_text(body, "@timestamp", header.map_or("", |header| header.time)),
    }
}

/// 0–3 are low, 4–6 medium, 7–8 high, 9–10 very high.
fn push_level(body: &mut Object, severity: &str) {
    let level = match (severity.trim().parse::<u8>(), severity.trim().to_ascii_lowercase().as_str()) {
        (Ok(0..=3), _) | (_, "low") => Level::Info,
        (Ok(4..=6), _) | (_, "medium") => Level::Warn,
        (Ok(7..=8), _) | (_, "high") => Level::Error,
        (Ok(9..=10), _) | (_, "very-high") => Level::Fatal,
        _ => return,
    };
    push_text(body, "level", level.as_str());
}

/// `key=value key=value`: a value reaches to the space before the next key; an `=` without a key before it is part of one.
fn extensions_of(text: &str) -> Object {
    let mut extensions = Object::new();
    let mut open: Option<(&str, usize)> = None;
    let (mut word_start, mut is_escaped) = (0, false);
    for (at, byte) in text.bytes().enumerate() {
        let is_mark = byte == b'=' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        if byte == b' ' {
            word_start = at + 1;
        }
        // A word that begins where a value does is its beginning, not a key.
        let is_key_here = |value_start: usize| word_start > value_start && extensions.len() < EXTENSIONS_MAX;
        if !is_mark || !is_key(&text[word_start..at]) || !open.is_none_or(|(_, start)| is_key_here(start)) {
            continue;
        }
        if let Some((key, start)) = open {
            push_extension(&mut extensions, key, &text[start..word_start]);
        }
        open = Some((&text[word_start..at], at + 1));
    }
    if let Some((key, start)) = open {
        push_extension(&mut extensions, key, &text[start..]);
    }
    extensions
}

fn push_extension(extensions: &mut Object, key: &str, value: &str) {
    let value = without_escapes(value.trim_end());
    if !value.is_empty() {
        extensions.push((key.into(), typed_by_content(&value)));
    }
}

fn is_key(text: &str) -> bool {
    (1..=KEY_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-[]".contains(&byte))
}

/// Where the first such byte without a backslash before it is.
fn unescaped(text: &str, wanted: u8) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let is_wanted = byte == wanted && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_wanted
    })
}

/// With `\|`, `\=`, `\\`, `\n` and `\r` resolved; any other backslash is one.
fn without_escapes(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let resolved = match (c, chars.peek()) {
            ('\\', Some('n')) => Some('\n'),
            ('\\', Some('r')) => Some('\r'),
            ('\\', Some(escaped @ ('|' | '=' | '\\'))) => Some(*escaped),
            _ => None,
        };
        if resolved.is_some() {
            chars.next();
        }
        plain.push(resolved.unwrap_or(c));
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let body = parse_line(line).map(Value::Object);
        assert_eq!(serde_json::to_string(&body).unwrap(), expected, "{line}");
    }

    #[test]
    fn header_and_extensions_are_read() {
        check(
            r"CEF:0|Guard\|Co|WAF|1.2|100|SQL injection|9|src=192.0.2.1 rt=1795442645000 msg=blocked a\=b \\ c\nd spt=443 request=https://shop.example/?id=7&x=1 act=",
            r#"{"@timestamp":1795442645000,"level":"FATAL","client_ip":"192.0.2.1","message":"blocked a=b \\ c\nd","cef":{"version":"0","device":{"vendor":"Guard|Co","product":"WAF","version":"1.2","event_class_id":"100"},"name":"SQL injection","severity":"9","extensions":{"spt":443,"request":"https://shop.example/?id=7&x=1"}}}"#,
        );
        check(
            "<134>Nov 23 14:04:05 fw-1 CEF:0|a|b|c|d|login failed|Low|suser=alice cs1Label=Rule name cs1=r 7",
            r#"{"@timestamp":"Nov 23 14:04:05","level":"INFO","user_id":"alice","host":"fw-1","message":"login failed","cef":{"version":"0","device":{"vendor":"a","product":"b","version":"c","event_class_id":"d"},"name":"login failed","severity":"Low","extensions":{"cs1Label":"Rule name","cs1":"r 7"}}}"#,
        );
        check(
            "CEF:1|a|b|c|d|e|Unknown|",
            r#"{"message":"e","cef":{"version":"1","device":{"vendor":"a","product":"b","version":"c","event_class_id":"d"},"name":"e","severity":"Unknown"}}"#,
        );
    }

    #[test]
    fn other_lines_are_none() {
        for line in ["", "CEF:0|a|b", "about CEF:0|a|b|c|d|e|1|", "CEF:x|a|b|c|d|e|1|", "CEF:0|a|b|c|d|e|1\\|"] {
            check(line, "null");
        }
        assert_eq!(parse("hello").tags, [tag::CEF_PARSE_FAILURE]);
    }

    #[test]
    fn extensions_are_bounded() {
        let many: String = (0..2 * EXTENSIONS_MAX).map(|number| format!("k{number}=1 ")).collect();
        let extensions = extensions_of(&many);
        assert_eq!(extensions.len(), EXTENSIONS_MAX + 1);
        assert!(
            extensions.last().is_some_and(|(_, value)| value.as_text().is_some_and(|text| text.ends_with("k1023=1")))
        );
    }
}
