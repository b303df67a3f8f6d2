//! One line of text that belongs to no file: its first bytes say which formats it may have, and only those are tried.
//!
//! Lines below it, such as a stack trace, belong to the same event. What has no format is a message.

use vigie_domain::{Object, Value};

use super::{Draft, access_log, cef, log4j, logfmt, nginx_error, push_text, stack_trace, syslog};

/// Where the year of a date ends: what stands there tells nginx's dates from those of others, and both from addresses.
const YEAR_BYTES: usize = 4;
/// Where the hour of a clock ends.
const HOUR_BYTES: usize = 2;

/// What a line of text holds, and the lines that go on with it.
pub(crate) fn draft_of(text: &str) -> Draft {
    let (line, below) = text.split_once('\n').map_or((text, ""), |(line, below)| (line.trim_end_matches('\r'), below));
    let bytes = text.as_bytes();
    let found = match bytes.first() {
        Some(b'<') => return priority_draft(text).unwrap_or_else(|| message(text)),
        Some(b'[') => return log4j::parse_record(text).map_or_else(|| message(text), Draft::new),
        Some(b'0'..=b'9') => match dated_draft(text) {
            Some(draft) => return draft,
            None => access_log::parse_line(line).or_else(|| logfmt::parse_pairs(line)),
        },
        Some(b'C') if text.starts_with("CEF:") => cef::parse_line(line),
        Some(b'A'..=b'S') if bytes.get(3) == Some(&b' ') => match syslog::parse_sure(text) {
            Some(draft) => return draft,
            None => access_log::parse_line(line).or_else(|| logfmt::parse_pairs(line)),
        },
        _ => access_log::parse_line(line).or_else(|| logfmt::parse_pairs(line)),
    };
    match found {
        None => message(text),
        Some(mut body) => {
            push_below(&mut body, below);
            Draft::new(body)
        }
    }
}

/// `<34>…`: syslog, or CEF with a header of syslog.
fn priority_draft(text: &str) -> Option<Draft> {
    let line = text.split_once('\n').map_or(text, |(line, _)| line);
    if line.contains("CEF:")
        && let Some(body) = cef::parse_line(line)
    {
        return Some(Draft::new(body));
    }
    syslog::parse_sure(text)
}

/// A line that begins with a date or a clock.
fn dated_draft(text: &str) -> Option<Draft> {
    let bytes = text.as_bytes();
    match (bytes.get(YEAR_BYTES), bytes.get(HOUR_BYTES)) {
        (Some(b'/'), _) => nginx_error::parse_record(text).map(Draft::new),
        (Some(b'-'), _) => log4j::parse_record(text).map(Draft::new).or_else(|| syslog::parse_sure(text)),
        (_, Some(b':')) => log4j::parse_record(text).map(Draft::new),
        _ => None,
    }
}

/// A message of one line or several, the trace in it in fields of its own.
fn message(text: &str) -> Draft {
    let mut body = Object::new();
    stack_trace::push_message(&mut body, text);
    Draft::new(body)
}

/// Adds lines below one whose format has only one line: to its message, a trace to fields of its own.
fn push_below(body: &mut Object, below: &str) {
    if below.is_empty() {
        return;
    }
    let mut found = Object::new();
    stack_trace::push_message(&mut found, below);
    for (name, value) in found {
        match body.iter_mut().find(|(sent, _)| *sent == name) {
            None => body.push((name, value)),
            Some((_, Value::Text(said))) if name == "message" => {
                let joined = format!("{said}\n{}", value.as_text().unwrap_or_default());
                *said = joined.into();
            }
            // The line says it itself.
            Some(_) => push_text(body, &format!("below.{name}"), value.as_text().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let Draft { body, tags, .. } = draft_of(text);
        assert_eq!(serde_json::to_string(&Value::Object(body)).unwrap(), expected, "{text}");
        assert!(tags.is_empty(), "{text}");
    }

    /// The fields that show of which format it was taken to be.
    fn check_names(text: &str, expected: &[&str]) {
        let draft = draft_of(text);
        let names: Vec<&str> = draft.body.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, expected, "{text}");
    }

    #[test]
    fn the_first_bytes_tell_the_format() {
        check_names(
            "2026/11/23 14:04:05 [error] 812#812: *5 open() failed, client: 192.0.2.1",
            &["@timestamp", "level", "process", "connection_id", "client_ip", "message", "log_type"],
        );
        let syslog = ["@timestamp", "level", "host", "service", "process", "syslog", "message"];
        check_names("<34>Oct 11 22:14:15 web-1 su[7]: failed", &syslog);
        check_names("<34>1 2026-11-23T14:04:05Z web-1 su 7 - - failed", &syslog);
        let unranked = ["@timestamp", "host", "service", "process", "message"];
        check_names("Oct 11 22:14:15 web-1 su[7]: failed", &unranked);
        check_names("2026-11-23T14:04:05Z web-1 su[7]: failed", &unranked);
        check_names("CEF:0|a|b|c|d|Worm|9|src=192.0.2.1", &["level", "client_ip", "message", "cef"]);
        check_names(
            "<134>Nov 23 14:04:05 fw CEF:0|a|b|c|d|Worm|9|src=192.0.2.1",
            &["@timestamp", "level", "client_ip", "host", "message", "cef"],
        );
        check_names(
            "2026-11-23 14:04:05,123 [main] INFO  shop.Cart - emptied",
            &["@timestamp", "level", "logger", "thread", "message"],
        );
        check_names(
            "14:04:05.123 [main] DEBUG shop.Cart - hello",
            &["time_of_day", "level", "logger", "thread", "message"],
        );
        check_names("[2026-11-23 14:04:05] shop.ERROR: pay failed", &["@timestamp", "level", "logger", "message"]);
        check_names("level=info ms=5", &["level", "ms"]);
    }

    #[test]
    fn text_stays_text() {
        for text in [
            "<b>bold</b>",
            "<34> a priority alone is not enough",
            "[1] of 2",
            "2026/11/23 the cart failed",
            "2026-11-23 14:04:05 the cart failed",
            "14:04 is tea time",
            "Oct is a month",
            "CEF: what is it",
            "404 Not found",
        ] {
            check(text, &format!("{{\"message\":{}}}", serde_json::to_string(text).unwrap()));
        }
    }

    #[test]
    fn lines_below_belong_to_it() {
        let trace = "a.b.CException: no\n\tat a.B.c(B.java:1)";
        let of_trace = r#""error_type":"a.b.CException","error_message":"no","stack_trace":"a.b.CException: no\n\tat a.B.c(B.java:1)""#;
        check(&format!("pay failed\n{trace}"), &format!(r#"{{"message":"pay failed",{of_trace}}}"#));
        check(
            &format!("level=error ms=5\r\n{trace}"),
            &format!(r#"{{"level":"error","ms":5,"message":"no",{of_trace}}}"#),
        );
        check(
            &format!("message=failed ms=5\nwords\n{trace}"),
            &format!(r#"{{"message":"failed\nwords","ms":5,{of_trace}}}"#),
        );
        check(
            &format!("error_type=Own ms=5\n{trace}"),
            r#"{"error_type":"Own","ms":5,"message":"no","below.error_type":"a.b.CException","error_message":"no","stack_trace":"a.b.CException: no\n\tat a.B.c(B.java:1)"}"#,
        );
        check_names(
            &format!("2026-11-23 14:04:05,123 ERROR shop.Cart - failed\n{trace}"),
            &["@timestamp", "level", "logger", "message", "error_type", "error_message", "stack_trace"],
        );
    }
}
