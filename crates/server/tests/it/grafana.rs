//! Grafana's data source Elasticsearch asks as it asks any cluster: whether it is well, which fields there are, and then everything
//! through `_msearch`. The bodies have the shapes that its query builder makes.

use axum::http::Method;
use serde_json::{Value as Json, json};

use crate::elasticsearch_search::Client;

const HOUR_MS: i64 = 3_600_000;

/// A server with five events of this moment, and the time that a dashboard shows.
struct Dashboard {
    client: Client,
    from_ms: i64,
    to_ms: i64,
}

impl Dashboard {
    async fn new() -> Self {
        let client = Client::new().await;
        let now_ms = (client.app.state.clock)().as_millis();
        Self { client, from_ms: now_ms - HOUR_MS, to_ms: now_ms + HOUR_MS }
    }

    fn range(&self) -> Json {
        json!({"range": {"@timestamp": {"gte": self.from_ms, "lte": self.to_ms, "format": "epoch_millis"}}})
    }

    /// What every panel asks for: the time range, and what was typed, if anything.
    fn query(&self, typed: &str) -> Json {
        let words = json!({"query_string": {"analyze_wildcard": true, "query": typed}});
        match typed {
            "" => json!({"bool": {"filter": self.range()}}),
            _ => json!({"bool": {"filter": [self.range(), words]}}),
        }
    }

    fn histogram(&self, below: Json) -> Json {
        json!({
            "aggs": below,
            "date_histogram": {
                "field": "@timestamp", "fixed_interval": "1m", "min_doc_count": 0, "format": "epoch_millis",
                "extended_bounds": {"min": self.from_ms, "max": self.to_ms},
            },
        })
    }

    /// The answers to the panels of one request.
    async fn ask(&self, panels: &[Json]) -> Vec<Json> {
        let header =
            json!({"search_type": "query_then_fetch", "ignore_unavailable": true, "index": "ecommerce-logs-*"});
        let body: String = panels.iter().map(|panel| format!("{header}\n{panel}\n")).collect();
        let path = "/_msearch?max_concurrent_shard_requests=5&ignore_throttled=false";
        let answer = self.client.call(Method::POST, path, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let responses = answer.json()["responses"].as_array().unwrap().clone();
        assert!(responses.iter().all(|response| response["status"] == 200), "{responses:?}");
        assert_eq!(responses.len(), panels.len());
        responses
    }

    /// The aggregations of the answer to one panel.
    async fn count(&self, typed: &str, aggregations: Json) -> Json {
        let panel = json!({"size": 0, "query": self.query(typed), "aggs": aggregations});
        self.ask(&[panel]).await.remove(0)["aggregations"].take()
    }
}

fn buckets(answer: &Json) -> &Vec<Json> {
    answer["buckets"].as_array().unwrap()
}

fn total(answer: &Json) -> u64 {
    buckets(answer).iter().map(|bucket| bucket["doc_count"].as_u64().unwrap()).sum()
}

#[tokio::test]
async fn the_data_source_is_well_and_knows_its_fields() {
    let Dashboard { client, .. } = Dashboard::new().await;
    let about = client.get("/").await;
    assert_eq!((&about["version"]["build_flavor"], &about["version"]["number"]), (&json!("default"), &json!("8.19.0")));
    assert_eq!(client.get("/_cluster/health?wait_for_status=yellow").await["status"], "green");
    let caps = client.get("/ecommerce-logs-*/_field_caps?fields=@timestamp").await;
    assert_eq!(caps["fields"]["@timestamp"]["date"]["aggregatable"], true);
    let mapping = client.get("/ecommerce-logs-*/_mapping").await;
    let properties = &mapping[&client.index]["mappings"]["properties"];
    assert_eq!((&properties["@timestamp"]["type"], &properties["message"]["type"]), (&json!("date"), &json!("text")));
    // With a pattern of days, those of the last week are asked for one by one until one is there.
    assert_eq!(client.get(&format!("/{}/_mapping", client.index)).await.as_object().unwrap().len(), 1);
    assert_eq!(client.call(Method::GET, "/ecommerce-logs-2001.01.01/_mapping", "").await.status, 404);
}

#[tokio::test]
async fn panels_of_metrics_are_answered() {
    let dashboard = Dashboard::new().await;
    let counted = dashboard.count("", json!({"2": dashboard.histogram(json!({}))})).await;
    assert_eq!((total(&counted["2"]), buckets(&counted["2"]).len()), (5, 121));
    let by_level = json!({"3": {
        "terms": {"field": "level", "size": 10, "order": {"_key": "desc"}, "min_doc_count": 1},
        "aggs": {"2": dashboard.histogram(json!({
            "1": {"max": {"field": "n"}},
            "4": {"percentiles": {"field": "n", "percents": ["25", "50", "75"]}},
            "5": {"extended_stats": {"field": "n", "sigma": "2"}},
            "6": {"cardinality": {"field": "message.keyword", "precision_threshold": "100"}},
        }))},
    }});
    let answer = dashboard.count("level:*", by_level).await;
    let levels: Vec<&str> = buckets(&answer["3"]).iter().map(|bucket| bucket["key"].as_str().unwrap()).collect();
    assert_eq!(levels, ["INFO", "ERROR"]);
    let filled: Vec<&Json> =
        buckets(&buckets(&answer["3"])[1]["2"]).iter().filter(|bucket| bucket["doc_count"] != 0).collect();
    let highest = filled.iter().filter_map(|bucket| bucket["1"]["value"].as_f64()).fold(0.0, f64::max);
    assert_eq!(highest, 4.0);
    assert!(filled[0]["4"]["values"]["50.0"].is_f64() && filled[0]["5"]["std_deviation_bounds"]["upper"].is_f64());
    assert!(filled[0]["key_as_string"].is_string() && filled[0]["key"].is_i64());
}

#[tokio::test]
async fn terms_in_the_order_of_a_metric_filters_and_histograms_are_answered() {
    let dashboard = Dashboard::new().await;
    let answer = dashboard
        .count(
            "",
            json!({"3": {
                "terms": {"field": "level", "size": 10, "order": {"1": "desc"}, "missing": "none"},
                "aggs": {"1": {"avg": {"field": "n"}}, "2": dashboard.histogram(json!({"1": {"avg": {"field": "n"}}}))},
            }}),
        )
        .await;
    assert_eq!(buckets(&answer["3"]).len(), 2);
    let by_share = json!({"3": {
        "terms": {"field": "level", "size": 10, "order": {"4[50.0]": "asc"}},
        "aggs": {"4": {"percentiles": {"field": "n", "percents": ["50", "95"]}}},
    }});
    assert_eq!(total(&dashboard.count("", by_share).await["3"]), 5);
    let filters = json!({"3": {
        "filters": {"filters": {
            "bad": {"query_string": {"query": "level:error", "analyze_wildcard": true}},
            "all": {"query_string": {"query": "*", "analyze_wildcard": true}},
        }},
        "aggs": {"2": dashboard.histogram(json!({}))},
    }});
    let answer = dashboard.count("", filters).await;
    let counts = ["bad", "all"].map(|name| answer["3"]["buckets"][name]["doc_count"].as_u64().unwrap());
    assert_eq!(counts, [3, 5]);
    let numbers = json!({"3": {"histogram": {"field": "n", "interval": "2", "min_doc_count": "1"}, "aggs": {}}});
    assert_eq!(buckets(&dashboard.count("", numbers).await["3"]).len(), 3);
    let nested = json!({"2": dashboard.histogram(json!({
        "1": {"sum": {"field": "n"}},
        "5": {"cumulative_sum": {"buckets_path": "1"}},
        "6": {"derivative": {"buckets_path": "1"}},
        "7": {"moving_fn": {"buckets_path": "1", "window": 5, "script": "MovingFunctions.unweightedAvg(values)"}},
        "8": {"serial_diff": {"buckets_path": "1", "lag": "5"}},
        "9": {"top_metrics": {"metrics": [{"field": "n"}, {"field": "level"}], "size": "1", "sort": [{"@timestamp": "desc"}]}},
    }))});
    let answer = dashboard.count("", nested).await;
    let last = buckets(&answer["2"]).last().unwrap();
    assert_eq!((&last["5"]["value"], last.get("8"), &last["9"]["top"]), (&json!(10.0), None, &json!([])));
    let filled = buckets(&answer["2"]).iter().rfind(|bucket| bucket["doc_count"] != 0).unwrap();
    let top = &filled["9"]["top"][0];
    assert!(top["sort"][0].is_string() && top["metrics"]["n"].is_i64(), "{top}");
    assert_eq!(top["metrics"]["level"], if top["metrics"]["n"].as_i64().unwrap() % 2 == 0 { "ERROR" } else { "INFO" });
}

#[tokio::test]
async fn logs_and_raw_documents_are_answered() {
    let dashboard = Dashboard::new().await;
    let sort = json!({"@timestamp": {"order": "desc", "unmapped_type": "boolean"}, "_doc": {"order": "desc"}});
    let document = json!({
        "size": 500, "query": dashboard.query(""), "sort": sort, "script_fields": {}, "docvalue_fields": ["@timestamp"],
    });
    let mut data = document.clone();
    data["fields"] = json!([{"field": "@timestamp", "format": "strict_date_optional_time_nanos"}]);
    let mut logs = data.clone();
    logs["query"] = dashboard.query("message:number AND level:error");
    logs["highlight"] = json!({
        "fields": {"*": {}}, "pre_tags": ["@HIGHLIGHT@"], "post_tags": ["@/HIGHLIGHT@"], "fragment_size": 2_147_483_647,
    });
    let answers = dashboard.ask(&[document, data, logs.clone()]).await;
    let hits = answers.iter().map(|answer| answer["hits"]["hits"].as_array().unwrap()).collect::<Vec<_>>();
    assert_eq!(hits.iter().map(|hits| hits.len()).collect::<Vec<_>>(), [5, 5, 3]);
    assert_eq!(answers[2]["hits"]["total"]["value"], 3);
    for hit in hits.iter().flat_map(|hits| hits.iter()) {
        assert!(hit["_id"].is_string() && hit["_index"].is_string() && hit["_source"].is_object(), "{hit}");
        assert!(hit["fields"]["@timestamp"][0].is_string() && hit["sort"].as_array().unwrap().len() == 2, "{hit}");
    }
    assert_eq!(hits[2][0]["highlight"]["message"], json!(["@HIGHLIGHT@number@/HIGHLIGHT@ 4"]));
    // The lines around one: from its place on, in either direction.
    let mut around = logs;
    around["query"] = dashboard.query("");
    around["search_after"] = hits[0][1]["sort"].clone();
    let older = dashboard.ask(&[around]).await.remove(0);
    assert_eq!(older["hits"]["hits"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn variables_annotations_and_the_volume_of_logs_are_answered() {
    let dashboard = Dashboard::new().await;
    let variable = json!({"1": {"terms": {"field": "level", "size": 500, "order": {"_key": "asc"}}}});
    let answer = dashboard.count("*", variable).await;
    assert_eq!(buckets(&answer["1"]).iter().map(|bucket| &bucket["key"]).collect::<Vec<_>>(), ["ERROR", "INFO"]);
    let volume = json!({"3": {
        "terms": {"field": "level", "size": 500, "order": {"_count": "desc"}, "min_doc_count": 1},
        "aggs": {"2": dashboard.histogram(json!({}))},
    }});
    assert_eq!(total(&dashboard.count("", volume).await["3"]), 5);
    let marks = json!({"bool": {
        "filter": [
            {"bool": {"should": [dashboard.range()], "minimum_should_match": 1}},
            {"query_string": {"query": "level:error"}},
        ],
    }});
    let annotations = json!({"query": marks, "size": 10_000});
    assert_eq!(dashboard.ask(&[annotations]).await[0]["hits"]["hits"].as_array().unwrap().len(), 3);
}
