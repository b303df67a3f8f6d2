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

#[tokio::test]
async fn of_each_value_of_a_field_one_hit_is_there() {
    let bench = Bench::new().await;
    let check = async |body: Json, expected: &str, first: Json| {
        let answer = bench.ask(body.clone()).await.unwrap_or_else(|error| panic!("{body}: {}", error.message));
        let hits = &answer["hits"];
        assert_eq!((ids(&answer).as_str(), &hits["total"]["value"]), (expected, &json!(5)), "{body}");
        assert_eq!(hits["hits"][0]["fields"], first, "{body}");
    };
    let of_service = json!({"field": "service", "max_concurrent_group_searches": 4});
    check(json!({ "collapse": of_service }), "54", json!({"service": ["cart"]})).await;
    check(json!({"collapse": of_service, "sort": "amount"}), "14", json!({"service": ["cart"]})).await;
    check(json!({"collapse": of_service, "from": 1, "size": 1}), "4", json!({"service": ["till"]})).await;
    check(json!({"collapse": {"field": "amount"}}), "5431", json!({"amount": [null]})).await;
    let by_itself = json!({"collapse": of_service, "sort": "service", "search_after": ["cart"]});
    check(by_itself, "3", json!({"service": ["till"]})).await;
    let aggs = json!({"n": {"sum": {"field": "points"}}});
    let answer = bench.ask(json!({"collapse": of_service, "size": 1, "aggs": aggs})).await.unwrap();
    assert_eq!(answer["aggregations"]["n"]["value"], json!(21.0), "every event is counted");
    let point_in_time = bench.dsl.open_point_in_time(&bench.shop.scope, &super::DslRequest::default()).await.unwrap();
    let paged =
        json!({"collapse": of_service, "sort": "service", "pit": {"id": point_in_time}, "search_after": ["cart", 1]});
    check(paged, "3", json!({"service": ["till"]})).await;
    bench.refuses(json!({"collapse": of_service, "sort": "amount", "search_after": [1]}), "by its field alone").await;
    bench.refuses(json!({"collapse": {"field": "@timestamp"}}), "one event of each instant").await;
    bench
        .refuses(json!({"collapse": {"field": "service", "inner_hits": {}}}), "[collapse.inner_hits] must have [name]")
        .await;
    let twice = json!([{"name": "a"}, {"name": "a"}]);
    bench.refuses(json!({"collapse": {"field": "service", "inner_hits": twice}}), "a name of its own").await;
    let many = json!([{"name": "a", "size": 100}]);
    let far = json!({"size": 101, "collapse": {"field": "service", "inner_hits": many}});
    assert!(bench.ask(far).await.is_ok(), "what counts is how many there are");
    let scroll = json!({ "collapse": of_service }).as_object().unwrap().clone();
    let scroll = super::DslRequest { body: scroll, scrolls: true, ..Default::default() };
    let error = bench.dsl.search(&bench.shop.scope, &scroll).await.unwrap_err();
    assert!(error.message.contains("cannot be gone on with by a scroll"), "{}", error.message);
}

#[tokio::test]
async fn beside_each_hit_others_with_its_value_are_shown() {
    let bench = Bench::new().await;
    let inner = json!([
        {"name": "few", "size": 2, "sort": [{"points": "asc"}], "_source": ["level"]},
        {"name": "new", "size": 1, "from": 1},
    ]);
    let ask = async |field: &str| {
        let collapse = json!({"field": field, "inner_hits": inner});
        bench.ask(json!({"query": {"range": {"points": {"lte": 5}}}, "collapse": collapse})).await.unwrap()
    };
    let shown = |answer: &Json, hit: usize, name: &str| {
        let inner = answer["hits"]["hits"][hit]["inner_hits"][name].clone();
        (ids(&inner), inner["hits"]["total"]["value"].as_u64().unwrap())
    };
    let by_service = ask("service").await;
    assert_eq!(ids(&by_service), "54");
    assert_eq!(shown(&by_service, 0, "few"), ("25".to_owned(), 2));
    assert_eq!(shown(&by_service, 0, "new"), ("2".to_owned(), 2));
    assert_eq!(shown(&by_service, 1, "few"), ("34".to_owned(), 2));
    let first = &by_service["hits"]["hits"][0]["inner_hits"]["few"]["hits"]["hits"][0];
    assert_eq!((&first["_source"], &first["sort"]), (&json!({"level": "ERROR"}), &json!([1])));
    let by_amount = ask("amount").await;
    assert_eq!(shown(&by_amount, 0, "few"), ("25".to_owned(), 2), "those without a value");
    assert_eq!(shown(&by_amount, 1, "few"), ("4".to_owned(), 1));
}

#[tokio::test]
async fn values_may_lie_in_another_document() {
    let bench = Bench::new().await;
    let ask = async |field: &str, index: &str, id: Json, path: &str| {
        let lookup = json!({"index": index, "id": id, "path": path});
        bench.ask(json!({"query": {"bool": {"filter": [{"terms": {field: lookup}}]}}})).await
    };
    let finds = async |field: &str, index: &str, id: Json, path: &str, expected: &str| {
        assert_eq!(ids(&ask(field, index, id, path).await.unwrap()), expected, "{field} {index} {path}");
    };
    finds("points", "filebeat-1", json!(4), "points", "43").await;
    finds("tags", "ecommerce-logs", json!("3"), "tags", "3").await;
    finds("tags", "ecommerce-logs-2026.11.23", json!("3"), "tags", "3").await;
    finds("points", "filebeat-1", json!("5"), "points", "").await;
    finds("points", "filebeat-1", json!("4"), "nothing", "").await;
    let nowhere = ask("points", "nowhere", json!("4"), "points").await.unwrap_err();
    assert_eq!(
        (nowhere.kind, nowhere.message.as_str()),
        (vigie_domain::ErrorKind::NotFound, "no such index [nowhere]")
    );
    let lookup = json!({"index": "filebeat-1", "id": "4", "path": "points"});
    let aggs = json!({"same": {"filter": {"terms": {"points": lookup}}}});
    assert_eq!(bench.ask(json!({ "aggs": aggs })).await.unwrap()["aggregations"]["same"]["doc_count"], json!(2));
    let many: Vec<Json> = (0..17).map(|_| json!({"terms": {"points": lookup}})).collect();
    bench.refuses(json!({"query": {"bool": {"should": many}}}), "at most 16 lists of values").await;
    bench.refuses(json!({"query": {"terms": {"points": {"id": "4"}}}}), "must be a list of values, or [index]").await;
    let body = json!({"query": {"terms": {"points": lookup}}, "size": 1}).as_object().unwrap().clone();
    let request = super::DslRequest { body, scrolls: true, ..Default::default() };
    let first = bench.dsl.search(&bench.shop.scope, &request).await.unwrap();
    let second = bench.dsl.scroll(&bench.shop.scope, first["_scroll_id"].as_str().unwrap()).await.unwrap();
    assert_eq!((ids(&first), ids(&second)), ("4".to_owned(), "3".to_owned()));
}

#[tokio::test]
async fn a_hit_has_no_id_where_nothing_is_asked_for() {
    let bench = Bench::new().await;
    let top = json!({"top": {"top_hits": {"size": 1}}});
    let answer = bench.ask(json!({"stored_fields": "_none_", "size": 1, "aggs": top})).await.unwrap();
    let hit = &answer["hits"]["hits"][0];
    assert_eq!((hit.get("_id"), hit.get("_source")), (None, None), "{hit}");
    assert_eq!(answer["aggregations"]["top"]["hits"]["hits"][0]["_id"], "5");
}

#[tokio::test]
async fn marks_of_other_words_than_those_looked_for_are_refused() {
    let bench = Bench::new().await;
    let query = json!({"match_all": {}});
    for highlight in [
        json!({"highlight_query": query}),
        json!({"fields": {"message": {"highlight_query": query}}}),
        json!({"fields": [{"message": {"highlight_query": query}}]}),
    ] {
        bench.refuses(json!({ "highlight": highlight }), "[highlight_query] is not there").await;
    }
    let body = json!({"query": {"match": {"message": "slow"}}, "highlight": {"fields": {"message": {}}}});
    let answer = bench.ask(body).await.unwrap();
    assert_eq!(answer["hits"]["hits"][0]["highlight"]["message"][0], "cart is <em>slow</em>");
}
