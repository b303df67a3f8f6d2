//! From what was read to what is sent: one JSON object a line, with the event's id, where it comes from and what it says.
//!
//! JSON is sent as it is, byte for byte; only fields that it does not have are put before its own.

use std::borrow::Cow;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use vigie_domain::event::pseudo_fields::TIMESTAMP;
use vigie_domain::mapping::canonical;
use vigie_domain::{Timestamp, Value};
use vigie_pipeline::told_by_text;

use crate::multiline::without_end;
use crate::spool::Events;

/// The field that names an event: what is sent twice under one name is stored once.
const ID: &str = "_id";
/// Digits of an id.
const ID_BYTES: usize = 16;

/// Fields that are told beside what was read: their names, and their values as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside(Vec<(String, String)>);

impl Beside {
    /// Adds a text.
    #[must_use]
    pub fn with(mut self, name: &str, text: &str) -> Self {
        self.push(name, &Value::text(text));
        self
    }

    /// Adds a value.
    pub fn push(&mut self, name: &str, value: &Value) {
        if let Ok(json) = serde_json::to_string(value) {
            self.0.push((name.to_owned(), json));
        }
    }

    /// The fields, each with its value as JSON.
    fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, json)| (name.as_str(), json.as_str()))
    }
}

/// Makes the id of an event out of what tells it from all others.
pub fn id_of(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().take(ID_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// What is known of a record beside its text.
#[derive(Clone, Copy, Debug)]
pub struct Told<'t> {
    /// Its id.
    pub id: &'t str,
    /// Fields, the nearest to the record first.
    pub beside: &'t [&'t Beside],
    /// When it was read: its time if it says none itself.
    pub read_at: Timestamp,
    /// Its time, whatever it says itself.
    pub at: Option<Timestamp>,
}

/// Adds what was read to the events; of a list of JSON objects on one line each is one event.
///
/// # Errors
/// When it is no text, and why.
pub fn push(events: &mut Events, record: &[u8], told: &Told<'_>) -> Result<(), String> {
    let record = without_end(record);
    let text = std::str::from_utf8(record).map(str::trim).unwrap_or_default();
    match text.as_bytes().first() {
        Some(b'{') if push_object(events, text, told, 0) => return Ok(()),
        Some(b'[') => {
            let items: Result<Vec<&RawValue>, _> = serde_json::from_str(text);
            if let Ok(items) = items
                && !items.is_empty()
                && items.iter().all(|item| keys_of(item.get()).is_some())
            {
                items.iter().enumerate().for_each(|(place, item)| {
                    push_object(events, item.get(), told, place);
                });
                return Ok(());
            }
        }
        _ => {}
    }
    let body = told_by_text(record)?;
    let json = serde_json::to_string(&Value::Object(body)).map_err(|error| error.to_string())?;
    push_object(events, &json, told, 0);
    Ok(())
}

/// Adds a JSON object; `false` when it is none.
fn push_object(events: &mut Events, json: &str, told: &Told<'_>, place: usize) -> bool {
    let Some(keys) = keys_of(json) else { return false };
    let Some(own) = json.trim().strip_prefix('{') else { return false };
    let mut line = Line { out: std::mem::take(&mut events.lines), is_first: true };
    line.out.push(b'{');
    if !keys.iter().any(|key| key.name == ID && !key.is_null) {
        let part = if place == 0 { String::new() } else { format!("#{place}") };
        line.field(ID, &format!("\"{}{part}\"", told.id));
    }
    let has_time = keys.iter().any(|key| canonical(&key.name) == TIMESTAMP && !key.is_null);
    if let Some(at) = told.at.filter(|_| !keys.iter().any(|key| key.name == TIMESTAMP)) {
        line.field(TIMESTAMP, &format!("\"{at}\""));
    } else if !has_time {
        line.field(TIMESTAMP, &format!("\"{}\"", told.read_at));
    }
    let mut added: Vec<&str> = Vec::with_capacity(8);
    for (name, value) in told.beside.iter().flat_map(|beside| beside.fields()) {
        let is_taken = keys.iter().any(|key| key.takes(name)) || added.contains(&name);
        if !is_taken {
            line.field(name, value);
            added.push(name);
        }
    }
    line.rest(own);
    events.lines = line.out;
    events.count += 1;
    true
}

/// A line that is being written.
struct Line {
    out: Vec<u8>,
    is_first: bool,
}

impl Line {
    fn separate(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(b',');
        }
    }

    fn field(&mut self, name: &str, json: &str) {
        self.separate();
        // A text is always JSON.
        self.out.extend_from_slice(serde_json::to_string(name).unwrap_or_default().as_bytes());
        self.out.push(b':');
        self.out.extend_from_slice(json.as_bytes());
    }

    /// What stood behind the opening brace of an object, on one line: line feeds in JSON are only between its values.
    fn rest(&mut self, own: &str) {
        let own = own.trim_start();
        if !own.starts_with('}') {
            self.separate();
        }
        self.out.extend(own.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
        self.out.push(b'\n');
    }
}

/// A field at the top of an object.
struct Key<'j> {
    name: Cow<'j, str>,
    is_object: bool,
    is_null: bool,
}

impl Key<'_> {
    /// Whether the object says itself what a field of that name would tell.
    fn takes(&self, name: &str) -> bool {
        if self.is_null {
            return self.name == name;
        }
        let is_within = || name.strip_prefix(&*self.name).is_some_and(|rest| rest.starts_with('.'));
        if self.is_object { is_within() || self.name == name } else { canonical(&self.name) == canonical(name) }
    }
}

/// The fields at the top of a JSON object; `None` when it is none.
fn keys_of(json: &str) -> Option<Vec<Key<'_>>> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let keys = deserializer.deserialize_map(Keys).ok()?;
    deserializer.end().ok()?;
    Some(keys)
}

struct Keys;

impl<'j> Visitor<'j> for Keys {
    type Value = Vec<Key<'j>>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'j>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut keys = Vec::with_capacity(16);
        while let Some(name) = map.next_key::<Name<'j>>()? {
            let value: &RawValue = map.next_value()?;
            let first = value.get().as_bytes().first().copied();
            keys.push(Key { name: name.0, is_object: first == Some(b'{'), is_null: first == Some(b'n') });
        }
        Ok(keys)
    }
}

/// A name, borrowed when nothing in it is escaped.
#[derive(serde::Deserialize)]
struct Name<'j>(#[serde(borrow)] Cow<'j, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn told(record: &str, at: Option<Timestamp>) -> String {
        let host = Beside::default().with("host.name", "till-1").with("service", "cart");
        let mut place = Beside::default().with("log.file.path", "/a.log");
        place.push("log.offset", &Value::Int(7));
        let mut events = Events::default();
        let told = Told { id: "i", beside: &[&place, &host], read_at: Timestamp::from_seconds(0), at };
        push(&mut events, record.as_bytes(), &told).unwrap();
        let text = String::from_utf8(events.lines).unwrap();
        assert_eq!(text.lines().count(), events.count as usize);
        for line in text.lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
        text
    }

    const HEAD: &str = r#""_id":"i","@timestamp":"1970-01-01T00:00:00.000Z""#;
    const PLACE: &str = r#""log.file.path":"/a.log","log.offset":7"#;
    const HOST: &str = r#""host.name":"till-1","service":"cart""#;

    #[test]
    fn text_becomes_an_object() {
        assert_eq!(told("plain\r\n", None), format!("{{{HEAD},{PLACE},{HOST},\"message\":\"plain\"}}\n"));
        assert_eq!(
            told("{broken", None),
            format!("{{{HEAD},{PLACE},{HOST},\"message\":\"{{broken\",\"tags\":[\"_jsonparsefailure\"]}}\n")
        );
        let timed = told("time=2026-11-23T12:00:00Z level=INFO", None);
        assert!(!timed.contains("@timestamp"), "{timed}");
    }

    #[test]
    fn json_is_sent_as_it_is() {
        assert_eq!(told(r#" { "n" : 1.0 } "#, None), format!("{{{HEAD},{PLACE},{HOST},\"n\" : 1.0 }}\n"));
        assert_eq!(told("{}", None), format!("{{{HEAD},{PLACE},{HOST}}}\n"));
        assert_eq!(told("{\"a\":\n1}", None), format!("{{{HEAD},{PLACE},{HOST},\"a\": 1}}\n"));
        assert_eq!(told(r#"[{"a":1},{"a":2}]"#, None).lines().nth(1).unwrap()[..12].to_owned(), r##"{"_id":"i#1""##);
    }

    #[test]
    fn what_a_record_says_itself_is_not_told_beside_it() {
        let own = r#"{"_id":"o","time":5,"hostname":"h","service.name":"s","log":{"file":{"path":"p"}}}"#;
        assert_eq!(told(own, None), format!("{own}\n"));
        let null = r#"{"_id":null,"service":null}"#;
        assert_eq!(
            told(null, None),
            format!("{{{HEAD},{PLACE},\"host.name\":\"till-1\",\"_id\":null,\"service\":null}}\n")
        );
        let logged = r#"{"log":"words"}"#;
        assert_eq!(told(logged, None), format!("{{{HEAD},{PLACE},{HOST},\"log\":\"words\"}}\n"));
    }

    #[test]
    fn a_time_that_is_told_counts() {
        let at = Some(Timestamp::from_seconds(60));
        assert!(told(r#"{"time":5}"#, at).contains(r#""@timestamp":"1970-01-01T00:01:00.000Z""#));
        assert!(!told(r#"{"@timestamp":5}"#, at).contains("1970"));
    }

    #[test]
    fn ids_tell_parts_apart() {
        assert_ne!(id_of(&[b"ab", b"c"]), id_of(&[b"a", b"bc"]));
        assert_eq!(id_of(&[b"ab"]).len(), 2 * ID_BYTES);
    }
}
