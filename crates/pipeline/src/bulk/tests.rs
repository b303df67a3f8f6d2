//! Whole bulk requests: every item has its answer, in order, and a bad one spoils no other.

use std::sync::Arc;

use std::io::Write;

use flate2::write::GzEncoder;
use proptest::prelude::*;
use vigie_domain::{ErrorKind, TimeRange, Timestamp};

use super::*;
use crate::options::MadeIndices;
use crate::redact::Redactor;

/// 2026-11-23T14:04:05Z.
const NOW_S: i64 = 1_795_442_645;

fn options() -> DecodeOptions {
    DecodeOptions {
        record_bytes_max: 128,
        ..DecodeOptions::new(Timestamp::from_seconds(NOW_S), Arc::new(Redactor::new(&[7; 32]).unwrap()))
    }
}

fn decode(body: &str) -> BulkBatch {
    decode_as(body, &options())
}

fn decode_as(body: &str, options: &DecodeOptions) -> BulkBatch {
    decode_bulk(body.as_bytes(), None, options).unwrap_or_else(|error| panic!("{body}: {error}"))
}

/// Each item as `action id: event`, or the words of its refusal.
fn told(batch: &BulkBatch) -> Vec<String> {
    let mut events = batch.events.events();
    let mut number = || {
        let body = events.next().map(|event| event.body).unwrap_or_default();
        let number = body.into_iter().find(|(name, _)| name == "n").map(|(_, value)| value.to_json().to_string());
        number.unwrap_or_default()
    };
    let tell = |item: &BulkItem| {
        let id = item.id.as_deref().unwrap_or("-");
        match &item.fate {
            BulkFate::Event(_) => format!("{} {id}: {}", item.action.as_str(), number()),
            BulkFate::Several(_, count) => {
                let numbers: Vec<String> = (0..*count).map(|_| number()).collect();
                format!("{} {id}: {}", item.action.as_str(), numbers.join(" and "))
            }
            BulkFate::Dropped => format!("{} {id} dropped", item.action.as_str()),
            BulkFate::Deletion => format!("{} {id}", item.action.as_str()),
            BulkFate::Rejected(reason) => format!("{} {id}! {reason}", item.action.as_str()),
        }
    };
    let told = batch.items.iter().map(tell).collect();
    assert!(events.next().is_none(), "every event is an item");
    told
}

fn check(body: &str, expected: &[&str]) {
    let told = told(&decode(body));
    let is_right = told.len() == expected.len()
        && told
            .iter()
            .zip(expected)
            .all(|(told, expected)| told == expected || (expected.contains('!') && told.starts_with(expected)));
    assert!(is_right, "{body}\n{told:#?}");
}

#[test]
fn items_go_through_the_stages_whole_or_not_at_all() {
    let stages = "version = 1\n\
        [[stage]]\ntype = 'drop'\nwhen = 'level:debug'\n\
        [[stage]]\ntype = 'unnest'\nfield = 'n'\n\
        [[stage]]\ntype = 'rename'\nfields = { at = '@timestamp' }\nwhen = 'at:*'\n";
    let lookups = Arc::new(crate::Lookups::default());
    let pipeline = Some(Arc::new(crate::Pipeline::read(stages, &lookups).unwrap()));
    let now = Timestamp::from_seconds(NOW_S);
    let window = Some(TimeRange { from: Timestamp::from_seconds(NOW_S - 60), to: now });
    let options = DecodeOptions { pipeline, window, ..options() };
    let document = |document: &str| format!("{{\"index\":{{\"_id\":\"a\"}}}}\n{document}\n");
    let body: String = [
        r#"{"n":1}"#,
        r#"{"level":"debug","n":2}"#,
        r#"{"n":[3,4]}"#,
        r#"{"n":[5,6],"at":"2001-01-01T00:00:00Z"}"#,
        r#"{"n":7}"#,
    ]
    .map(document)
    .concat();
    let batch = decode_as(&body, &options);
    let told = told(&batch);
    assert_eq!(told[..3], ["index a: 1", "index a dropped", "index a: 3 and 4"]);
    assert!(told[3].starts_with("index a! @timestamp 2001"), "{told:?}");
    assert_eq!(told[4], "index a: 7");
    let ids: Vec<String> = batch.events.events().filter_map(|event| event.id).map(|id| id.0).collect();
    assert_eq!(ids, ["a", "a", "a#1", "a"]);
}

#[test]
fn every_item_has_its_answer_in_order() {
    check("", &[]);
    check("\n\r\n \n", &[]);
    check("{\"index\":{}}\n{\"n\":1}\n", &["index -: 1"]);
    check("{\"index\":{}}\n{\"n\":1}", &["index -: 1"]);
    check("{\"index\":{}}\r\n{\"n\":1}\r\n", &["index -: 1"]);
    check(
        "\n{\"index\":{}}\n{\"n\":1}\n\n{\"index\":{}}\n{\"n\":2}\n{\"create\":{\"_id\":\"a\"}}\n{\"n\":3}\n\n",
        &["index -: 1", "index -: 2", "create a: 3"],
    );
    check(
        "{\"index\":{}}\nbroken\n{\"index\":{}}\n[1]\n{\"index\":{}}\n\n{\"index\":{\"_id\":\"b\"}}\n{\"n\":4}\n",
        &["index -! broken JSON", "index -! a list is no event", "index -! the document is empty", "index b: 4"],
    );
    check(
        "{\"delete\":{\"_id\":\"a\"}}\n{\"update\":{\"_id\":\"a\"}}\n{\"doc\":{}}\n{\"update\":{\"_id\":\"b\"}}\n{\"doc\":{\"n\":2},\"doc_as_upsert\":true}\n{\"create\":{}}\n{\"n\":1}\n{\"index\":{}}",
        &[
            "delete a! a deletion must name the index",
            "update a! logs do not change",
            "update b: 2",
            "create -: 1",
            "index -! the request ends before",
        ],
    );
    check(
        "{\"delete\":{\"_index\":\"shop\",\"_id\":\"a\"}}\n\n{\"index\":{}}\n{\"n\":1}\n{\"delete\":{\"_index\":\"shop\"}}\n{\"delete\":{\"_index\":\"shop\",\"_id\":2}}",
        &["delete a", "index -: 1", "delete -! an update or deletion must name its event", "delete 2"],
    );
    let long = format!("{{\"index\":{{}}}}\n{{\"x\":\"{}\"}}\n{{\"index\":{{}}}}\n{{\"n\":1}}\n", "x".repeat(200));
    check(&long, &["index -! the record has 209 bytes", "index -: 1"]);
    check("{\"index\":{\"_id\":\"~1f\"}}\n{}\n", &["index ~1f! the \"_id\" \"~1f\" looks like"]);
    check("{\"index\":{\"_id\":\"a\"}}\n{\"_id\":\"b\",\"n\":1}\n", &["index a: 1"]);
    check("{\"index\":{}}\n{\"_id\":\"b\",\"n\":1}\n", &["index b: 1"]);
}

#[test]
fn events_outside_of_the_window_are_refused_alone() {
    let at = Timestamp::from_seconds;
    let options = DecodeOptions { window: Some(TimeRange { from: at(NOW_S - 60), to: at(NOW_S + 60) }), ..options() };
    let body = format!(
        "{{\"index\":{{}}}}\n{{\"@timestamp\":\"2001-01-01T00:00:00Z\"}}\n{{\"index\":{{}}}}\n{{\"@timestamp\":{NOW_S}}}\n"
    );
    let batch = decode_bulk(body.as_bytes(), None, &options).unwrap();
    assert!(matches!(&batch.items[0].fate, BulkFate::Rejected(reason) if reason.contains("outside")), "{batch:?}");
    assert_eq!(batch.items[1].fate, BulkFate::Event(at(NOW_S).day()));
}

#[test]
fn a_foreign_index_is_kept_in_the_event_and_a_daily_one_is_not() {
    let check = |path: Option<&str>, line: &str, expected: Option<&str>| {
        let body = format!("{{\"index\":{line}}}\n{{\"n\":1}}\n");
        let batch = decode_bulk(body.as_bytes(), path, &options()).unwrap();
        let event = batch.events.events().next().unwrap();
        let kept = event.body.iter().find(|(name, _)| name == SENT_INDEX_FIELD).and_then(|(_, value)| value.as_text());
        assert_eq!(kept, expected, "{path:?} {line}");
    };
    check(None, "{}", None);
    check(Some("ecommerce-logs"), "{}", None);
    check(Some("ecommerce-logs-2026.11.23"), "{}", None);
    check(Some("ecommerce-logs-till"), "{}", Some("ecommerce-logs-till"));
    check(Some("filebeat-8.19.0"), "{}", Some("filebeat-8.19.0"));
    check(Some("filebeat"), r#"{"_index":"logs-shop-default"}"#, Some("logs-shop-default"));
    check(Some("filebeat"), r#"{"_index":"ecommerce-logs-2026.11.23"}"#, None);
    let sent = decode_bulk(b"{\"index\":{}}\n{\"sent_index\":\"x\"}\n", Some("y"), &options()).unwrap();
    assert!(sent.events.events().next().unwrap().body.contains(&("sent_index".into(), "x".into_value())));
}

/// Text as a value.
trait IntoValue {
    fn into_value(self) -> vigie_domain::Value;
}

impl IntoValue for &str {
    fn into_value(self) -> vigie_domain::Value {
        vigie_domain::Value::text(self)
    }
}

#[test]
fn an_index_has_ids_of_its_own() {
    let body = "{\"index\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{}\n{\"index\":{\"_index\":\"b\",\"_id\":\"1\"}}\n{}\n\
        {\"index\":{\"_index\":\"ecommerce-logs-2026.11.23\",\"_id\":\"1\"}}\n{}\n{\"index\":{\"_id\":\"~a/1\"}}\n{}\n";
    let batch = decode(body);
    let ids: Vec<String> = batch.events.events().filter_map(|event| event.id).map(|id| id.0).collect();
    assert_eq!(ids, ["~a/1", "~b/1", "1"]);
    let told: Vec<_> = batch.items.iter().map(|item| item.id.as_deref()).collect();
    assert_eq!(told, [Some("1"), Some("1"), Some("1"), Some("~a/1")]);
    assert!(matches!(&batch.items[3].fate, BulkFate::Rejected(reason) if reason.contains("made here")));
}

#[test]
fn what_is_sent_to_an_index_that_was_made_may_be_of_any_time() {
    let mut made = MadeIndices::default();
    made.add("old", Some("old"));
    made.add("alias", Some("old"));
    made.add("both", None);
    let now = Timestamp::from_seconds(NOW_S);
    let options = DecodeOptions {
        window: Some(TimeRange { from: now, to: now.saturating_add_nanos(1) }),
        made_indices: Arc::new(made),
        ..options()
    };
    let sent = |index: &str, more: &str| {
        let line = format!(
            "{{\"index\":{{\"_index\":\"{index}\",\"_id\":\"1\"{more}}}}}\n{{\"@timestamp\":\"2001-01-01\"}}\n"
        );
        let batch = decode_as(&line, &options);
        let id = batch.events.events().next().and_then(|event| event.id).map(|id| id.0);
        match &batch.items[0].fate {
            BulkFate::Event(day) => format!("{day} {}", id.unwrap_or_default()),
            BulkFate::Rejected(reason) => reason.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(sent("old", ""), "2001.01.01 ~old/1");
    assert_eq!(sent("alias", ""), "2001.01.01 ~old/1", "an alias stands for its index");
    assert!(sent("other", "").contains("outside the accepted window"));
    assert!(sent("both", "").starts_with("no write index is defined for alias [both]"));
    assert_eq!(sent("alias", ",\"require_alias\":true"), "2001.01.01 ~old/1");
    assert!(sent("old", ",\"require_alias\":true").starts_with("no such index [old] and [require_alias]"));
}

#[test]
fn a_line_that_is_no_action_refuses_all_and_is_named() {
    let check = |body: &[u8], words: &str| {
        let error = vigie_domain::Error::from(decode_bulk(body, None, &options()).unwrap_err());
        assert_eq!(error.kind, ErrorKind::Malformed);
        assert!(error.message.contains(words), "{}: {error}", String::from_utf8_lossy(body));
    };
    check(b"{\"index\":{}}\n{\"n\":1}\n{\"n\":2}\n", "line [3]");
    check(b"\n\nhello", "line [3]");
    check(&[b'x'; 500], "line [1]");
    check(b"PK\x03\x04rest", "zip archive");
}

#[test]
fn packed_bodies_are_unpacked_within_bounds() {
    let body = "{\"index\":{}}\n{\"n\":1}\n".repeat(3);
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let batch = decode_bulk(&packed, None, &options()).unwrap();
    assert_eq!(told(&batch), ["index -: 1"; 3]);
    assert!(decode_bulk(&packed[..packed.len() - 9], None, &options()).is_err(), "cut off");
}

#[test]
fn items_are_bounded() {
    let error = decode_bulk("{\"delete\":{}}\n".repeat(BULK_ITEMS_MAX + 1).as_bytes(), None, &options()).unwrap_err();
    assert_eq!(vigie_domain::Error::from(error).kind, ErrorKind::TooLarge);
    assert_eq!(decode(&"{\"delete\":{}}\n".repeat(BULK_ITEMS_MAX)).items.len(), BULK_ITEMS_MAX);
}

#[test]
fn a_document_may_have_many_lines() {
    let check = |body: &str, id: Option<&str>, expected: &str| {
        let item = BulkItem {
            action: BulkAction::Create,
            id: id.map(str::to_owned),
            index: Some("shop".into()),
            fate: BulkFate::Rejected(String::new()),
        };
        let batch = decode_document(body.as_bytes(), item, &options()).unwrap();
        let told = told(&batch).join("");
        assert!(told.starts_with(expected), "{body}: {told}");
    };
    check("{\n  \"n\": 1\n}\n", Some("a"), "create a: 1");
    check("{\"n\":1}", None, "create -: 1");
    check("", None, "create -! the document is empty");
    check("{\"n\":1}{\"n\":2}", None, "create -! broken JSON");
    check(&format!("{{\"n\":\"{}\"}}", "x".repeat(200)), None, "create -! the record has");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_bytes_each_item_has_one_fate(
        cut in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let seed = "{\"index\":{\"_id\":\"a\",\"_index\":\"x\"}}\n{\"n\":1,\"ts\":1795442645}\n{\"delete\":{\"_id\":7}}\n{\"create\":{}}\n{\"n\":[2]}\n";
        let mut bytes = seed.as_bytes()[..cut.index(seed.len() + 1)].to_vec();
        for (index, byte) in edits {
            if !bytes.is_empty() {
                let at = index.index(bytes.len());
                bytes[at] ^= byte;
            }
        }
        let decode = || decode_bulk(&bytes, Some("shop"), &options()).map_err(|error| error.to_string());
        prop_assert_eq!(decode(), decode());
        if let Ok(batch) = decode() {
            let events = batch.items.iter().filter(|item| matches!(item.fate, BulkFate::Event(_))).count();
            prop_assert_eq!(events, batch.events.len());
            for item in &batch.items {
                prop_assert!(!matches!(&item.fate, BulkFate::Rejected(reason) if reason.is_empty()), "{:?}", item);
            }
        }
    }
}
