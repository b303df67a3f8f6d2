//! An event as a document: the index it is answered to lie in, and its source.

use serde_json::{Map, Value as Json, json};
use vigie_domain::event::pseudo_fields;
use vigie_domain::ports::Hit;
use vigie_domain::{Object, Value};
use vigie_pipeline::NO_TIMESTAMP_TAG;

use super::indices::SENT_INDEX;
use super::source::{self, SourceFilter};

/// Where tags are.
const TAGS_FIELD: &str = "tags";

/// The index that the event was sent to, else that of its day.
pub fn index_of(hit: &Hit) -> String {
    sent_index(hit).map_or_else(|| hit.position.timestamp.day().index_name(), str::to_owned)
}

/// The id as its sender knows it.
pub(super) fn id_of(hit: &Hit) -> &str {
    sent_index(hit).and_then(|index| hit.id.sent_to(index)).unwrap_or(&hit.id.0)
}

/// The index that the event was sent to.
pub(super) fn sent_index(hit: &Hit) -> Option<&str> {
    hit.source.iter().find(|(name, _)| name == SENT_INDEX).and_then(|(_, value)| match value {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    })
}

/// The event as it is shown. One of a day has its instant and its log type, whether they were sent or not; one that was sent to an index
/// of another name is the document that was sent, with what the stages of the pipeline added.
pub(super) fn completed(hit: &Hit) -> Hit {
    let mut hit = hit.clone();
    if sent_index(&hit).is_some() {
        hit.source = as_sent(hit.source);
        return hit;
    }
    for (name, text) in [
        (pseudo_fields::TIMESTAMP, hit.position.timestamp.to_string()),
        (pseudo_fields::LOG_TYPE, hit.log_type.to_string()),
    ] {
        if !hit.source.iter().any(|(sent, _)| sent == name) {
            hit.source.push((name.into(), Value::text(text)));
        }
    }
    hit
}

/// Without what Vigie tells of every event: it stands behind the name of the index, which is added to the document that was sent.
fn as_sent(source: Object) -> Object {
    let mut is_behind = false;
    let mut sent = Object::new();
    for (name, value) in source {
        match (name.as_str(), value) {
            (SENT_INDEX, _) => is_behind = true,
            (pseudo_fields::TIMESTAMP | pseudo_fields::LOG_TYPE, _) if is_behind => {}
            // Documents of an index of their own need no instant: theirs is when they arrived.
            (TAGS_FIELD, Value::List(mut tags)) => {
                tags.retain(|tag| !matches!(tag, Value::Text(text) if text == NO_TIMESTAMP_TAG));
                if !tags.is_empty() || !is_behind {
                    sent.push((name, Value::List(tags)));
                }
            }
            (_, value) => sent.push((name, value)),
        }
    }
    sent
}

/// The event alone, in the shape of a document, with the parts of its source and the fields that are asked for.
pub fn document(hit: &Hit, filter: &SourceFilter, fields: &[String]) -> Json {
    let mut document = Map::from_iter([
        ("_index".to_owned(), Json::from(index_of(hit))),
        ("_id".to_owned(), Json::from(id_of(hit))),
        ("_version".to_owned(), json!(1)),
        ("_seq_no".to_owned(), json!(hit.position.sequence)),
        ("_primary_term".to_owned(), json!(1)),
        ("found".to_owned(), json!(true)),
    ]);
    let whole = completed(hit);
    let patterns: Vec<(String, bool)> = fields.iter().map(|name| (name.clone(), false)).collect();
    let values = source::values(&whole, &patterns);
    if !values.is_empty() {
        document.insert("fields".to_owned(), Json::Object(values));
    }
    if let Some(source) = filter.of(&whole) {
        document.insert("_source".to_owned(), source);
    }
    Json::Object(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::text(text)
    }

    #[test]
    fn what_vigie_adds_is_not_in_the_document() {
        let check = |stored: &[(&str, Value)], expected: &[(&str, Value)]| {
            let object = |fields: &[(&str, Value)]| -> Object {
                fields.iter().map(|(name, value)| ((*name).into(), value.clone())).collect()
            };
            assert_eq!(as_sent(object(stored)), object(expected));
        };
        let added =
            [(SENT_INDEX, text("shop")), ("log_type", text("other")), ("@timestamp", text("2026-11-26T00:00:00Z"))];
        let tags = |tags: &[&str]| ("tags", Value::List(tags.iter().map(|tag| text(tag)).collect()));
        let stored = |first: &[(&'static str, Value)], last: &[(&'static str, Value)]| [first, &added, last].concat();
        check(&stored(&[("a", text("b"))], &[tags(&[NO_TIMESTAMP_TAG])]), &[("a", text("b"))]);
        check(&stored(&[tags(&["x", NO_TIMESTAMP_TAG])], &[]), &[tags(&["x"])]);
        check(&stored(&[tags(&[])], &[]), &[tags(&[])]);
        check(&[("log_type", text("error")), added[0].clone()], &[("log_type", text("error"))]);
        check(&stored(&[], &[("geo", text("FR"))]), &[("geo", text("FR"))]);
    }
}
