//! What bodies of Elasticsearch's searches find, and what is refused.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value as Json, json};
use vigie_domain::ErrorKind;
use vigie_testkit::MemoryMetadataStore;

use super::{DslRequest, DslSearch};
use crate::Clock;
use crate::ingest::{Ingest, IngestOptions};
use crate::kept_objects::{KeptObjects, ObjectKind};
use crate::test_shop::{NOW, Shop, clock, settings};

pub(super) struct Bench {
    pub(super) shop: Shop,
    pub(super) dsl: DslSearch,
}

impl Bench {
    pub(super) async fn new() -> Self {
        let event = |id: u32, time: &str, level: &str, service: &str, more: Json| {
            let mut event = json!({"_id": id.to_string(), "@timestamp": format!("2026-11-23T{time}Z"), "level": level, "service": service});
            event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            event
        };
        let events = [
            event(
                1,
                "10:00:00.000",
                "info",
                "cart",
                json!({"message": "item added to cart", "points": 9, "amount": 10.5, "currency": "EUR"}),
            ),
            event(
                2,
                "10:00:30.000",
                "error",
                "cart",
                json!({"message": "Payment gateway timeout", "points": 1, "client_ip": "10.0.0.7"}),
            ),
            event(
                3,
                "10:05:00.000",
                "error",
                "till",
                json!({"message": "payment refused by bank", "points": 5, "amount": 99.0, "tags": ["a", "b"]}),
            ),
            event(
                4,
                "11:00:00.000",
                "info",
                "till",
                json!({"message": "payment accepted", "points": 5, "amount": 20.0, "sent_index": "filebeat-1"}),
            ),
            event(5, "12:30:00.000", "warn", "cart", json!({"message": "cart is slow", "points": 1, "took_ms": 900})),
        ];
        let shop = Shop::with(&events).await;
        Self { dsl: DslSearch::new(shop.store.clone(), clock()), shop }
    }

    pub(super) async fn ask(&self, body: Json) -> vigie_domain::Result<Json> {
        self.ask_of("", body).await
    }

    async fn ask_of(&self, indices: &str, body: Json) -> vigie_domain::Result<Json> {
        let body = body.as_object().unwrap().clone();
        let request = DslRequest { indices: indices.to_owned(), body, ..DslRequest::default() };
        self.dsl.search(&self.shop.scope, &request).await
    }

    /// The query finds the events with these ids, newest first.
    async fn finds(&self, query: Json, expected: &str) {
        let answer =
            self.ask(json!({ "query": query })).await.unwrap_or_else(|error| panic!("{query}: {}", error.message));
        assert_eq!(ids(&answer), expected, "{query}");
        assert_eq!(answer["hits"]["total"], json!({"value": expected.len(), "relation": "eq"}), "{query}");
    }

    pub(super) async fn refuses(&self, body: Json, words: &str) {
        let error = self.ask(body.clone()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Malformed, "{body}");
        assert!(error.message.contains(words), "{body}: {}", error.message);
    }

    pub(super) async fn aggregates(&self, aggs: Json) -> Json {
        let answer =
            self.ask(json!({"size": 0, "aggs": aggs})).await.unwrap_or_else(|error| panic!("{}", error.message));
        assert_eq!(answer["hits"]["hits"], json!([]));
        answer["aggregations"].clone()
    }
}

pub(super) fn ids(answer: &Json) -> String {
    answer["hits"]["hits"].as_array().unwrap().iter().map(|hit| hit["_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn queries_find_what_they_say() {
    let bench = Bench::new().await;
    bench.finds(json!({"match_all": {}}), "54321").await;
    bench.finds(json!({"match_none": {}}), "").await;
    bench.finds(json!({"term": {"level": "error"}}), "32").await;
    bench.finds(json!({"term": {"service.keyword": {"value": "cart", "boost": 2}}}), "521").await;
    bench.finds(json!({"term": {"client_ip": "10.0.0.0/8"}}), "2").await;
    bench.finds(json!({"terms": {"_id": ["1", "5", "9"]}}), "51").await;
    bench.finds(json!({"terms": {"level": []}}), "").await;
    bench.finds(json!({"ids": {"values": ["4", "2"]}}), "42").await;
    bench.finds(json!({"exists": {"field": "amount"}}), "431").await;
    bench.finds(json!({"range": {"amount": {"gte": 10.5, "lt": 99}}}), "41").await;
    bench.finds(json!({"range": {"amount": {"from": 10.5, "include_lower": false, "to": null}}}), "43").await;
    bench
        .finds(json!({"range": {"@timestamp": {"gte": "2026-11-23T10:00:30Z", "lte": "2026-11-23T11:00"}}}), "432")
        .await;
    bench.finds(json!({"range": {"@timestamp": {"gte": "now/d", "lt": "now-3h"}}}), "4321").await;
    bench.finds(json!({"range": {"@timestamp": {"gt": 1_795_431_600_000_i64, "format": "epoch_millis"}}}), "5").await;
    bench.finds(json!({"prefix": {"service": "ca"}}), "521").await;
    bench.finds(json!({"prefix": {"service": "c*"}}), "").await;
    bench.finds(json!({"wildcard": {"service": {"value": "*il?"}}}), "43").await;
    bench.finds(json!({"regexp": {"service": "ca[a-r]t"}}), "521").await;
    bench.finds(json!({"regexp": {"service": "car"}}), "").await;
    bench.finds(json!({"regexp": {"message": "time[a-z]+|slow"}}), "52").await;
    bench.finds(json!({"regexp": {"service": {"value": "CART", "case_insensitive": true}}}), "521").await;
    bench.finds(json!({"fuzzy": {"service": "crat"}}), "521").await;
    bench.finds(json!({"fuzzy": {"service": {"value": "crat", "transpositions": false}}}), "").await;
    bench.finds(json!({"fuzzy": {"message": {"value": "gatway", "fuzziness": 1}}}), "2").await;
    bench.finds(json!({"fuzzy": {"service": {"value": "bill", "fuzziness": 2, "prefix_length": 1}}}), "").await;
    bench.finds(json!({"match": {"message": "payment cart"}}), "54321").await;
    bench.finds(json!({"match": {"message": {"query": "payment timeout", "operator": "and"}}}), "2").await;
    bench.finds(json!({"match": {"message": {"query": "payment gateway", "minimum_should_match": "-1"}}}), "432").await;
    bench.finds(json!({"match": {"message": ""}}), "").await;
    bench.finds(json!({"match": {"service": "cart"}}), "521").await;
    bench.finds(json!({"match_phrase": {"message": "gateway timeout"}}), "2").await;
    bench.finds(json!({"match_phrase_prefix": {"message": "refu"}}), "3").await;
    bench.finds(json!({"match_bool_prefix": {"message": "slow acc"}}), "54").await;
    bench.finds(json!({"multi_match": {"query": "till", "fields": ["service", "message^2"]}}), "43").await;
    bench.finds(json!({"multi_match": {"query": "bank", "fields": ["*"]}}), "3").await;
    bench.finds(json!({"simple_query_string": {"query": "refused slow"}}), "53").await;
    bench.finds(json!({"constant_score": {"filter": {"term": {"level": "warn"}}}}), "5").await;
    bench.finds(json!({"dis_max": {"queries": [{"term": {"level": "warn"}}, {"term": {"amount": 20}}]}}), "54").await;
}

#[tokio::test]
async fn bool_queries_join_others() {
    let bench = Bench::new().await;
    let (error, cart) = (json!({"term": {"level": "error"}}), json!({"term": {"service": "cart"}}));
    bench.finds(json!({"bool": {}}), "54321").await;
    bench.finds(json!({"bool": {"must": error, "filter": [cart]}}), "2").await;
    bench.finds(json!({"bool": {"must_not": [error]}}), "541").await;
    bench.finds(json!({"bool": {"should": [error, cart]}}), "5321").await;
    bench.finds(json!({"bool": {"filter": [error], "should": [cart]}}), "32").await;
    bench.finds(json!({"bool": {"filter": [error], "should": [cart], "minimum_should_match": 1}}), "2").await;
    bench.finds(json!({"bool": {"should": [error, cart], "minimum_should_match": "100%"}}), "2").await;
    bench.finds(json!({"bool": {"should": [error, cart], "minimum_should_match": 3}}), "").await;
    bench.finds(json!({"bool": {"should": [error, cart, error], "must_not": [cart]}}), "3").await;
}

#[tokio::test]
async fn query_strings_are_read_as_lucene_reads_them() {
    let bench = Bench::new().await;
    let finds = |text: &str| json!({"query_string": {"query": text, "analyze_wildcard": true}});
    bench.finds(finds("level:error AND service:cart"), "2").await;
    bench.finds(finds("level:error service:cart"), "5321").await;
    bench.finds(finds("level:error -service:cart"), "3").await;
    bench.finds(finds("level:error OR service:cart AND level:warn"), "5").await;
    bench.finds(finds("*"), "54321").await;
    bench.finds(json!({"query_string": {"query": "refused bank", "default_operator": "AND"}}), "3").await;
    bench.finds(json!({"query_string": {"query": "cart", "fields": ["message"]}}), "51").await;
    bench.finds(json!({"query_string": {"query": "cart", "default_field": "service"}}), "521").await;
    // Each word in any of the fields, not all of them in one.
    let both = json!({"query_string": {"query": "till AND refused", "fields": ["service", "message"]}});
    bench.finds(both, "3").await;
    bench.finds(json!({"query_string": {"query": "NOT till", "fields": ["service", "message"]}}), "521").await;
}

#[tokio::test]
async fn what_is_not_there_is_refused_and_named() {
    let bench = Bench::new().await;
    let query = |query: Json| json!({ "query": query });
    for (kind, inner) in [("span_first", json!({})), ("nested", json!({})), ("knn", json!({}))] {
        bench.refuses(query(json!({ kind: inner })), "is not there in Vigie").await;
    }
    bench.refuses(query(json!({"matches": {}})), "unknown query [matches]").await;
    bench.refuses(query(json!({"term": {"a": 1, "b": 2}})), "must name one field").await;
    bench
        .refuses(query(json!({"term": {"level": {"value": "x", "case_insensitive": 1}}})), "must be true or false")
        .await;
    bench.refuses(query(json!({"term": {"message.keyword": "x"}})), "leave \".keyword\" out").await;
    bench.refuses(query(json!({"match": {"message": {"query": "x", "fuzziness": "AUTO"}}})), "[fuzziness]").await;
    bench.refuses(query(json!({"match": {"message": {"query": "x", "slopp": 1}}})), "[slopp]").await;
    bench.refuses(query(json!({"range": {"@timestamp": {"gte": "soon"}}})), "query.range.@timestamp.gte").await;
    bench
        .refuses(query(json!({"range": {"@timestamp": {"gte": "now", "time_zone": "Europe/Paris"}}})), "[time_zone]")
        .await;
    bench.refuses(query(json!({"bool": {"should": [{"match_all": {}}, {"match_all": {}}, {"match_all": {}}], "minimum_should_match": 2}})), "fewer than all").await;
    bench.refuses(query(json!({"query_string": {"query": "a:("}})), "Failed to parse query [a:(]").await;
    bench.refuses(json!({"size": 9_000, "from": 2_000}), "Result window is too large").await;
    bench.refuses(json!({"collapse": {"field": "a", "collapse": {}}}), "[collapse]").await;
    bench.refuses(json!({"script_fields": {"a": {}}}), "[script_fields]").await;
    bench.refuses(json!({"aggs": {"a": {"geohash_grid": {}}}}), "the aggregation [geohash_grid]").await;
    bench.refuses(json!({"aggs": {"a": {"terms": {"field": "level", "script": "x"}}}}), "[script]").await;
    bench.refuses(json!({"aggs": {"a": {"avg": {"field": "level"}}}}), "which holds none").await;
    bench
        .refuses(
            json!({"aggs": {"a": {"avg": {"field": "n"}, "aggs": {"b": {"max": {"field": "n"}}}}}}),
            "cannot have aggregations below",
        )
        .await;
    bench
        .refuses(json!({"aggs": {"a": {"terms": {"field": "level", "order": {"b": "asc"}}}}}), "\"b\" is no number")
        .await;
    bench.refuses(json!({"aggs": {"a": {}}}), "must have one kind").await;
    let mut deep = json!({"match_all": {}});
    for _ in 0..60 {
        deep = json!({"bool": {"must": deep}});
    }
    bench.refuses(query(deep), "lies deeper than").await;
    let many: Vec<u32> = (0..5_000).collect();
    let filter = json!({"filter": {"terms": {"a": many}}});
    bench.refuses(json!({"aggs": {"a": filter}}), "conditions are more than").await;
    bench.refuses(query(json!({"terms": {"a": many}})), "conditions are more than").await;
}

#[tokio::test]
async fn hits_are_shown_as_asked_for() {
    let bench = Bench::new().await;
    let body = json!({
        "query": {"match": {"message": "gateway"}}, "_source": ["serv*", "level"], "sort": [{"@timestamp": {"order": "desc", "unmapped_type": "boolean"}}],
        "docvalue_fields": [{"field": "@timestamp", "format": "epoch_millis"}], "fields": ["service.keyword"], "script_fields": {},
        "highlight": {"fields": {"*": {}}, "pre_tags": ["@b@"], "post_tags": ["@/b@"]},
    });
    let answer = bench.ask(body).await.unwrap();
    let expected = json!({
        "_index": "ecommerce-logs-2026.11.23", "_id": "2", "_score": null, "_source": {"level": "ERROR", "service": "cart"},
        "fields": {"service.keyword": ["cart"], "@timestamp": ["1795428030000"]},
        "highlight": {"message": ["Payment @b@gateway@/b@ timeout"]}, "sort": [1_795_428_030_000_i64],
    });
    assert_eq!(answer["hits"]["hits"][0], expected);
    let none = bench.ask(json!({"_source": false, "size": 1, "track_total_hits": false})).await.unwrap();
    assert_eq!(none["hits"]["hits"][0].get("_source"), None);
    assert_eq!(none["hits"].get("total"), None);
    assert_eq!(none["hits"]["max_score"], 1.0);
    let without = bench
        .ask(json!({"_source": {"excludes": ["message", "tags"]}, "query": {"ids": {"values": ["3"]}}}))
        .await
        .unwrap();
    let source = without["hits"]["hits"][0]["_source"].as_object().unwrap();
    assert!(
        source.contains_key("amount") && source.contains_key("@timestamp") && !source.contains_key("message"),
        "{source:?}"
    );
}

#[tokio::test]
async fn words_stand_to_one_another() {
    let bench = Bench::new().await;
    let message = |rule: Json| json!({"intervals": {"message": rule}});
    bench.finds(message(json!({"match": {"query": "payment gateway", "ordered": true, "max_gaps": 0}})), "2").await;
    bench.finds(message(json!({"match": {"query": "bank payment"}})), "3").await;
    bench.finds(message(json!({"match": {"query": "bank payment", "ordered": true}})), "").await;
    let any = json!({"any_of": {"intervals": [{"prefix": {"prefix": "Acc"}}, {"fuzzy": {"term": "refusad"}}]}});
    bench.finds(message(any.clone()), "43").await;
    let all = json!({"all_of": {"ordered": true, "intervals": [{"match": {"query": "payment"}}, any],
        "filter": {"before": {"wildcard": {"pattern": "b?nk"}}}}});
    bench.finds(message(all), "3").await;
    let near = json!({"span_near": {"slop": 1, "clauses": [
        {"span_term": {"message": "item"}}, {"span_multi": {"match": {"prefix": {"message": "to"}}}}]}});
    bench.finds(near, "1").await;
    let not = json!({"span_not": {"include": {"span_term": {"message": "cart"}}, "exclude": {"span_near": {"slop": 0, "clauses": [
        {"span_term": {"message": "to"}}, {"span_term": {"message": "cart"}}]}}}});
    bench.finds(not, "5").await;
    bench.finds(json!({"match_phrase_prefix": {"message": "payment ref"}}), "3").await;
    bench
        .refuses(json!({"query": {"intervals": {"service": {"match": {"query": "cart"}}}}}), "compared as a whole")
        .await;
    bench
        .refuses(json!({"query": message(json!({"match": {"query": "a", "mode": "unordered_no_overlap"}}))}), "[mode]")
        .await;
    bench
        .refuses(json!({"query": message(json!({"match": {"query": "a", "filter": {"script": {}}}}))}), "[script]")
        .await;
    let mixed =
        json!({"span_or": {"clauses": [{"span_term": {"message": "a"}}, {"span_term": {"search_query": "b"}}]}});
    bench.refuses(json!({"query": mixed}), "must have the same field").await;
}

#[tokio::test]
async fn fields_are_what_their_mapping_says() {
    let bench = Bench::new().await;
    let mapping = json!({"properties": {
        "service": {"type": "text", "fields": {"whole": {"type": "keyword"}}},
        "note": {"type": "text", "fields": {"whole": {"type": "keyword"}}},
        "home": {"type": "ip"}, "seen": {"type": "date"}, "remark": {"type": "alias", "path": "note"},
    }});
    let event = Bytes::from_static(
        br#"{"_id":"6","@timestamp":"2026-11-23T13:00:00Z","note":"The Quick brown fox","home":"10.1.2.3","seen":"2026-11-20"}"#,
    );
    bench.shop.ingest.accept(&bench.shop.scope, event, &IngestOptions::default()).await.unwrap();
    let definitions = Arc::new(KeptObjects::new(Arc::new(MemoryMetadataStore::default())));
    definitions.create(ObjectKind::Index, "any", json!({ "mappings": mapping })).await.unwrap();
    let dsl = DslSearch::new(bench.shop.store.clone(), clock()).with_definitions(definitions);
    let finds = async |query: Json, expected: &str| {
        let body = json!({"query": query, "size": 1}).as_object().unwrap().clone();
        let request = DslRequest { body, scrolls: true, ..DslRequest::default() };
        let answer = dsl.search(&bench.shop.scope, &request).await.unwrap();
        assert_eq!(ids(&answer), expected, "{query}");
        let next = dsl.scroll(&bench.shop.scope, answer["_scroll_id"].as_str().unwrap()).await.unwrap();
        assert_eq!(ids(&next), "", "{query}: the next page is of the same question");
    };
    finds(json!({"match": {"note": "slow quick"}}), "6").await;
    finds(json!({"match_phrase": {"remark": "quick brown"}}), "6").await;
    finds(json!({"term": {"note": "fox"}}), "6").await;
    finds(json!({"prefix": {"note": "bro"}}), "6").await;
    finds(json!({"regexp": {"note": "f[a-z]x"}}), "6").await;
    finds(json!({"fuzzy": {"note": "quikc"}}), "6").await;
    finds(json!({"term": {"note.whole": "fox"}}), "").await;
    finds(json!({"term": {"note.whole": "The Quick brown fox"}}), "6").await;
    finds(json!({"intervals": {"note": {"match": {"query": "quick fox", "max_gaps": 1}}}}), "6").await;
    finds(json!({"term": {"home": "10.1.0.0/16"}}), "6").await;
    finds(json!({"range": {"home": {"gte": "10.1.2.0", "lt": "10.1.2.10"}}}), "6").await;
    finds(json!({"range": {"seen": {"gte": "2026-11-20||/d", "lt": "now-2d"}}}), "6").await;
    finds(json!({"range": {"seen": {"lt": "2026-11-20"}}}), "").await;
    finds(json!({"exists": {"field": "remark"}}), "6").await;
}

#[tokio::test]
async fn pages_follow_one_another() {
    let bench = Bench::new().await;
    let page = bench.ask(json!({"size": 2, "from": 1, "sort": "@timestamp"})).await.unwrap();
    assert_eq!(ids(&page), "23");
    let next = bench
        .ask(json!({"size": 2, "sort": "@timestamp", "search_after": page["hits"]["hits"][1]["sort"]}))
        .await
        .unwrap();
    assert_eq!(ids(&next), "45");
    let body = json!({"size": 2, "query": {"range": {"@timestamp": {"gte": "2026-11-23"}}}, "sort": ["_doc"], "aggs": {"n": {"stats": {"field": "amount"}}}});
    let request = DslRequest { body: body.as_object().unwrap().clone(), scrolls: true, ..DslRequest::default() };
    let first = bench.dsl.search(&bench.shop.scope, &request).await.unwrap();
    // What comes in while it goes on is not part of it.
    let later: Clock = Arc::new(|| NOW.saturating_add_nanos(1));
    let late = Bytes::from_static(br#"{"_id":"6","@timestamp":"2026-11-23T13:00:00Z","message":"late"}"#);
    let ingest = Ingest::new(bench.shop.store.clone(), later, settings());
    assert_eq!(ingest.accept(&bench.shop.scope, late, &IngestOptions::default()).await.unwrap().accepted, 1);
    let mut found = ids(&first);
    assert_eq!(first["aggregations"]["n"]["count"], 3);
    let mut id = first["_scroll_id"].as_str().unwrap().to_owned();
    for _ in 0..4 {
        let next = bench.dsl.scroll(&bench.shop.scope, &id).await.unwrap();
        assert_eq!(next["hits"]["total"]["value"], 5);
        found.push_str(&ids(&next));
        id = next["_scroll_id"].as_str().unwrap().to_owned();
    }
    assert!(found.starts_with("12345"), "{found}");
    assert!(bench.dsl.scroll(&bench.shop.scope, "bm9uc2Vuc2U").await.is_err());
}

#[tokio::test]
async fn indices_are_days_or_what_was_sent() {
    let bench = Bench::new().await;
    for (indices, expected) in [
        ("ecommerce-logs-*", "54321"),
        ("ecommerce-logs-2026.11.23", "54321"),
        ("filebeat-*", "4"),
        ("nothing-*", ""),
        ("*,-filebeat-1", "5321"),
    ] {
        assert_eq!(ids(&bench.ask_of(indices, json!({})).await.unwrap()), expected, "{indices}");
    }
    for missing in ["ecommerce-logs-2026.11.22", "shop"] {
        assert_eq!(bench.ask_of(missing, json!({})).await.unwrap_err().kind, ErrorKind::NotFound, "{missing}");
    }
}

#[tokio::test]
async fn buckets_have_elasticsearchs_shape() {
    let bench = Bench::new().await;
    let answer = bench
        .aggregates(json!({
            "levels": {"terms": {"field": "level.keyword", "size": 2}, "aggs": {"money": {"sum": {"field": "amount"}}}, "meta": {"a": 1}},
            "hours": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1h", "extended_bounds": {"min": "2026-11-23T09:00:00Z", "max": "2026-11-23T13:30:00Z"}}},
            "errors": {"filter": {"term": {"level": "error"}}, "aggs": {"services": {"terms": {"field": "service", "order": {"_key": "desc"}}}}},
            "split": {"filters": {"filters": {"slow": {"range": {"took_ms": {"gt": 500}}}}, "other_bucket": true}},
            "no_money": {"missing": {"field": "amount"}},
            "amounts": {"range": {"field": "amount", "ranges": [{"to": 20}, {"from": 20, "to": 100.0}, {"from": 100, "key": "much"}]}},
            "services": {"cardinality": {"field": "service"}},
        }))
        .await;
    assert_eq!(
        answer["levels"],
        json!({"doc_count_error_upper_bound": 0, "sum_other_doc_count": 1, "meta": {"a": 1}, "buckets": [
            {"key": "ERROR", "doc_count": 2, "money": {"value": 99.0}}, {"key": "INFO", "doc_count": 2, "money": {"value": 30.5}},
        ]})
    );
    let hours: Vec<(&str, u64)> = answer["hours"]["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bucket| (&bucket["key_as_string"].as_str().unwrap()[11..13], bucket["doc_count"].as_u64().unwrap()))
        .collect();
    assert_eq!(hours, [("09", 0), ("10", 3), ("11", 1), ("12", 1), ("13", 0)]);
    let later = json!({"a": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1h", "extended_bounds": {"min": "2026-11-23T14:30:00Z", "max": "2026-11-23T15:30:00Z"}},
        "aggs": {"f": {"filters": {"filters": {"x": {"match_all": {}}}}}}}});
    let later = bench.aggregates(later).await;
    let counts: Vec<u64> =
        later["a"]["buckets"].as_array().unwrap().iter().map(|bucket| bucket["doc_count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [3, 1, 1, 0, 0, 0], "the gap before the bounds is filled too");
    assert_eq!(later["a"]["buckets"][4]["f"], json!({"buckets": {"x": {"doc_count": 0}}}));
    let services = json!([{"key": "till", "doc_count": 1}, {"key": "cart", "doc_count": 1}]);
    assert_eq!((&answer["errors"]["doc_count"], &answer["errors"]["services"]["buckets"]), (&json!(2), &services));
    assert_eq!(answer["split"], json!({"buckets": {"slow": {"doc_count": 1}, "_other_": {"doc_count": 4}}}));
    assert_eq!(answer["no_money"], json!({"doc_count": 2}));
    assert_eq!(
        answer["amounts"]["buckets"],
        json!([
            {"key": "*-20.0", "to": 20.0, "doc_count": 1}, {"key": "20.0-100.0", "from": 20.0, "to": 100.0, "doc_count": 2},
            {"key": "much", "from": 100.0, "doc_count": 0},
        ])
    );
    assert_eq!(answer["services"], json!({"value": 2}));
}

#[tokio::test]
async fn spans_of_the_calendar_have_their_lengths() {
    let bench = Bench::new().await;
    let bounds = json!({"min": "2026-08-15", "max": "2026-11-30"});
    let answer = bench
        .aggregates(json!({
            "months": {"date_histogram": {"field": "@timestamp", "calendar_interval": "month", "extended_bounds": bounds}},
            "days": {"date_histogram": {"field": "@timestamp", "calendar_interval": "day", "time_zone": "Europe/Paris", "format": "yyyy-MM-dd"}},
            "years": {"date_histogram": {"field": "@timestamp", "calendar_interval": "1y", "min_doc_count": 1, "extended_bounds": bounds},
                "aggs": {"points": {"sum": {"field": "points"}}}},
        }))
        .await;
    let months: Vec<(&str, u64)> = answer["months"]["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bucket| (&bucket["key_as_string"].as_str().unwrap()[..10], bucket["doc_count"].as_u64().unwrap()))
        .collect();
    assert_eq!(months, [("2026-08-01", 0), ("2026-09-01", 0), ("2026-10-01", 0), ("2026-11-01", 5)]);
    assert_eq!(
        answer["days"]["buckets"],
        json!([{"key_as_string": "2026-11-23", "key": 1_795_388_400_000_i64, "doc_count": 5}])
    );
    let year = json!({"key_as_string": "2026-01-01T00:00:00.000Z", "key": 1_767_225_600_000_i64, "doc_count": 5, "points": {"value": 21.0}});
    assert_eq!(answer["years"]["buckets"], json!([year]));
    let far = json!({"a": {"date_histogram": {"field": "@timestamp", "calendar_interval": "day", "time_zone": "Europe/Paris",
        "extended_bounds": {"min": "1900-01-01", "max": "2026-01-01"}}}});
    let error = bench.ask(json!({"size": 0, "aggs": far})).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge);
    assert!(error.message.contains("[a] has more than 20000 spans"), "{}", error.message);
}

#[tokio::test]
async fn histograms_of_numbers_have_their_bounds() {
    let bench = Bench::new().await;
    let answer = bench
        .aggregates(json!({
            "points": {"histogram": {"field": "points", "interval": 2, "offset": 1}},
            "amounts": {"histogram": {"field": "amount", "interval": 50, "keyed": true, "extended_bounds": {"max": 120}},
                "aggs": {"sum": {"sum": {"field": "amount"}}}},
            "cut": {"histogram": {"field": "points", "interval": "4", "hard_bounds": {"min": 1, "max": 4}, "order": {"_key": "desc"}}},
            "gap": {"histogram": {"field": "points", "interval": 1, "hard_bounds": {"max": 4}}},
            "none": {"histogram": {"field": "nothing", "interval": 1}},
        }))
        .await;
    let counted = |name: &str| -> Vec<(f64, u64)> {
        let buckets = answer[name]["buckets"].as_array().unwrap().iter();
        buckets.map(|bucket| (bucket["key"].as_f64().unwrap(), bucket["doc_count"].as_u64().unwrap())).collect()
    };
    assert_eq!(counted("points"), [(1.0, 2), (3.0, 0), (5.0, 2), (7.0, 0), (9.0, 1)]);
    assert_eq!(
        answer["amounts"]["buckets"],
        json!({
            "0.0": {"key": 0.0, "doc_count": 2, "sum": {"value": 30.5}}, "50.0": {"key": 50.0, "doc_count": 1, "sum": {"value": 99.0}},
            "100.0": {"key": 100.0, "doc_count": 0, "sum": {"value": 0.0}},
        })
    );
    assert_eq!(counted("cut"), [(4.0, 2)]);
    assert_eq!(counted("gap"), [(1.0, 2)], "what lies behind the bounds makes no gap before them");
    assert_eq!(answer["none"], json!({"buckets": []}));
    let of = |histogram: Json| json!({"size": 0, "aggs": {"a": {"histogram": histogram}}});
    bench.refuses(of(json!({"field": "points", "interval": -2})), "[aggs.a.histogram.interval] must be above 0").await;
    bench.refuses(of(json!({"field": "points", "interval": {}})), "[aggs.a.histogram.interval] must be a number").await;
    bench.refuses(of(json!({"field": "points"})), "must have [interval]").await;
    bench.refuses(of(json!({"field": "service", "interval": 1})), "which holds none").await;
    let crossed = json!({"field": "points", "interval": 1, "extended_bounds": {"min": 3, "max": 2}});
    bench.refuses(of(crossed), "[aggs.a.histogram.extended_bounds] [min] must not be above [max]").await;
    let outside = json!({"field": "points", "interval": 1, "extended_bounds": {"min": 3}, "hard_bounds": {"max": 2}});
    bench.refuses(of(outside), "must lie within [hard_bounds]").await;
    let many = of(json!({"field": "points", "interval": 0.000_01}));
    assert_eq!(bench.ask(many).await.unwrap_err().kind, ErrorKind::TooLarge);
}

#[tokio::test]
async fn spread_ranks_and_weights_are_told() {
    let bench = Bench::new().await;
    let answer = bench
        .aggregates(json!({
            "all": {"extended_stats": {"field": "points", "sigma": 1}}, "one": {"extended_stats": {"field": "took_ms"}},
            "none": {"extended_stats": {"field": "nothing"}},
            "ranks": {"percentile_ranks": {"field": "points", "values": [0, 1, "5", 9.5]}},
            "median": {"median_absolute_deviation": {"field": "points", "compression": 100}},
            "mean": {"weighted_avg": {"value": {"field": "amount"}, "weight": {"field": "points"}}},
            "nowhere": {"weighted_avg": {"value": {"field": "amount"}, "weight": {"field": "nothing"}}},
            "by": {"terms": {"field": "service", "order": {"spread.std_deviation": "desc"}}, "aggs": {"spread": {"extended_stats": {"field": "points"}}}},
        }))
        .await;
    // 9, 1, 5, 5 and 1: the mean is 4.2, squares are 133 in all.
    let (variance, of_sample): (f64, f64) = (44.8 / 5.0, 44.8 / 4.0);
    let all = &answer["all"];
    assert_eq!((&all["count"], &all["sum_of_squares"], &all["sum"]), (&json!(5), &json!(133.0), &json!(21.0)));
    let is_near = |json: &Json, expected: f64| (json.as_f64().unwrap() - expected).abs() < 1e-9;
    assert!(is_near(&all["variance"], variance) && is_near(&all["variance_sampling"], of_sample), "{all}");
    assert!(is_near(&all["std_deviation_bounds"]["upper"], 4.2 + variance.sqrt()), "{all}");
    assert!(is_near(&all["std_deviation_bounds"]["lower_sampling"], 4.2 - of_sample.sqrt()), "{all}");
    let one = &answer["one"];
    assert_eq!((&one["variance"], &one["variance_sampling"]), (&json!(0.0), &json!("NaN")));
    assert_eq!((&answer["none"]["sum"], &answer["none"]["variance_sampling"]), (&json!(0.0), &json!(null)));
    assert_eq!(answer["ranks"], json!({"values": {"0.0": 0.0, "1.0": 40.0, "5.0": 80.0, "9.5": 100.0}}));
    assert_eq!(answer["median"], json!({"value": 4.0}));
    assert_eq!(answer["mean"], json!({"value": (10.5 * 9.0 + 99.0 * 5.0 + 20.0 * 5.0) / 19.0}));
    assert_eq!(answer["nowhere"], json!({"value": null}));
    assert_eq!(answer["by"]["buckets"][0]["key"], "cart");
    let of = |aggregation: Json| json!({"size": 0, "aggs": {"a": aggregation}});
    bench.refuses(of(json!({"percentile_ranks": {"field": "points"}})), "must have [values]").await;
    bench.refuses(of(json!({"percentile_ranks": {"field": "points", "values": [1, "x"]}})), "values[1]").await;
    bench.refuses(of(json!({"extended_stats": {"field": "points", "sigma": -1}})), "must not be below 0").await;
    bench.refuses(of(json!({"weighted_avg": {"value": {"field": "amount"}}})), "must have [weight]").await;
    bench.refuses(of(json!({"percentiles": {"field": "points", "percents": [50, 101]}})), "percents[1]").await;
}

#[tokio::test]
async fn answers_are_computed_from_others() {
    let bench = Bench::new().await;
    let hours = json!({"field": "@timestamp", "fixed_interval": "1h"});
    let answer = bench
        .aggregates(json!({
            "best": {"max_bucket": {"buckets_path": "hours>points"}},
            "hours": {"date_histogram": hours, "aggs": {
                "again": {"derivative": {"buckets_path": "sum"}},
                "points": {"sum": {"field": "points"}}, "sum": {"cumulative_sum": {"buckets_path": "points"}},
                "more": {"derivative": {"buckets_path": "_count", "unit": "1m"}},
                "mean": {"moving_fn": {"buckets_path": "points", "window": 2, "script": "MovingFunctions.unweightedAvg(values)"}},
            }},
            "services": {"terms": {"field": "service"}, "aggs": {
                "points": {"sum": {"field": "points"}}, "last": {"bucket_sort": {"sort": [{"points": "asc"}], "size": 1}},
            }},
            "mean": {"avg_bucket": {"buckets_path": "services>points"}}, "all": {"stats_bucket": {"buckets_path": "hours>points"}},
            "least": {"min_bucket": {"buckets_path": "hours>_count"}}, "sum": {"sum_bucket": {"buckets_path": "hours>points"}},
        }))
        .await;
    // Points of the hours are 15, 5 and 1.
    let of = |name: &str| -> Json {
        let buckets = answer["hours"]["buckets"].as_array().unwrap().iter();
        buckets.map(|bucket| bucket.get(name).map_or(json!("none"), |answer| answer["value"].clone())).collect()
    };
    assert_eq!(of("sum"), json!([15.0, 20.0, 21.0]));
    assert_eq!(of("again"), json!(["none", 5.0, 1.0]));
    assert_eq!(of("mean"), json!([null, 15.0, 10.0]));
    assert_eq!(answer["hours"]["buckets"][1]["more"], json!({"value": -2.0, "normalized_value": -2.0 / 60.0}));
    assert_eq!(answer["best"], json!({"value": 15.0, "keys": ["2026-11-23T10:00:00.000Z"]}));
    assert_eq!(answer["least"]["keys"], json!(["2026-11-23T11:00:00.000Z", "2026-11-23T12:00:00.000Z"]));
    assert_eq!(answer["services"]["buckets"], json!([{"key": "till", "doc_count": 2, "points": {"value": 10.0}}]));
    assert_eq!((&answer["mean"], &answer["sum"]), (&json!({"value": 10.0}), &json!({"value": 21.0})));
    assert_eq!(answer["all"], json!({"count": 3, "min": 1.0, "max": 15.0, "avg": 7.0, "sum": 21.0}));
    let within = |below: Json| json!({"size": 0, "aggs": {"h": {"date_histogram": hours, "aggs": below}}});
    let refused = [
        (
            within(json!({"a": {"derivative": {"buckets_path": "b"}}})),
            "[aggs.h.aggs.a] no aggregation beside it is named [b]",
        ),
        (
            within(json!({"a": {"derivative": {"buckets_path": "b"}}, "b": {"derivative": {"buckets_path": "a"}}})),
            "leads in a circle",
        ),
        (
            json!({"aggs": {"a": {"bucket_script": {"buckets_path": {}, "script": "1"}}}}),
            "must lie within an aggregation that has buckets",
        ),
        (json!({"aggs": {"a": {"derivative": {"buckets_path": "_count"}}}}), "must lie within a histogram"),
        (
            json!({"aggs": {"a": {"sum_bucket": {"buckets_path": "b"}}, "b": {"sum": {"field": "n"}}}}),
            "must begin with an aggregation that has buckets",
        ),
    ];
    for (body, words) in refused {
        bench.refuses(body, words).await;
    }
}

#[tokio::test]
async fn answers_are_named_with_their_kinds_if_asked_for() {
    let bench = Bench::new().await;
    let aggs = json!({"by": {"terms": {"field": "service"}, "aggs": {"p": {"percentiles": {"field": "amount"}}}}, "n": {"value_count": {"field": "amount"}}});
    let body = json!({"size": 0, "aggs": aggs}).as_object().unwrap().clone();
    let request = DslRequest { body, has_typed_keys: true, ..DslRequest::default() };
    let answer = bench.dsl.search(&bench.shop.scope, &request).await.unwrap();
    let aggregations = answer["aggregations"].as_object().unwrap();
    assert_eq!(aggregations.keys().collect::<Vec<_>>(), ["sterms#by", "value_count#n"]);
    assert!(aggregations["sterms#by"]["buckets"][0]["tdigest_percentiles#p"]["values"].is_object());
}

#[tokio::test]
async fn metrics_have_elasticsearchs_shape() {
    let bench = Bench::new().await;
    let answer = bench
        .aggregates(json!({
            "all": {"stats": {"field": "amount"}}, "mean": {"avg": {"field": "amount"}}, "none": {"max": {"field": "nothing"}},
            "count": {"value_count": {"field": "amount"}}, "half": {"percentiles": {"field": "amount", "percents": [50, 99.9]}},
            "list": {"percentiles": {"field": "amount", "percents": [50], "keyed": false}},
            "by_sum": {"terms": {"field": "service", "order": {"money": "desc"}}, "aggs": {"money": {"sum": {"field": "points"}}}},
            "by_max": {"terms": {"field": "service", "order": {"took": "asc"}}, "aggs": {"took": {"max": {"field": "took_ms"}}}},
            "by_money": {"terms": {"field": "service", "order": {"money.sum": "asc"}}, "aggs": {"money": {"stats": {"field": "amount"}}}},
        }))
        .await;
    assert_eq!(answer["all"], json!({"count": 3, "min": 10.5, "max": 99.0, "avg": 129.5 / 3.0, "sum": 129.5}));
    assert_eq!((&answer["mean"], &answer["none"]), (&json!({"value": 129.5 / 3.0}), &json!({"value": null})));
    assert_eq!((&answer["count"], &answer["half"]["values"]["50.0"]), (&json!({"value": 3}), &json!(20.0)));
    assert!(answer["half"]["values"]["99.9"].is_number());
    assert_eq!(answer["list"]["values"], json!([{"key": 50.0, "value": 20.0}]));
    assert_eq!(answer["by_max"]["buckets"][0]["key"], "till", "which has no such number");
    // The mean of the points is in the other order.
    assert_eq!(answer["by_sum"]["buckets"][0]["money"], json!({"value": 11.0}));
    let services: Vec<&str> = answer["by_money"]["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bucket| bucket["key"].as_str().unwrap())
        .collect();
    assert_eq!(services, ["cart", "till"]);
}
