//! Hits in other orders than that of time.

use serde_json::{Value as Json, json};

use super::tests::{Bench, ids};

async fn check(bench: &Bench, body: Json, expected: &str, first: Json) {
    let answer = bench.ask(body.clone()).await.unwrap_or_else(|error| panic!("{body}: {}", error.message));
    assert_eq!(ids(&answer), expected, "{body}");
    assert_eq!(answer["hits"]["hits"][0]["sort"], first, "{body}");
    assert_eq!(answer["hits"]["total"]["value"], json!(5), "{body}");
}

#[tokio::test]
async fn hits_are_put_in_order_by_fields() {
    let bench = Bench::new().await;
    check(&bench, json!({"sort": {"amount": "asc"}}), "14325", json!([10.5])).await;
    check(&bench, json!({"sort": [{"amount": {"order": "desc"}}]}), "34125", json!([99.0])).await;
    let first = json!([{"amount": {"order": "desc", "missing": "_first"}}, {"_doc": "desc"}]);
    check(&bench, json!({"sort": first}), "52341", json!(["Infinity", 4])).await;
    check(&bench, json!({"sort": [{"amount": {"missing": 50}}]}), "14253", json!([10.5])).await;
    let two = json!(["service", {"points": {"order": "desc"}}, "_score", {"@timestamp": "desc"}]);
    check(&bench, json!({"sort": two}), "15243", json!(["cart", 9, 1.0, 1_795_428_000_000_i64])).await;
    check(&bench, json!({"sort": "nothing", "from": 1, "size": 2}), "23", json!([null])).await;
    let text = json!([{"@timestamp": {"order": "asc", "format": "strict_date_optional_time"}}, "points"]);
    check(&bench, json!({"sort": text, "size": 1}), "1", json!(["2026-11-23T10:00:00.000Z", 9])).await;
}

#[tokio::test]
async fn pages_go_on_behind_the_values_of_a_hit() {
    let bench = Bench::new().await;
    for sort in
        [json!(["points", "_doc"]), json!([{"amount": "desc"}, {"_doc": "asc"}]), json!(["level", "amount", "_doc"])]
    {
        let whole = ids(&bench.ask(json!({ "sort": sort })).await.unwrap());
        let (mut found, mut after) = (String::new(), Json::Null);
        loop {
            let mut body = json!({"sort": sort, "size": 2, "aggs": {"n": {"sum": {"field": "points"}}}});
            if !after.is_null() {
                body["search_after"] = after;
            }
            let page = bench.ask(body).await.unwrap();
            assert_eq!(page["aggregations"]["n"]["value"], json!(21.0), "what is counted is not the page");
            let Some(last) = page["hits"]["hits"].as_array().unwrap().last() else { break };
            after = last["sort"].clone();
            found += &ids(&page);
        }
        assert_eq!(found, whole, "{sort}");
    }
    bench.refuses(json!({"sort": ["points", "level"], "search_after": [1]}), "search_after has 1 value(s)").await;
    bench.refuses(json!({"sort": ["amount"], "search_after": ["x"]}), "search_after[0]").await;
}

#[tokio::test]
async fn scrolls_and_points_in_time_keep_the_order() {
    let bench = Bench::new().await;
    let scope = &bench.shop.scope;
    let body = json!({"size": 2, "sort": [{"points": "desc"}]});
    let request = super::DslRequest { body: body.as_object().unwrap().clone(), scrolls: true, ..Default::default() };
    let mut answer = bench.dsl.search(scope, &request).await.unwrap();
    let mut found = ids(&answer);
    while !answer["hits"]["hits"].as_array().unwrap().is_empty() {
        answer = bench.dsl.scroll(scope, answer["_scroll_id"].as_str().unwrap()).await.unwrap();
        found += &ids(&answer);
    }
    assert_eq!(found, "13425");
    let id = bench.dsl.open_point_in_time(scope, &super::DslRequest::default()).await.unwrap();
    let page = bench.ask(json!({"size": 1, "sort": ["points"], "pit": {"id": id}})).await.unwrap();
    assert_eq!(page["hits"]["hits"][0]["sort"], json!([1, 1]));
}

#[tokio::test]
async fn scores_are_told_of_sorted_hits_if_asked_for() {
    let bench = Bench::new().await;
    let score = async |body: Json| bench.ask(body).await.unwrap()["hits"]["hits"][0]["_score"].clone();
    assert_eq!(score(json!({"sort": "amount"})).await, Json::Null);
    assert_eq!(score(json!({"sort": "amount", "track_scores": true})).await, json!(1.0));
    assert_eq!(score(json!({"sort": ["_score", "amount"]})).await, json!(1.0));
    assert_eq!(score(json!({"sort": ["_score"]})).await, json!(1.0));
}

#[tokio::test]
async fn hits_name_the_queries_that_they_match() {
    let bench = Bench::new().await;
    let query = json!({"bool": {
        "must": {"range": {"points": {"gte": 5, "_name": "many"}}},
        "should": [{"term": {"service": {"value": "cart", "_name": "cart"}}}, {"terms": {"level": ["error"], "_name": "bad"}}],
        "must_not": {"term": {"level": {"value": "warn", "_name": "slow"}}},
        "_name": "all",
    }});
    let answer = bench.ask(json!({ "query": query })).await.unwrap();
    let named: Vec<Json> =
        answer["hits"]["hits"].as_array().unwrap().iter().map(|hit| hit["matched_queries"].clone()).collect();
    assert_eq!(ids(&answer), "431");
    assert_eq!(named, [json!(["all", "many"]), json!(["all", "many", "bad"]), json!(["all", "many", "cart"])]);
    let answer = bench.ask(json!({"query": {"term": {"level": "warn"}}})).await.unwrap();
    assert_eq!(answer["hits"]["hits"][0].get("matched_queries"), None);
}

#[tokio::test]
async fn case_matters_unless_it_is_said_not_to() {
    let bench = Bench::new().await;
    let find = async |query: Json| ids(&bench.ask(json!({ "query": query })).await.unwrap());
    assert_eq!(find(json!({"term": {"service": "CART"}})).await, "");
    assert_eq!(find(json!({"term": {"service": {"value": "CART", "case_insensitive": true}}})).await, "521");
    assert_eq!(find(json!({"term": {"service": {"value": "CA*", "case_insensitive": true}}})).await, "");
    assert_eq!(find(json!({"prefix": {"service": {"value": "Ca", "case_insensitive": true}}})).await, "521");
    assert_eq!(find(json!({"wildcard": {"service": {"value": "T?L*", "case_insensitive": "true"}}})).await, "43");
    assert_eq!(find(json!({"term": {"amount": {"value": 99, "case_insensitive": true}}})).await, "3");
    let long = "a".repeat(300);
    bench
        .refuses(
            json!({"query": {"term": {"service": {"value": long, "case_insensitive": true}}}}),
            "query.term.service",
        )
        .await;
}
