//! One event: when, what sort, and what was sent.
//!
//! The body keeps the sender's names, order and nesting. Queries see it through canonical leaf names
//! (`mapping::canonical`), so `service.name:cart` and `service:cart` ask the same.

use serde::{Deserialize, Serialize};

use crate::log_type::LogType;
use crate::mapping;
use crate::time::Timestamp;
use crate::value::{Object, Value};

/// The name of an event: the sender's, or one made from its place in the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub String);

/// Ids that are made and not sent begin with this; it needs no escaping in a URL.
const MADE_ID_PREFIX: char = '~';
/// Stands between an index and the id that an event has there; no name of an index holds it.
const INDEX_END: char = '/';

impl EventId {
    /// The id made for the event with this sequence number.
    pub fn from_sequence(sequence: u64) -> Self {
        // Each event of a bulk request is answered with one, so that formatting would be felt.
        let digit_count = sequence.max(1).ilog2() / 4 + 1;
        let mut id = String::with_capacity(MADE_ID_PREFIX.len_utf8() + digit_count as usize);
        id.push(MADE_ID_PREFIX);
        let digits =
            (0..digit_count).rev().filter_map(|place| char::from_digit((sequence >> (4 * place)) as u32 & 15, 16));
        id.extend(digits);
        Self(id)
    }

    /// The sequence number of a made id; `None` for a sender's.
    pub fn sequence(&self) -> Option<u64> {
        self.0.strip_prefix(MADE_ID_PREFIX).and_then(|hex| u64::from_str_radix(hex, 16).ok())
    }

    /// The id of an event that its sender called so in an index of that name, which has ids of its own.
    pub fn of_index(index: &str, sent: &str) -> Self {
        Self(format!("{MADE_ID_PREFIX}{index}{INDEX_END}{sent}"))
    }

    /// What the sender called it, if it is of the index.
    pub fn sent_to(&self, index: &str) -> Option<&str> {
        self.0.strip_prefix(MADE_ID_PREFIX)?.strip_prefix(index)?.strip_prefix(INDEX_END)
    }

    /// What the sender called it, in whatever index.
    pub fn as_sent(&self) -> &str {
        Self::sent_in(&self.0).unwrap_or(&self.0)
    }

    /// What the sender called an event whose id is this text, if it is one of an index.
    pub fn sent_in(text: &str) -> Option<&str> {
        text.strip_prefix(MADE_ID_PREFIX)?.split_once(INDEX_END).map(|(_, sent)| sent)
    }

    /// Whether it looks like one that is made here, from a number or an index, so that no sender may give it.
    pub fn is_made(&self) -> bool {
        self.sequence().is_some() || self.0.starts_with(MADE_ID_PREFIX) && self.0.contains(INDEX_END)
    }
}

/// Where an event stands in time order; ties at one instant are told apart by arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The event's own time.
    pub timestamp: Timestamp,
    /// Its number in the log.
    pub sequence: u64,
}

/// One event as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The sender's id, if one was sent.
    pub id: Option<EventId>,
    /// The event's own time.
    pub timestamp: Timestamp,
    /// When it was accepted.
    pub ingested_at: Timestamp,
    /// What sort of event it is.
    pub log_type: LogType,
    /// What was sent, then what the pipeline added. `@timestamp` in it is the canonical text of `timestamp`.
    pub body: Object,
}

/// Names that every event answers to, whatever its body holds.
pub mod pseudo_fields {
    /// The event's own time.
    pub const TIMESTAMP: &str = "@timestamp";
    /// When it was accepted.
    pub const INGESTED_AT: &str = "_ingested_at";
    /// Its id.
    pub const ID: &str = "_id";
    /// Its log type.
    pub const LOG_TYPE: &str = "log_type";

    /// Whether queries read the field from the event itself and not from its body.
    pub fn is_pseudo(canonical: &str) -> bool {
        matches!(canonical, TIMESTAMP | INGESTED_AT | ID | LOG_TYPE)
    }
}

impl Event {
    /// Calls `visit` with the canonical name and value of every scalar leaf, lists taken apart.
    ///
    /// Leaves that stand for the event's own time, type, id or arrival are passed over: those are
    /// read from the event itself.
    pub fn for_each_leaf<'a>(&'a self, visit: &mut dyn FnMut(&str, &'a Value)) {
        for (name, value) in &self.body {
            for_each_scalar(name, value, &mut |path, scalar| {
                let canonical = mapping::canonical(path);
                if !pseudo_fields::is_pseudo(canonical) {
                    visit(canonical, scalar);
                }
            });
        }
    }
}

/// Adds to a body what every answered event has, unless it was sent: its time and its log type.
pub fn complete(body: &mut Object, timestamp: Timestamp, log_type: LogType) {
    let has = |body: &Object, name| body.iter().any(|(sent, _)| sent == name);
    if !has(body, pseudo_fields::TIMESTAMP) {
        body.push((pseudo_fields::TIMESTAMP.into(), Value::Text(timestamp.to_text())));
    }
    if !has(body, pseudo_fields::LOG_TYPE) {
        body.push((pseudo_fields::LOG_TYPE.into(), Value::text(log_type.as_str())));
    }
}

/// Calls `visit` with the dotted path and value of every scalar below `value`.
pub fn for_each_scalar<'a>(path: &str, value: &'a Value, visit: &mut dyn FnMut(&str, &'a Value)) {
    match value {
        Value::List(items) => items.iter().for_each(|item| for_each_scalar(path, item, visit)),
        Value::Object(fields) => {
            for (name, inner) in fields {
                for_each_scalar(&format!("{path}.{name}"), inner, visit);
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::BigNumber(_) | Value::Text(_) => {
            visit(path, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_have_canonical_names() {
        let body = serde_json::from_str::<Value>(
            r#"{"ts":1,"service":{"name":"cart"},"items":[{"price":1},{"price":2}],"tags":["a","b"]}"#,
        );
        let Ok(Value::Object(body)) = body else { unreachable!() };
        let event = Event {
            id: None,
            timestamp: Timestamp::from_nanos(0),
            ingested_at: Timestamp::from_nanos(0),
            log_type: LogType::Other,
            body,
        };
        let mut seen = Vec::new();
        event.for_each_leaf(&mut |name, value| seen.push(format!("{name}={value:?}")));
        assert_eq!(
            seen,
            [
                "service=Text(\"cart\")",
                "items.price=Int(1)",
                "items.price=Int(2)",
                "tags=Text(\"a\")",
                "tags=Text(\"b\")"
            ]
        );
    }

    #[test]
    fn made_ids_give_their_sequence_back() {
        for sequence in [0, 1, 15, 16, 255, 4096, u64::from(u32::MAX) + 7, u64::MAX] {
            let id = EventId::from_sequence(sequence);
            assert_eq!((id.sequence(), id.0.clone()), (Some(sequence), format!("~{sequence:x}")));
        }
        assert_eq!(EventId("order-1".into()).sequence(), None);
    }

    #[test]
    fn an_index_has_ids_of_its_own() {
        let id = EventId::of_index("shop", "a/7");
        assert_eq!((id.sent_to("shop"), id.sent_to("sho"), id.sent_to("shops")), (Some("a/7"), None, None));
        assert_eq!((id.sequence(), id.as_sent()), (None, "a/7"));
        assert_eq!((EventId("a/7".into()).as_sent(), EventId("~7".into()).as_sent()), ("a/7", "~7"));
        let check = |id: &str, is_made: bool| assert_eq!(EventId(id.into()).is_made(), is_made, "{id}");
        check("~1f", true);
        check("~shop/7", true);
        check("~shop", false);
        check("shop/7", false);
    }
}
