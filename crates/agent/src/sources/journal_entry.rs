//! One entry of systemd's journal, as `journalctl --output=json` writes it on a line: what it says, and its cursor.
//!
//! A field is a text; a list of bytes when it is no text; `null` when it was too large to be shown; a list of those when the
//! entry has the field more than once.

use serde::Deserialize;
use serde_json::Value as Json;
use vigie_domain::{Level, Timestamp, Value};

use crate::event::Beside;

/// An entry.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalEntry {
    /// Its name in the journal: reading goes on behind it.
    pub cursor: String,
    /// What was logged, as bytes; empty when there is nothing.
    pub message: Vec<u8>,
    /// When the journal took it.
    pub at: Option<Timestamp>,
    /// Its other fields, under the names of the Elastic Common Schema where it has one.
    pub beside: Beside,
}

/// The fields that are asked for.
pub const FIELDS: [&str; 9] = [
    "MESSAGE",
    "PRIORITY",
    "SYSLOG_IDENTIFIER",
    "_SYSTEMD_UNIT",
    "_SYSTEMD_USER_UNIT",
    "_HOSTNAME",
    "_PID",
    "_COMM",
    "_TRANSPORT",
];

/// What is read of a line.
#[derive(Deserialize)]
struct Sent {
    #[serde(rename = "__CURSOR")]
    cursor: String,
    #[serde(rename = "__REALTIME_TIMESTAMP", default)]
    realtime: Json,
    #[serde(flatten)]
    fields: serde_json::Map<String, Json>,
}

/// Reads a line.
///
/// # Errors
/// When it is no entry, and why.
pub fn parse(line: &[u8]) -> Result<JournalEntry, String> {
    let sent: Sent = serde_json::from_slice(line).map_err(|error| format!("it is no entry of the journal: {error}"))?;
    let field = |name: &str| sent.fields.get(name).and_then(bytes_of).filter(|bytes| !bytes.is_empty());
    let text = |name: &str| field(name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let mut beside = Beside::default();
    let unit = text("_SYSTEMD_USER_UNIT").or_else(|| text("_SYSTEMD_UNIT"));
    let service = unit.as_deref().map(|unit| unit.strip_suffix(".service").unwrap_or(unit).to_owned());
    for (name, value) in [
        ("level", text("PRIORITY").and_then(|priority| level_of(&priority)).map(|level| level.as_str().to_owned())),
        ("service", service.or_else(|| text("SYSLOG_IDENTIFIER"))),
        ("systemd.unit", unit),
        ("host.name", text("_HOSTNAME")),
        ("process.name", text("_COMM")),
        ("log.syslog.appname", text("SYSLOG_IDENTIFIER")),
        ("journald.transport", text("_TRANSPORT")),
    ] {
        if let Some(value) = value {
            beside.push(name, &Value::text(value));
        }
    }
    if let Some(pid) = text("_PID").and_then(|pid| pid.parse::<i64>().ok()) {
        beside.push("process.pid", &Value::Int(pid));
    }
    let micros = bytes_of(&sent.realtime).and_then(|digits| String::from_utf8(digits).ok()?.parse::<i64>().ok());
    let at = micros.and_then(|micros| micros.checked_mul(1_000)).map(Timestamp::from_nanos);
    Ok(JournalEntry { cursor: sent.cursor, message: field("MESSAGE").unwrap_or_default(), at, beside })
}

/// The priorities of syslog, 0 to 7.
fn level_of(priority: &str) -> Option<Level> {
    priority.parse().ok().filter(|number| (0..=7).contains(number)).and_then(Level::from_number)
}

/// The bytes of a field; of several values, all of them, one a line.
fn bytes_of(value: &Json) -> Option<Vec<u8>> {
    let byte = |item: &Json| item.as_u64().and_then(|number| u8::try_from(number).ok());
    match value {
        Json::String(text) => Some(text.as_bytes().to_vec()),
        Json::Number(number) => Some(number.to_string().into_bytes()),
        Json::Array(items) if items.iter().all(|item| byte(item).is_some()) => items.iter().map(byte).collect(),
        Json::Array(items) => {
            let values: Vec<Vec<u8>> = items
                .iter()
                .filter(|item| !matches!(item, Json::Array(deep) if deep.iter().any(Json::is_array)))
                .filter_map(bytes_of)
                .collect();
            (!values.is_empty()).then(|| values.join(&b'\n'))
        }
        Json::Null | Json::Bool(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fields: &str, message: &str, beside: &[(&str, &str)]) {
        let line = format!(r#"{{"__CURSOR":"c",{fields}}}"#);
        let entry = parse(line.as_bytes()).unwrap();
        let expected = beside.iter().fold(Beside::default(), |beside, (name, text)| beside.with(name, text));
        assert_eq!((String::from_utf8_lossy(&entry.message).as_ref(), &entry.beside), (message, &expected), "{line}");
    }

    #[test]
    fn fields_have_the_names_of_the_field() {
        check(
            r#""MESSAGE":"paid","PRIORITY":"3","_SYSTEMD_UNIT":"cart.service","_HOSTNAME":"till-1","_COMM":"java""#,
            "paid",
            &[
                ("level", "ERROR"),
                ("service", "cart"),
                ("systemd.unit", "cart.service"),
                ("host.name", "till-1"),
                ("process.name", "java"),
            ],
        );
        check(
            r#""MESSAGE":"x","PRIORITY":"9","SYSLOG_IDENTIFIER":"kernel""#,
            "x",
            &[("service", "kernel"), ("log.syslog.appname", "kernel")],
        );
        let entry = parse(br#"{"__CURSOR":"c","__REALTIME_TIMESTAMP":"1795446000123456","_PID":"7"}"#).unwrap();
        assert_eq!(entry.at, Some(Timestamp::from_nanos(1_795_446_000_123_456_000)));
        let mut pid = Beside::default();
        pid.push("process.pid", &Value::Int(7));
        assert_eq!((entry.beside, entry.message), (pid, Vec::new()));
    }

    #[test]
    fn messages_come_in_many_forms() {
        check(r#""MESSAGE":[99,97,102,195,169]"#, "café", &[]);
        check(r#""MESSAGE":null"#, "", &[]);
        check(r#""MESSAGE":["one","two"]"#, "one\ntwo", &[]);
        check(r#""MESSAGE":["one",[116,119,111]]"#, "one\ntwo", &[]);
        check(r#""MESSAGE":[]"#, "", &[]);
        check(r#""MESSAGE":[999]"#, "999", &[]);
    }

    #[test]
    fn what_is_no_entry_is_told() {
        for line in ["", "-- No entries --", "{}", r#"{"__CURSOR":1}"#, "[1]"] {
            assert!(parse(line.as_bytes()).unwrap_err().contains("no entry"), "{line}");
        }
    }
}
