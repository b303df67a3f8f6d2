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

/// Keys as text and counts of buckets.
fn shown(answer: &Json) -> String {
    counts(answer).into_iter().map(|(key, count)| format!("{key} {count}")).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn combinations_are_paged_through() {
    let bench = Bench::new().await;
    let sources = json!([
        {"service": {"terms": {"field": "service", "order": "desc"}}},
        {"hour": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1h", "format": "yyyy-MM-dd HH:mm"}}},
        {"amount": {"histogram": {"field": "amount", "interval": 50, "missing_bucket": true}}},
    ]);
    let (mut found, mut after) = (Vec::new(), Json::Null);
    loop {
        let page = json!({"size": 2, "sources": sources, "after": after});
        let aggs = json!({"c": {"composite": page, "aggs": {"points": {"sum": {"field": "points"}}}}});
        let answer = bench.aggregates(aggs).await["c"].clone();
        let Some(last) = answer.get("after_key") else { break };
        after = last.clone();
        let text = |bucket: &Json| format!("{} {} {}", bucket["key"], bucket["doc_count"], bucket["points"]["value"]);
        found.extend(answer["buckets"].as_array().unwrap().iter().map(text));
    }
    let expected = [
        r#"{"service":"till","hour":"2026-11-23 10:00","amount":50.0} 1 5.0"#,
        r#"{"service":"till","hour":"2026-11-23 11:00","amount":0.0} 1 5.0"#,
        r#"{"service":"cart","hour":"2026-11-23 10:00","amount":null} 1 1.0"#,
        r#"{"service":"cart","hour":"2026-11-23 10:00","amount":0.0} 1 9.0"#,
        r#"{"service":"cart","hour":"2026-11-23 12:00","amount":null} 1 1.0"#,
    ];
    assert_eq!(found, expected);
    let refused = |composite: Json| json!({"size": 0, "aggs": {"c": {"composite": composite}}});
    let one = json!([{"s": {"terms": {"field": "service"}}}]);
    bench.refuses(refused(json!({"sources": one, "after": {"x": 1}})), "[aggs.c.composite.after.s] is a source").await;
    bench.refuses(refused(json!({"sources": []})), "must be a list of 1 to 32 sources").await;
    bench.refuses(refused(json!({"sources": one, "size": 0})), "must be from 1 to 10000").await;
    let geo = json!([{"s": {"geotile_grid": {"field": "location"}}}]);
    bench.refuses(refused(json!({"sources": geo})), "a source of [geotile_grid]").await;
    let twice = json!([{"s": {"terms": {"field": "service"}}}, {"s": {"terms": {"field": "level"}}}]);
    bench.refuses(refused(json!({"sources": twice})), "[s] is there twice").await;
}

#[tokio::test]
async fn values_are_chosen_and_put_in_order() {
    let bench = Bench::new().await;
    let answer = bench
        .aggregates(json!({
            "two": {"multi_terms": {"terms": [{"field": "service"}, {"field": "level"}], "size": 2}},
            "by_level": {"multi_terms": {"terms": [{"field": "level"}, {"field": "currency", "missing": "?"}], "order": {"_key": "desc"}}},
            "rare": {"rare_terms": {"field": "level"}},
            "no_info": {"terms": {"field": "level", "exclude": "INF.*"}},
            "listed": {"terms": {"field": "points", "include": ["5", 9]}},
            "least": {"terms": {"field": "level", "order": [{"_count": "asc"}, {"_key": "desc"}]}},
            "last": {"terms": {"field": "level", "order": {"_key": "desc"}, "size": 1}},
            "deep": {
                "terms": {"field": "service", "order": {"paid>most[max]": "asc"}},
                "aggs": {"paid": {"filter": {"exists": {"field": "amount"}}, "aggs": {"most": {"stats": {"field": "amount"}}}}},
            },
        }))
        .await;
    assert_eq!(shown(&answer["two"]), r#"["cart","ERROR"] 1, ["cart","INFO"] 1"#);
    assert_eq!(answer["two"]["buckets"][0]["key_as_string"], json!("cart|ERROR"));
    assert_eq!(answer["two"]["sum_other_doc_count"], json!(3));
    assert_eq!(shown(&answer["by_level"]), r#"["WARN","?"] 1, ["INFO","EUR"] 1, ["INFO","?"] 1, ["ERROR","?"] 2"#);
    assert_eq!(shown(&answer["rare"]), r#""WARN" 1"#);
    assert_eq!(shown(&answer["no_info"]), r#""ERROR" 2, "WARN" 1"#);
    assert_eq!(shown(&answer["listed"]), "5 2, 9 1");
    assert_eq!(shown(&answer["least"]), r#""WARN" 1, "INFO" 2, "ERROR" 2"#);
    assert_eq!(shown(&answer["last"]), r#""WARN" 1"#);
    assert_eq!(answer["last"]["sum_other_doc_count"], json!(4));
    assert_eq!(shown(&answer["deep"]), r#""cart" 3, "till" 2"#);
    let partition = async |partition: u64| {
        let terms = json!({"field": "service", "include": {"partition": partition, "num_partitions": 2}});
        counts(&bench.aggregates(json!({"t": {"terms": terms}})).await["t"]).len()
    };
    assert_eq!(partition(0).await + partition(1).await, 2);
    let terms = |terms: Json| json!({"size": 0, "aggs": {"t": {"terms": terms}}});
    bench.refuses(terms(json!({"field": "amount", "include": "1.*"})), "[amount] holds no strings").await;
    bench.refuses(terms(json!({"field": "level", "include": "("})), "[aggs.t.terms.include]").await;
    bench.refuses(terms(json!({"field": "level", "order": {"a>b": "asc"}})), "\"a>b\" is no number").await;
    let pair = json!({"size": 0, "aggs": {"t": {"multi_terms": {"terms": [{"field": "level"}]}}}});
    bench.refuses(pair, "must be a list of 2 to 32 fields").await;
}

#[tokio::test]
async fn spans_come_in_any_order_and_of_any_field_of_instants() {
    let bench = Bench::new().await;
    let answer = bench
        .aggregates(json!({
            "made": {"date_histogram": {"field": "account_created_at", "calendar_interval": "day", "missing": "2026-11-20T10:00:00Z", "format": "yyyy-MM-dd"}},
            "busy": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1h", "order": {"_count": "desc"}}},
            "dear": {
                "histogram": {"field": "points", "interval": 4, "order": {"sum": "desc"}, "min_doc_count": 1},
                "aggs": {"sum": {"sum": {"field": "amount"}}},
            },
        }))
        .await;
    assert_eq!(answer["made"]["buckets"][0]["key_as_string"], json!("2026-11-20"));
    assert_eq!(counts(&answer["made"]), [(json!(1_795_132_800_000_i64), 5)]);
    let hours: Vec<u64> = counts(&answer["busy"]).into_iter().map(|(_, count)| count).collect();
    assert_eq!(hours, [3, 1, 1]);
    assert_eq!(shown(&answer["dear"]), "4.0 2, 8.0 1, 0.0 2");
    let of =
        |field: &str| json!({"size": 0, "aggs": {"h": {"date_histogram": {"field": field, "fixed_interval": "1h"}}}});
    bench.refuses(of("service"), "a span of time of [service], which holds no instants,").await;
}

#[tokio::test]
async fn buckets_show_their_first_events() {
    let bench = Bench::new().await;
    let newest = json!({"size": 1, "_source": ["level"]});
    let dearest = json!({"size": 1, "from": 1, "sort": [{"amount": "desc"}], "_source": false, "fields": ["points"]});
    let answer = bench
        .aggregates(json!({
            "by": {"terms": {"field": "service"}, "aggs": {"newest": {"top_hits": newest}, "dearest": {"top_hits": dearest}}},
            "first": {"top_hits": {"sort": "@timestamp", "size": 1}},
        }))
        .await;
    let of = |bucket: usize, name: &str| answer["by"]["buckets"][bucket][name]["hits"].clone();
    assert_eq!(of(0, "newest")["total"], json!({"value": 3, "relation": "eq"}));
    assert_eq!(of(0, "newest")["max_score"], json!(1.0));
    assert_eq!(of(0, "newest")["hits"][0]["_id"], json!("5"));
    assert_eq!(of(0, "newest")["hits"][0]["_source"], json!({"level": "WARN"}));
    assert_eq!(of(1, "dearest")["hits"][0]["_id"], json!("4"));
    assert_eq!(of(1, "dearest")["hits"][0]["sort"], json!([20.0]));
    assert_eq!(of(1, "dearest")["hits"][0]["fields"], json!({"points": [5]}));
    assert_eq!(of(1, "dearest")["hits"][0]["_score"], Json::Null);
    assert_eq!(answer["first"]["hits"]["hits"][0]["sort"], json!([1_795_428_000_000_i64]));
    let many = json!({"size": 0, "aggs": {"t": {"top_hits": {"size": 101}}}});
    bench.refuses(many, "[from] + [size] must be at most 100").await;
}

#[tokio::test]
async fn buckets_show_fields_of_their_first_events() {
    let bench = Bench::new().await;
    let newest = json!({"metrics": [{"field": "points"}, {"field": "amount"}, {"field": "level"}], "sort": [{"@timestamp": "desc"}]});
    let dearest = json!({"metrics": {"field": "service"}, "sort": {"amount": "desc"}, "size": "2"});
    let answer = bench
        .aggregates(json!({
            "by": {"terms": {"field": "service"}, "aggs": {"newest": {"top_metrics": newest}}},
            "dearest": {"top_metrics": dearest},
            "none": {"filter": {"match_none": {}}, "aggs": {"newest": {"top_metrics": newest}}},
        }))
        .await;
    let of = |bucket: usize| answer["by"]["buckets"][bucket]["newest"]["top"][0].clone();
    let cart = json!({"points": 1, "amount": null, "level": "WARN"});
    assert_eq!(of(0), json!({"sort": ["2026-11-23T12:30:00.000Z"], "metrics": cart}));
    assert_eq!(of(1)["metrics"], json!({"points": 5, "amount": 20, "level": "INFO"}));
    let first = json!({"sort": [99.0], "metrics": {"service": "till"}});
    let second = json!({"sort": [20.0], "metrics": {"service": "till"}});
    assert_eq!(answer["dearest"], json!({"top": [first, second]}));
    assert_eq!(answer["none"]["newest"], json!({"top": []}));
}

#[tokio::test]
async fn addresses_pairs_of_queries_and_all_events_are_counted() {
    let bench = Bench::new().await;
    let ranges = json!([{"to": "10.0.0.7"}, {"from": "10.0.0.7", "to": "11.0.0.0"}, {"mask": "10.0.0.0/25", "key": "near"}, {"mask": "::/24"}]);
    let filters = json!({"till": {"term": {"service": "till"}}, "error": {"term": {"level": "error"}}, "warn": {"term": {"level": "warn"}}});
    let aggs = json!({
        "ip": {"ip_range": {"field": "client_ip", "ranges": ranges}},
        "pairs": {"adjacency_matrix": {"filters": filters}},
        "all": {"global": {}, "aggs": {"points": {"sum": {"field": "points"}}}},
    });
    let body = json!({"size": 0, "query": {"term": {"level": "error"}}, "aggs": aggs});
    let answer = bench.ask(body).await.unwrap()["aggregations"].clone();
    assert_eq!(shown(&answer["ip"]), r#""*-10.0.0.7" 0, "::/24" 1, "near" 1, "10.0.0.7-11.0.0.0" 1"#);
    assert_eq!(answer["ip"]["buckets"][2]["to"], json!("10.0.0.128"));
    assert_eq!((&answer["ip"]["buckets"][1]["to"], answer["ip"]["buckets"][1].get("from")), (&json!("0:100::"), None));
    assert_eq!(shown(&answer["pairs"]), r#""error" 2, "error&till" 1, "till" 1"#);
    assert_eq!(answer["all"], json!({"doc_count": 5, "points": {"value": 21.0}}));
    let below = json!({"size": 0, "aggs": {"t": {"terms": {"field": "level"}, "aggs": {"g": {"global": {}}}}}});
    bench.refuses(below, "must stand at the top").await;
    let range =
        |range: Json| json!({"size": 0, "aggs": {"t": {"ip_range": {"field": "client_ip", "ranges": [range]}}}});
    bench.refuses(range(json!({"mask": "10.0.0.0"})), "is no network such as 10.0.0.0/8").await;
    bench.refuses(range(json!({"from": "ten"})), "is no address such as 10.0.0.7").await;
}

#[tokio::test]
async fn ranges_come_by_where_they_begin_and_end_however_they_were_asked_for() {
    let bench = Bench::new().await;
    let aggs = json!({
        "n": {"range": {"field": "points", "ranges": [{"from": 5}, {"from": 1, "to": 5}, {"to": 3}, {"from": 1, "to": 2}]}},
        "t": {"date_range": {"field": "@timestamp", "ranges": [{"from": "2026-11-24"}, {"to": "2026-11-24"}]}},
    });
    let answer = bench.ask(json!({"size": 0, "aggs": aggs})).await.unwrap()["aggregations"].clone();
    let keys = |name: &str| -> Vec<Json> {
        answer[name]["buckets"].as_array().unwrap().iter().map(|bucket| bucket["key"].clone()).collect()
    };
    assert_eq!(keys("n"), ["*-3.0", "1.0-2.0", "1.0-5.0", "5.0-*"]);
    assert_eq!(keys("t"), ["*-2026-11-24T00:00:00.000Z", "2026-11-24T00:00:00.000Z-*"]);
}

#[tokio::test]
async fn values_are_compared_with_those_of_all_events() {
    let bench = Bench::new().await;
    let significant = json!({"field": "service", "min_doc_count": 1});
    let body = |significant: Json| {
        let by = json!({"terms": {"field": "level"}, "aggs": {"s": {"significant_terms": significant}}});
        json!({"size": 0, "query": {"terms": {"level": ["info", "warn"]}}, "aggs": {"s": {"significant_terms": significant}, "by": by}})
    };
    let answer = bench.ask(body(significant)).await.unwrap()["aggregations"].clone();
    // Two of three here are of the cart, and three of five everywhere.
    let score = (2.0 / 3.0 - 0.6) * (2.0 / 3.0 / 0.6);
    let found = answer["s"]["buckets"][0]["score"].as_f64().unwrap();
    assert!((found - score).abs() < 1e-12, "{found}");
    assert_eq!((&answer["s"]["doc_count"], &answer["s"]["bg_count"]), (&json!(3), &json!(5)));
    assert_eq!(shown(&answer["s"]), r#""cart" 2"#);
    assert_eq!(answer["s"]["buckets"][0]["bg_count"], json!(3));
    assert_eq!(shown(&answer["by"]["buckets"][0]["s"]), r#""till" 1"#);
    assert_eq!(shown(&answer["by"]["buckets"][1]["s"]), r#""cart" 1"#);
    let of_cart = json!({"field": "service", "min_doc_count": 1, "background_filter": {"term": {"service": "cart"}}, "percentage": {}});
    let answer = bench.ask(body(of_cart)).await.unwrap()["aggregations"]["s"].clone();
    assert_eq!(answer["bg_count"], json!(3));
    bench.refuses(body(json!({"field": "service", "chi_square": {}})), "[chi_square] is not there").await;
}

#[tokio::test]
async fn spans_are_as_wide_as_it_takes() {
    let bench = Bench::new().await;
    let answer = bench
        .aggregates(json!({
            "few": {"auto_date_histogram": {"field": "@timestamp", "buckets": 3}, "aggs": {"points": {"sum": {"field": "points"}}}},
            "made": {"auto_date_histogram": {"field": "account_created_at", "missing": "2026-11-20T10:00:00Z"}},
            "none": {"auto_date_histogram": {"field": "account_created_at", "minimum_interval": "day"}},
        }))
        .await;
    assert_eq!(answer["few"]["interval"], json!("1h"));
    let few: Vec<u64> = counts(&answer["few"]).into_iter().map(|(_, count)| count).collect();
    assert_eq!(few, [3, 1, 1]);
    assert_eq!(answer["few"]["buckets"][0]["key_as_string"], json!("2026-11-23T10:00:00.000Z"));
    assert_eq!(answer["few"]["buckets"][0]["points"]["value"], json!(15.0));
    assert_eq!(counts(&answer["made"]), [(json!(1_795_168_800_000_i64), 5)]);
    assert_eq!(answer["none"], json!({"buckets": [], "interval": "1d"}));
    let below = json!({"auto_date_histogram": {"field": "@timestamp"}});
    let below = json!({"size": 0, "aggs": {"t": {"terms": {"field": "level"}, "aggs": {"h": below}}}});
    bench.refuses(below, "it within another aggregation").await;
}

#[tokio::test]
async fn a_sample_is_the_newest_events_of_the_search() {
    let bench = Bench::new().await;
    let below = json!({"points": {"sum": {"field": "points"}}, "levels": {"terms": {"field": "level"}}});
    let sample = |settings: Json| json!({"s": {"sampler": settings, "aggs": below.clone()}});
    let check = async |settings: Json, expected: (u64, f64, &str)| {
        let answer = bench.aggregates(sample(settings)).await["s"].clone();
        let found = (answer["doc_count"].as_u64(), answer["points"]["value"].as_f64(), shown(&answer["levels"]));
        assert_eq!(found, (Some(expected.0), Some(expected.1), expected.2.to_owned()), "{answer}");
    };
    check(json!({"shard_size": 2}), (2, 6.0, r#""INFO" 1, "WARN" 1"#)).await;
    check(json!({"shard_size": 5}), (5, 21.0, r#""ERROR" 2, "INFO" 2, "WARN" 1"#)).await;
    check(json!({}), (5, 21.0, r#""ERROR" 2, "INFO" 2, "WARN" 1"#)).await;
    let of_cart = json!({"size": 0, "query": {"term": {"service": "cart"}}, "aggs": sample(json!({"shard_size": 2}))});
    let answer = bench.ask(of_cart).await.unwrap();
    assert_eq!(shown(&answer["aggregations"]["s"]["levels"]), r#""ERROR" 1, "WARN" 1"#);
    let refused = |settings: Json| json!({"size": 0, "aggs": sample(settings)});
    bench.refuses(refused(json!({"shard_size": 0})), "must be from 1 to 10000, found 0").await;
    bench.refuses(refused(json!({"max_docs_per_value": 1})), "[max_docs_per_value] is not there").await;
    let within = json!({"size": 0, "aggs": {"t": {"terms": {"field": "level"}, "aggs": sample(json!({}))}}});
    bench.refuses(within, "it within another aggregation").await;
}

#[tokio::test]
async fn what_no_sketch_could_be_made_by_is_refused() {
    let bench = Bench::new().await;
    let check = async |kind: &str, settings: Json, words: &str| {
        let mut settings = settings;
        settings["field"] = json!("points");
        bench.refuses(json!({"size": 0, "aggs": {"a": {kind: settings}}}), words).await;
    };
    check("cardinality", json!({"precision_threshold": -1}), "or equal to 0. Found [-1] in [a]").await;
    check("median_absolute_deviation", json!({"compression": 0}), "[compression] must be greater than 0").await;
    check("percentiles", json!({"tdigest": {"compression": -1}}), "Found [-1.0] in [a]").await;
    check("percentiles", json!({"hdr": {"number_of_significant_value_digits": 6}}), "must be between 0 and 5").await;
    check("percentiles", json!({"hdr": {"number_of_significant_value_digits": null}}), "must be between 0 and 5").await;
    check("percentiles", json!({"percents": []}), "must have a number from 0 to 100 at least").await;
    let fine = json!({"a": {"cardinality": {"field": "points", "precision_threshold": 40_000}}});
    assert_eq!(bench.aggregates(fine).await["a"]["value"], 3);
}

#[tokio::test]
async fn pairs_alone_and_values_that_others_stand_for_are_counted() {
    let bench = Bench::new().await;
    let filters = json!({"till": {"term": {"service": "till"}}, "error": {"term": {"level": "error"}}});
    let answer = bench
        .aggregates(json!({
            "pairs": {"adjacency_matrix": {"filters": filters, "show_only_intersecting": true}},
            "without": {"missing": {"field": "amount"}},
            "stood_for": {"missing": {"field": "amount", "missing": 1}},
        }))
        .await;
    assert_eq!(shown(&answer["pairs"]), r#""error&till" 1"#);
    assert_eq!((&answer["without"]["doc_count"], &answer["stood_for"]["doc_count"]), (&json!(2), &json!(0)));
}

#[tokio::test]
async fn formulas_of_buckets_are_worked_out_and_choose_among_them() {
    let bench = Bench::new().await;
    let below = json!({
        "errors": {"filter": {"term": {"level": "error"}}},
        "points": {"sum": {"field": "points"}},
        "share": {"bucket_script": {
            "buckets_path": {"errors": "errors>_count", "all": "_count"},
            "script": {"source": "params.errors / params.all * params.scale", "lang": "painless", "params": {"scale": 100}},
        }},
        "twice": {"bucket_script": {"buckets_path": "share", "script": "_value * 2"}},
    });
    let services = |more: Json| {
        let mut below = below.clone();
        below.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"services": {"terms": {"field": "service"}, "aggs": below}, "mean": {"avg_bucket": {"buckets_path": "services>share"}}})
    };
    let answer = bench.aggregates(services(json!({}))).await;
    let shares = |answer: &Json| -> Vec<(Json, Json, Json)> {
        let buckets = answer["services"]["buckets"].as_array().unwrap();
        buckets
            .iter()
            .map(|one| (one["key"].clone(), one["share"]["value"].clone(), one["twice"]["value"].clone()))
            .collect()
    };
    let third = 1.0 / 3.0 * 100.0;
    let cart = (json!("cart"), json!(third), json!(third * 2.0));
    let till = (json!("till"), json!(50.0), json!(100.0));
    assert_eq!(shares(&answer), [cart.clone(), till.clone()]);
    assert_eq!(answer["mean"]["value"], json!((third + 50.0) / 2.0));
    let select =
        |script: &str| json!({"chosen": {"bucket_selector": {"buckets_path": {"s": "share"}, "script": script}}});
    let answer = bench.aggregates(services(select("params.s > 40"))).await;
    assert_eq!((shares(&answer), &answer["mean"]["value"]), (vec![till], &json!(50.0)));
    assert_eq!(shares(&bench.aggregates(services(select("params.s < 0"))).await), []);
    let first = json!({"first": {"bucket_sort": {"sort": [{"share": "desc"}], "size": 1}},
        "chosen": {"bucket_selector": {"buckets_path": {"s": "share"}, "script": "params.s < 40"}}});
    assert_eq!(shares(&bench.aggregates(services(first)).await), [cart], "chosen before they are cut off");
    let refused = |aggs: Json| json!({"size": 0, "aggs": aggs});
    bench.refuses(refused(services(select("params.s"))), "must say yes or no").await;
    bench.refuses(refused(services(select("params.other > 1"))), "knows no \"other\"").await;
    let alone = json!({"s": {"bucket_script": {"buckets_path": "points", "script": "1"}}, "points": {"sum": {"field": "points"}}});
    bench.refuses(refused(alone), "must lie within an aggregation that has buckets").await;
}
