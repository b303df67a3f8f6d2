//! From what a sender calls an event to a record of ours.

use vigie_domain::{Object, Text, Value};
use vigie_pipeline::Assembler;

use super::frame::{Content, SentEvent};
use super::identity::id_of;

/// Where Beats say what is not part of the event.
const METADATA: &str = "@metadata";
const ID: &str = "_id";
/// What logstash-forwarder calls the message.
const LINE: &str = "line";
const MESSAGE: &str = "message";

/// Puts the event into the assembler; what is no event is refused there, and kept.
pub(super) fn push(event: &SentEvent, assembler: &mut Assembler<'_>) {
    let bytes_max = assembler.record_bytes_max();
    if event.size_bytes > bytes_max {
        let reason = format!(
            "the event has {} bytes, more than the {bytes_max} that are allowed; send less or raise the limit",
            event.size_bytes
        );
        return match &event.content {
            Content::Json(beginning) => assembler.refuse(reason, beginning),
            Content::Pairs(pairs) => {
                let kept = serde_json::to_vec(&Value::Object(object_of(pairs))).unwrap_or_default();
                assembler.refuse(reason, &kept);
            }
        };
    }
    match &event.content {
        Content::Json(json) => assembler.push_json_object(json, prepare),
        Content::Pairs(pairs) => {
            let mut body = object_of(pairs);
            prepare(&mut body);
            assembler.push_object(body);
        }
    }
}

/// Pairs as fields; `line` is the message unless there is one.
fn object_of(pairs: &[(Vec<u8>, Vec<u8>)]) -> Object {
    let text = |bytes: &[u8]| Text::from_utf8_lossy(bytes);
    let has_message = pairs.iter().any(|(key, _)| key == MESSAGE.as_bytes());
    let name = |key: &[u8]| if key == LINE.as_bytes() && !has_message { MESSAGE.into() } else { text(key) };
    pairs.iter().map(|(key, value)| (name(key), Value::Text(text(value)))).collect()
}

/// Takes out what is not part of the event, and gives it the id that it has: what its sender says, else what follows from
/// where it was read.
fn prepare(body: &mut Object) {
    let metadata = body.iter().position(|(name, _)| name == METADATA).map(|at| body.remove(at).1);
    let given = metadata.and_then(id_in);
    let id = match given {
        Some(id) => {
            body.retain(|(name, _)| name != ID);
            Some(id)
        }
        None if body.iter().any(|(name, _)| name == ID) => None,
        None => id_of(body).map(Value::text),
    };
    body.extend(id.map(|id| (ID.into(), id)));
}

/// The id that the metadata give.
fn id_in(metadata: Value) -> Option<Value> {
    let Value::Object(fields) = metadata else { return None };
    let (_, id) = fields.into_iter().find(|(name, _)| name == ID)?;
    match &id {
        Value::Text(text) => !text.is_empty(),
        Value::Int(_) | Value::BigNumber(_) => true,
        Value::Null | Value::Bool(_) | Value::Float(_) | Value::List(_) | Value::Object(_) => false,
    }
    .then_some(id)
}

#[cfg(test)]
mod tests {
    use vigie_domain::Timestamp;
    use vigie_pipeline::{DecodeOptions, Framed};

    use super::super::frame::Version;
    use super::*;

    fn framed(content: Content) -> Framed {
        let size_bytes = match &content {
            Content::Json(json) => json.len(),
            Content::Pairs(pairs) => pairs.iter().map(|(key, value)| key.len() + value.len()).sum(),
        };
        let mut options = DecodeOptions::new(
            Timestamp::from_seconds(1_795_442_645),
            std::sync::Arc::new(vigie_pipeline::Redactor::new(&[7; 32]).unwrap()),
        );
        options.record_bytes_max = 1_000;
        let mut assembler = Assembler::new(&options);
        push(&SentEvent { version: Version::Two, sequence: 1, size_bytes, content }, &mut assembler);
        assembler.finish()
    }

    /// The id and the body without its time and log type, which every event has.
    fn check(content: Content, id: Option<&str>, expected: &str) {
        let framed = framed(content);
        let mut event = framed.events.events().next().unwrap();
        event.body.retain(|(name, _)| name != "log_type" && name != "@timestamp");
        assert_eq!(event.id.map(|id| id.0).as_deref(), id);
        assert_eq!(serde_json::to_string(&Value::Object(event.body)).unwrap(), expected);
    }

    fn check_json(json: &str, id: Option<&str>, expected: &str) {
        check(Content::Json(json.as_bytes().to_vec()), id, expected);
    }

    #[test]
    fn metadata_are_no_part_of_the_event_but_for_its_id() {
        let at = r#""@timestamp":"2026-11-24T02:00:00Z""#;
        check_json(&format!("{{{at},\"n\":1}}"), None, r#"{"n":1}"#);
        check_json(&format!(r#"{{{at},"@metadata":{{"beat":"filebeat","pipeline":"p"}},"n":1}}"#), None, r#"{"n":1}"#);
        check_json(&format!(r#"{{{at},"@metadata":{{"_id":"order-1"}},"n":1}}"#), Some("order-1"), r#"{"n":1}"#);
        check_json(&format!(r#"{{{at},"@metadata":{{"_id":7}},"n":1}}"#), Some("7"), r#"{"n":1}"#);
        check_json(&format!(r#"{{{at},"@metadata":{{"_id":""}},"_id":"x"}}"#), Some("x"), "{}");
        check_json(&format!(r#"{{{at},"@metadata":{{"_id":"y"}},"_id":"x"}}"#), Some("y"), "{}");
        check_json(&format!(r#"{{{at},"@metadata":"words","n":1}}"#), None, r#"{"n":1}"#);
    }

    #[test]
    fn fields_of_filebeat_are_found_by_the_names_of_vigie() {
        let json = r#"{"@timestamp":"2026-11-24T02:00:00Z","agent":{"id":"a1","type":"filebeat"},"ecs":{"version":"8.0.0"},
            "host":{"name":"web-1"},"service":{"name":"cart"},"source":{"ip":"10.0.0.1"},"input":{"type":"filestream"},
            "log":{"offset":9,"file":{"path":"/x"}},"fields":{"shop":"main"},"message":"paid"}"#;
        let framed = framed(Content::Json(json.as_bytes().to_vec()));
        let mut names = Vec::new();
        framed.events.events().next().unwrap().for_each_leaf(&mut |name, _| names.push(name.to_owned()));
        let expected = "agent.id agent.type ecs.version host service client_ip input.type log.offset log.file.path \
                        fields.shop message";
        assert_eq!(names.join(" "), expected);
    }

    #[test]
    fn pairs_are_fields() {
        let pairs = |pairs: &[(&str, &str)]| {
            Content::Pairs(
                pairs.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect(),
            )
        };
        check(
            pairs(&[("line", "paid"), ("type", "shop")]),
            None,
            r#"{"message":"paid","type":"shop","tags":["_no_timestamp"]}"#,
        );
        check(
            pairs(&[("line", "a"), ("message", "b")]),
            None,
            r#"{"line":"a","message":"b","tags":["_no_timestamp"]}"#,
        );
        let framed = framed(pairs(&[("line", "x"), ("file", "/x"), ("offset", "9"), ("host", "h")]));
        assert!(framed.events.events().next().unwrap().id.is_some());
    }

    #[test]
    fn what_is_no_event_is_kept_with_a_reason() {
        let large = format!("{{\"message\":\"{}\"}}", "x".repeat(1_000));
        for (json, reason) in [
            ("{broken", "broken JSON"),
            ("", "broken JSON"),
            ("[]", "a list is no event"),
            ("7", "a number is no event"),
            (large.as_str(), "1014 bytes, more than the 1000"),
            (r#"{"@metadata":{"_id":"~1"}}"#, "begin it with another letter"),
        ] {
            let framed = framed(Content::Json(json.as_bytes().to_vec()));
            assert_eq!((framed.received, framed.events.len(), framed.refused.len()), (1, 0, 1), "{json}");
            assert!(framed.refused[0].reason.contains(reason), "{:?}", framed.refused[0]);
        }
        assert_eq!(framed(Content::Json(b"{\"m\":\"caf\xe9\"}".to_vec())).refused[0].raw, b"{\"m\":\"caf\xe9\"}");
        let pairs = Content::Pairs(vec![(b"line".to_vec(), vec![b'x'; 2_000])]);
        assert!(framed(pairs).refused[0].raw.starts_with(b"{\"message\":\"xxx"));
    }
}
