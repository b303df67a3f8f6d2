//! Syslog, one message at a time: RFC 5424, and RFC 3164 as it is really sent. How messages are framed is not known here.
//!
//! Nothing of a message is dropped: what does not belong to a header is the message, and a field of a JSON message that
//! has the name of one of the header moves the header's below `syslog`.

use vigie_domain::{Level, Object, Value};

use super::json_value::{object_of, parse_json};
use super::number::typed_by_content;
use super::syslog_header::{Header, StructuredData};
use super::{Draft, draft_of_whole, push_text};
use crate::detect::Head;
use crate::tag;

/// What a sender puts before a message that is JSON (Mitre's Common Event Expression).
const CEE_COOKIE: &str = "@cee:";

/// Where what only syslog has is kept.
const OWN: &str = "syslog";

/// RFC 5424 §6.2.1, by number; the words of `syslog.conf`.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

/// RFC 5424 §6.2.1, by number, with the level that each means.
const SEVERITIES: [(&str, Level); 8] = [
    ("emerg", Level::Fatal),
    ("alert", Level::Fatal),
    ("crit", Level::Fatal),
    ("err", Level::Error),
    ("warning", Level::Warn),
    ("notice", Level::Info),
    ("info", Level::Info),
    ("debug", Level::Debug),
];

/// How sure it is: half of the lines have a header that little else has.
pub(crate) fn score(head: &Head<'_>) -> u8 {
    let (mut lines, mut matching) = (0_usize, 0_usize);
    for line in head.lines() {
        lines += 1;
        let is_sure = |text| Header::of(text).is_some_and(|header| header.is_sure());
        matching += usize::from(std::str::from_utf8(line).is_ok_and(is_sure));
    }
    if matching > 0 && matching * 2 >= lines { 90 } else { 0 }
}

/// The draft of one message; one that has no header of syslog is kept whole and tagged.
///
/// A date without a year stays as it was sent: conversion knows when it arrived, and gives it the year.
pub(crate) fn parse(message: &str) -> Draft {
    let message = message.trim_end_matches(['\n', '\r', '\0']);
    match Header::of(message) {
        Some(header) => draft_of(header),
        None => draft_of_whole(message, tag::SYSLOG_PARSE_FAILURE),
    }
}

/// The draft of a line that hardly anything but syslog looks like; `None` for any other.
pub(crate) fn parse_sure(line: &str) -> Option<Draft> {
    Header::of(line).filter(Header::is_sure).map(draft_of)
}

fn draft_of(header: Header<'_>) -> Draft {
    let mut draft = Draft::default();
    let mut own = Object::new();
    push_text(&mut draft.body, "@timestamp", header.time);
    push_priority(&mut draft.body, &mut own, header.priority);
    push_text(&mut draft.body, "host", header.host);
    push_text(&mut draft.body, "service", header.app);
    match typed_by_content(header.process) {
        pid @ Value::Int(_) => draft.body.push(("process".into(), Value::Object(vec![("pid".into(), pid)]))),
        _ => push_text(&mut own, "procid", header.process),
    }
    push_text(&mut own, "msgid", header.message_id);
    if !own.is_empty() {
        draft.body.push((OWN.into(), Value::Object(own)));
    }
    match header.structured {
        StructuredData::None => {}
        StructuredData::Elements(elements) => draft.body.push(("structured_data".into(), Value::Object(elements))),
        StructuredData::Malformed => draft.tag(tag::SYSLOG_PARSE_FAILURE),
    }
    push_message(&mut draft, header.message.strip_prefix('\u{feff}').unwrap_or(header.message));
    draft
}

fn push_priority(body: &mut Object, own: &mut Object, priority: Option<u8>) {
    let Some(priority) = priority else { return };
    let (severity, level) = SEVERITIES[usize::from(priority % 8)];
    if let Some(facility) = FACILITIES.get(usize::from(priority / 8)) {
        push_text(own, "facility", facility);
    }
    push_text(own, "severity", severity);
    push_text(body, "level", level.as_str());
}

/// The message, or the fields of one that is a JSON object.
fn push_message(draft: &mut Draft, message: &str) {
    let trimmed = message.trim();
    let cookie = trimmed.strip_prefix(CEE_COOKIE);
    let json = cookie.or(Some(trimmed)).map(str::trim_start).filter(|text| text.starts_with('{'));
    match json.map(|text| parse_json(text).and_then(object_of)) {
        Some(Ok(fields)) => fields.into_iter().for_each(|(name, value)| push_own_field(draft, name.as_str(), value)),
        _ => {
            if cookie.is_some() {
                draft.tag(tag::JSON_PARSE_FAILURE);
            }
            if !trimmed.is_empty() {
                draft.body.push(("message".into(), Value::text(message)));
            }
        }
    }
}

/// The sender's own field: it knows its service and its time better than whoever passed its words on.
fn push_own_field(draft: &mut Draft, name: &str, value: Value) {
    let taken = draft.body.iter().position(|(header_name, _)| header_name == name);
    let Some(at) = taken else {
        draft.body.push((name.into(), value));
        return;
    };
    let displaced = if name == OWN { value } else { std::mem::replace(&mut draft.body[at].1, value) };
    let below = name.trim_start_matches('@').into();
    match draft.body.iter_mut().find(|(header_name, _)| header_name == OWN) {
        Some((_, Value::Object(own))) => own.push((below, displaced)),
        _ => draft.body.push((OWN.into(), Value::Object(vec![(below, displaced)]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: &str) {
        let Draft { mut body, tags, .. } = parse(message);
        if !tags.is_empty() {
            body.push(("tags".into(), Value::List(tags.into_iter().map(Value::text).collect())));
        }
        assert_eq!(serde_json::to_string(&Value::Object(body)).unwrap(), expected, "{message}");
    }

    #[test]
    fn messages_of_rfc_5424() {
        check(
            "<34>1 2026-11-23T14:04:05.003Z mail.example su - ID47 - \u{feff}'su root' failed\n",
            r#"{"@timestamp":"2026-11-23T14:04:05.003Z","level":"FATAL","host":"mail.example","service":"su","syslog":{"facility":"auth","severity":"crit","msgid":"ID47"},"message":"'su root' failed"}"#,
        );
        check(
            r#"<165>1 2026-11-23T15:04:05+01:00 h app 42 - [origin@123 ip="1.2.3.4" say="a \"b\" \] \\ \n"][x@1] hi"#,
            r#"{"@timestamp":"2026-11-23T15:04:05+01:00","level":"INFO","host":"h","service":"app","process":{"pid":42},"syslog":{"facility":"local4","severity":"notice"},"structured_data":{"origin@123":{"ip":"1.2.3.4","say":"a \"b\" ] \\ \\n"},"x@1":{}},"message":"hi"}"#,
        );
        check("<14>1 - - - - - -", r#"{"level":"INFO","syslog":{"facility":"user","severity":"info"}}"#);
        check(
            r#"<14>1 - - - worker-7 - [a@1 p="1" p="2"]"#,
            r#"{"level":"INFO","syslog":{"facility":"user","severity":"info","procid":"worker-7"},"structured_data":{"a@1":{"p":["1","2"]}}}"#,
        );
        check(
            r#"1 2026-11-23T14:04:05Z h app - - - no priority"#,
            r#"{"@timestamp":"2026-11-23T14:04:05Z","host":"h","service":"app","message":"no priority"}"#,
        );
    }

    #[test]
    fn structured_data_that_is_broken_stays_text() {
        check(
            r#"<14>1 - h app - - [cart] emptied"#,
            r#"{"level":"INFO","host":"h","service":"app","syslog":{"facility":"user","severity":"info"},"structured_data":{"cart":{}},"message":"emptied"}"#,
        );
        check(
            r#"<14>1 - h app - - [cart id="7 emptied"#,
            r#"{"level":"INFO","host":"h","service":"app","syslog":{"facility":"user","severity":"info"},"message":"[cart id=\"7 emptied","tags":["_syslogparsefailure"]}"#,
        );
    }

    #[test]
    fn messages_of_rfc_3164() {
        check(
            "<34>Oct 11 22:14:15 mymachine su[123]: 'su root' failed for lonvick on /dev/pts/8",
            r#"{"@timestamp":"Oct 11 22:14:15","level":"FATAL","host":"mymachine","service":"su","process":{"pid":123},"syslog":{"facility":"auth","severity":"crit"},"message":"'su root' failed for lonvick on /dev/pts/8"}"#,
        );
        check(
            "Nov  3 04:05:06 web-1 postfix/smtpd[9]: connect from unknown[192.0.2.1]",
            r#"{"@timestamp":"Nov  3 04:05:06","host":"web-1","service":"postfix/smtpd","process":{"pid":9},"message":"connect from unknown[192.0.2.1]"}"#,
        );
        check(
            "2026-11-23T15:04:05.123456+01:00 web-1 kernel: [12.5] oom",
            r#"{"@timestamp":"2026-11-23T15:04:05.123456+01:00","host":"web-1","service":"kernel","message":"[12.5] oom"}"#,
        );
        check(
            "<13>Nov 23 14:04:05 cron[7]: no host",
            r#"{"@timestamp":"Nov 23 14:04:05","level":"INFO","service":"cron","process":{"pid":7},"syslog":{"facility":"user","severity":"notice"},"message":"no host"}"#,
        );
        check(
            "<13>Nov 23 14:04:05 2001:db8::1 last message repeated 2 times",
            r#"{"@timestamp":"Nov 23 14:04:05","level":"INFO","host":"2001:db8::1","syslog":{"facility":"user","severity":"notice"},"message":"last message repeated 2 times"}"#,
        );
        check(
            "<189>29: *Nov 23 14:04:05.678 UTC: %SYS-5-CONFIG_I: Configured",
            r#"{"@timestamp":"Nov 23 14:04:05.678","level":"INFO","service":"%SYS-5-CONFIG_I","syslog":{"facility":"local7","severity":"notice"},"message":"Configured"}"#,
        );
        check(
            "<166>Nov 23 2026 14:04:05 fw : %ASA-6-302013: Built",
            r#"{"@timestamp":"Nov 23 2026 14:04:05","level":"INFO","host":"fw","syslog":{"facility":"local4","severity":"info"},"message":": %ASA-6-302013: Built"}"#,
        );
        check("<13>hello", r#"{"level":"INFO","syslog":{"facility":"user","severity":"notice"},"message":"hello"}"#);
    }

    #[test]
    fn a_json_message_gives_its_fields() {
        check(
            r#"<14>Nov 23 14:04:05 h app: @cee: {"order_id":"o-1","ok":true}"#,
            r#"{"@timestamp":"Nov 23 14:04:05","level":"INFO","host":"h","service":"app","syslog":{"facility":"user","severity":"info"},"order_id":"o-1","ok":true}"#,
        );
        check(
            r#"<14>Nov 23 14:04:05 h app: {"service":"cart","level":"error","@timestamp":"2026-11-23T14:04:04Z","syslog":1}"#,
            r#"{"@timestamp":"2026-11-23T14:04:04Z","level":"error","host":"h","service":"cart","syslog":{"facility":"user","severity":"info","service":"app","level":"INFO","timestamp":"Nov 23 14:04:05","syslog":1}}"#,
        );
        check(
            "Nov 23 14:04:05 h app: @cee: {broken",
            r#"{"@timestamp":"Nov 23 14:04:05","host":"h","service":"app","message":"@cee: {broken","tags":["_jsonparsefailure"]}"#,
        );
        check(
            "Nov 23 14:04:05 h app: {main} started",
            r#"{"@timestamp":"Nov 23 14:04:05","host":"h","service":"app","message":"{main} started"}"#,
        );
    }

    #[test]
    fn what_is_no_syslog_is_kept_and_tagged() {
        for message in ["hello world", "<192>hello", "<>x", "<1234>x", "<-1>x", "", "Nov 23", "Nov 99 14:04 h a: b"] {
            let expected = format!(r#"{{"message":"{message}","tags":["_syslogparsefailure"]}}"#);
            check(message, &expected);
        }
    }
}
