//! What buckets and metrics answer as Elasticsearch's.

use serde_json::{Value as Json, json};

use super::tests::Bench;

/// Keys and counts of buckets.
fn counts(answer: &Json) -> Vec<(Json, u64)> {
    let buckets = answer["buckets"].as_array().unwrap_or_else(|| panic!("no buckets: {answer}"));
    buckets.iter().map(|bucket| (bucket["key"].clone(), bucket["doc_count"].as_u64().unwrap())).collect()
}

#[tokio::test]
async fn a_value_stands_for_the_one_that_is_missing() {
    let bench = Bench::new().await;
    let answer = bench
        .aggregates(json!({
            "avg": {"avg": {"field": "amount", "missing": 0}},
            "count": {"value_count": {"field": "amount", "missing": 1}},
            "median": {"percentiles": {"field": "amount", "percents": [50], "missing": 7, "keyed": false}},
            "distinct": {"cardinality": {"field": "currency", "missing": "USD"}},
            "terms": {"terms": {"field": "client_ip", "missing": "none"}, "aggs": {"s": {"sum": {"field": "points"}}}},
            "spans": {"histogram": {"field": "took_ms", "interval": 1000, "missing": -5}},
            "weighted": {"weighted_avg": {"value": {"field": "points"}, "weight": {"field": "amount", "missing": 0.5}}},
        }))
        .await;
    assert_eq!(answer["avg"]["value"], json!(25.9));
    assert_eq!(answer["count"]["value"], json!(5));
    assert_eq!(answer["median"]["values"][0]["value"], json!(10.5));
    assert_eq!(answer["distinct"]["value"], json!(2));
    assert_eq!(counts(&answer["terms"]), [(json!("none"), 4), (json!("10.0.0.7"), 1)]);
    assert_eq!(answer["terms"]["buckets"][0]["s"]["value"], json!(20.0));
    assert_eq!(counts(&answer["spans"]), [(json!(-1000.0), 4), (json!(0.0), 1)]);
    let expected = (9.0 * 10.5 + 0.5 + 5.0 * 99.0 + 100.0 + 0.5) / (10.5 + 0.5 + 99.0 + 20.0 + 0.5);
    assert_eq!(answer["weighted"]["value"], json!(expected));
    let refused = json!({"size": 0, "aggs": {"a": {"avg": {"field": "amount", "missing": "dear"}}}});
    bench.refuses(refused, "[aggs.a.avg.missing] must be a number").await;
}
