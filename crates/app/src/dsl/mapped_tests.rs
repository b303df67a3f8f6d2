//! Fields that only the mapping of an index calls dates or addresses.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value as Json, json};
use vigie_testkit::MemoryMetadataStore;

use super::tests::{Bench, ids};
use super::{DslRequest, DslSearch};
use crate::ingest::IngestOptions;
use crate::kept_objects::{KeptObjects, ObjectKind};
use crate::test_shop::clock;

/// Three events with a date each, written in three ways, and an index that says that it is one.
async fn bench() -> (Bench, DslSearch) {
    let bench = Bench::new().await;
    let events = Bytes::from_static(
        br#"{"_id":"6","@timestamp":"2026-11-23T13:00:00Z","seen":"2026-11-20","home":"10.1.2.3"}
{"_id":"7","@timestamp":"2026-11-23T13:00:01Z","seen":"2026-11-20T23:30:00-01:00","home":"10.2.0.1"}
{"_id":"8","@timestamp":"2026-11-23T13:00:02Z","seen":1795348800000}"#,
    );
    bench.shop.ingest.accept(&bench.shop.scope, events, &IngestOptions::default()).await.unwrap();
    let mapping = json!({"properties": {
        "seen": {"type": "date"}, "home": {"type": "ip"}, "met": {"type": "alias", "path": "seen"},
        "code": {"type": "keyword"},
    }});
    let definitions = Arc::new(KeptObjects::new(Arc::new(MemoryMetadataStore::default())));
    definitions.create(ObjectKind::Index, "any", json!({ "mappings": mapping })).await.unwrap();
    let dsl = DslSearch::new(bench.shop.store.clone(), clock()).with_definitions(definitions);
    (bench, dsl)
}

async fn ask(bench: &Bench, dsl: &DslSearch, body: Json) -> vigie_domain::Result<Json> {
    let body = body.as_object().unwrap().clone();
    dsl.search(&bench.shop.scope, &DslRequest { body, ..DslRequest::default() }).await
}

#[tokio::test]
async fn hits_are_found_and_put_in_order_by_them() {
    let (bench, dsl) = bench().await;
    let finds = async |body: Json, expected: &str| {
        assert_eq!(ids(&ask(&bench, &dsl, body.clone()).await.unwrap()), expected, "{body}");
    };
    finds(json!({"query": {"range": {"seen": {"gte": "2026-11-21"}}}}), "87").await;
    finds(json!({"query": {"range": {"met": {"gte": 1_795_348_800_000_i64}}}}), "8").await;
    finds(json!({"query": {"term": {"seen": "2026-11-22T12:00:00Z"}}}), "8").await;
    finds(json!({"query": {"exists": {"field": "seen"}}, "sort": {"seen": "desc"}}), "876").await;
    let sort = json!([{"met": {"order": "asc", "missing": "2026-11-21T00:00:00Z"}}]);
    finds(json!({"query": {"range": {"@timestamp": {"gte": "2026-11-23T12:00:00Z"}}}, "sort": sort}), "6578").await;
    let page = json!({"query": {"exists": {"field": "seen"}}, "size": 1, "sort": {"seen": "asc"}});
    let first = ask(&bench, &dsl, page.clone()).await.unwrap();
    assert_eq!(first["hits"]["hits"][0]["sort"], json!([1_795_132_800_000_i64]));
    let mut next = page;
    next["search_after"] = first["hits"]["hits"][0]["sort"].clone();
    finds(next, "7").await;
}

#[tokio::test]
async fn numbers_of_strings_are_refused() {
    let (bench, dsl) = bench().await;
    for metric in [json!({"max": {"field": "code"}}), json!({"percentiles": {"field": "code"}})] {
        let error = ask(&bench, &dsl, json!({"size": 0, "aggs": {"a": metric}})).await.unwrap_err();
        assert!(error.message.contains("which its mapping says is a string"), "{}", error.message);
    }
}

#[tokio::test]
async fn events_are_counted_by_them() {
    let (bench, dsl) = bench().await;
    let aggs = json!({
        "days": {"date_histogram": {"field": "seen", "calendar_interval": "day", "format": "yyyy-MM-dd", "min_doc_count": 1}},
        "spans": {"auto_date_histogram": {"field": "met", "buckets": 3}},
        "ranges": {"date_range": {"field": "seen", "ranges": [{"to": "2026-11-21"}, {"from": "2026-11-21"}]}},
        "nets": {"ip_range": {"field": "home", "ranges": [{"mask": "10.1.0.0/16"}, {"from": "10.2.0.0"}]}},
        "pages": {"composite": {"sources": [{"day": {"date_histogram": {"field": "seen", "calendar_interval": "day"}}}]}},
        "pairs": {"multi_terms": {"terms": [{"field": "seen"}, {"field": "home"}]}},
    });
    let answer = ask(&bench, &dsl, json!({"size": 0, "aggs": aggs})).await.unwrap();
    let counts = |name: &str, key: &str| -> Vec<(Json, u64)> {
        let buckets = answer["aggregations"][name]["buckets"].as_array().unwrap();
        buckets.iter().map(|bucket| (bucket[key].clone(), bucket["doc_count"].as_u64().unwrap())).collect()
    };
    let days = [(json!("2026-11-20"), 1), (json!("2026-11-21"), 1), (json!("2026-11-22"), 1)];
    assert_eq!(counts("days", "key_as_string"), days);
    assert_eq!(counts("spans", "doc_count").iter().map(|(_, count)| count).sum::<u64>(), 3);
    let until = json!("*-2026-11-21T00:00:00.000Z");
    assert_eq!(counts("ranges", "key"), [(until, 1), (json!("2026-11-21T00:00:00.000Z-*"), 2)]);
    assert_eq!(counts("nets", "key"), [(json!("10.1.0.0/16"), 1), (json!("10.2.0.0-*"), 1)]);
    let day = |day: i64| json!({"day": 1_795_132_800_000_i64 + day * 86_400_000});
    assert_eq!(counts("pages", "key"), [(day(0), 1), (day(1), 1), (day(2), 1)]);
    let pairs = [json!("2026-11-20T00:00:00.000Z|10.1.2.3"), json!("2026-11-21T00:30:00.000Z|10.2.0.1")];
    assert_eq!(counts("pairs", "key_as_string"), pairs.map(|pair| (pair, 1)));
}

#[tokio::test]
async fn what_they_do_not_hold_is_refused() {
    let (bench, dsl) = bench().await;
    let refuses = async |aggregation: Json, words: &str| {
        let body = json!({"size": 0, "aggs": {"a": aggregation}});
        let error = ask(&bench, &dsl, body.clone()).await.unwrap_err();
        assert!(error.message.contains(words), "{body}: {}", error.message);
    };
    refuses(json!({"avg": {"field": "seen"}}), "a number of [seen], which holds none,").await;
    refuses(json!({"range": {"field": "seen", "ranges": [{"to": 5}]}}), "asked for by [date_range]").await;
    refuses(json!({"date_histogram": {"field": "home", "calendar_interval": "day"}}), "which holds no instants,").await;
}
