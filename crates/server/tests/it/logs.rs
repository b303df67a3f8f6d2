//! Sending events and finding them again.

use serde_json::{Value as Json, json};

use crate::shop::Shop;

/// Events 0 (latest) to 4, ten seconds apart.
async fn five() -> Shop {
    let level = |n: i64| if n % 2 == 0 { "INFO" } else { "ERROR" };
    let fields = |n: i64| json!({"n": n, "level": level(n), "service": "cart", "message": format!("step {n} is done")});
    let events: Vec<Json> = (0..5).map(|n| Shop::event(60 + n * 10, &fields(n))).collect();
    Shop::with(&events).await
}

fn numbers(hits: &Json) -> Vec<i64> {
    hits.as_array().unwrap().iter().map(|hit| hit["_source"]["n"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn what_was_sent_is_answered_by_count_and_line() {
    let shop = Shop::new().await;
    let check = async |body: &str, status: u16, counts: [u64; 3]| {
        let answer = shop.ingest("/api/logs/ingest", body, &[]).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        let json = answer.json();
        let shown = ["accepted", "deduplicated", "rejected"].map(|name| json[name].as_u64().unwrap());
        assert_eq!((shown, json["durability"].as_str()), (counts, Some("fsync")), "{body}");
        assert_eq!(json["errors"].as_array().unwrap().len() as u64, counts[2]);
    };
    check("{\"message\":\"a\"}", 200, [1, 0, 0]).await;
    check("[{\"message\":\"a\"},{\"message\":\"b\"}]", 200, [2, 0, 0]).await;
    check("{\"message\":\"a\"}\n{broken\n{\"message\":\"b\"}\n", 207, [2, 0, 1]).await;
    check("{\"@timestamp\":\"1999-01-01\",\"message\":\"a\"}", 422, [0, 0, 1]).await;
    check("{\"_id\":\"x\"}", 200, [1, 0, 0]).await;
    check("{\"_id\":\"x\"}", 200, [0, 1, 0]).await;
    assert_eq!(shop.total().await, 6);
    let metrics = shop.app.get("/metrics").await.text();
    assert!(metrics.contains("vigie_events_accepted_total 6\n"), "{metrics}");
    assert!(metrics.contains("vigie_events_rejected_total 2\n"), "{metrics}");
}

#[tokio::test]
async fn how_events_are_read_can_be_said() {
    let shop = Shop::new().await;
    let old = "{\"@timestamp\":\"2011-12-09T12:50:00Z\",\"message\":\"a\"}";
    assert_eq!(shop.ingest("/api/logs/ingest?any_time=true&log_type=fraud", old, &[]).await.status, 200);
    let hit = &shop.get("/api/logs/recent?log_type=fraud").await.json()["logs"][0];
    assert_eq!(
        (hit["_index"].as_str(), hit["_source"]["log_type"].as_str()),
        (Some("ecommerce-logs-2011.12.09"), Some("fraud"))
    );
    let named = [("idempotency-key", "request-1")];
    let total = shop.total().await;
    let first = shop.ingest("/api/logs/ingest", "{\"message\":\"b\"}\n{broken", &named).await;
    let again = shop.ingest("/api/logs/ingest", "{\"message\":\"b\"}\n{broken", &named).await;
    assert_eq!((first.status, first.json()["accepted"].as_u64()), (207, Some(1)));
    assert_eq!((again.status, again.json()), (207, first.json()));
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    let other = shop.ingest("/api/logs/ingest", "{\"message\":\"c\"}", &named).await;
    assert_eq!((other.json()["accepted"].as_u64(), shop.total().await), (Some(1), total + 2));
    let metrics = shop.app.get("/metrics").await.text();
    assert!(metrics.contains("vigie_events_rejected_total 1\n"), "{metrics}");
}

#[tokio::test]
async fn events_of_odd_days_make_no_index() {
    let shop = Shop::new().await;
    let check = async |instant: Json, status: u16| {
        let event = json!({"@timestamp": instant, "message": "a"});
        let answer = shop.ingest("/api/logs/ingest", &event.to_string(), &[]).await;
        assert_eq!(answer.status, status, "{instant}: {}", answer.text());
    };
    for outside in [json!("1970-01-01T00:00:00Z"), json!("2200-01-01"), json!("9999-12-31T23:59:59Z")] {
        check(outside, 422).await;
    }
    assert_eq!(shop.total().await, 0);
    // No instant at all: the event is of the moment when it arrived, and says so.
    check(json!("9999-99-99"), 200).await;
    let hits = shop.get("/api/logs/recent").await.json();
    assert_eq!(hits["logs"][0]["_source"]["tags"], json!(["_dateparsefailure"]));
    assert_eq!(shop.app.ports.logs.indices(&vigie_domain::Scope::main()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    let shop = Shop::new().await;
    shop.ingest("/api/logs/ingest", "", &[]).await.assert_problem(400);
    shop.ingest("/api/logs/ingest", "%PDF-1.7", &[]).await.assert_problem(400);
    shop.ingest("/api/logs/ingest?log_type=cats", "{}", &[]).await.assert_problem(422);
    shop.ingest("/api/logs/ingest?any_time=perhaps", "{}", &[]).await.assert_problem(400);
    shop.ingest("/api/logs/ingest", "{}", &[("content-encoding", "br")]).await.assert_problem(415);
    shop.ingest("/api/logs/ingest", "{}", &[("idempotency-key", "")]).await.assert_problem(400);
    assert_eq!(shop.total().await, 0);
}

#[tokio::test]
async fn events_are_found_page_by_page() {
    let shop = five().await;
    let mut seen = Vec::new();
    let mut cursor = Json::Null;
    for pages_left in [2, 1, 0] {
        let asked = json!({"query": "service:cart", "size": 2, "cursor": cursor});
        let answer = shop.post("/api/logs/search", &asked).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let page = answer.json();
        assert_eq!((page["total"].as_u64(), page["cached"].as_bool()), (Some(5), Some(false)));
        assert!(page["took_ms"].is_u64() && page["rows_scanned"].is_u64() && page["bytes_read"].is_u64());
        seen.extend(numbers(&page["hits"]));
        cursor = page["next_cursor"].clone();
        assert_eq!(cursor.is_null(), pages_left == 0);
    }
    assert_eq!(seen, [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn a_search_is_narrowed_sorted_and_marked() {
    let shop = five().await;
    let found = async |asked: Json| {
        let answer = shop.post("/api/logs/search", &asked).await;
        assert_eq!(answer.status, 200, "{asked}: {}", answer.text());
        numbers(&answer.json()["hits"])
    };
    assert_eq!(found(json!({})).await.len(), 5);
    assert_eq!(found(json!({"filters": {"level": "ERROR"}})).await, [1, 3]);
    assert_eq!(found(json!({"filters": {"n": [0, 4], "level": null, "service": ""}})).await, [0, 4]);
    assert_eq!(found(json!({"sort": "oldest", "size": 2, "from": 1})).await, [3, 2]);
    assert_eq!(found(json!({"date_from": "now-75s", "date_to": "now"})).await, [0, 1]);
    let answer = shop.post("/api/logs/search", &json!({"query": "step n:3", "highlight": true})).await.json();
    let hit = &answer["hits"][0];
    assert_eq!(hit["highlight"]["message"][0], "\u{E000}step\u{E001} 3 is done");
    assert_eq!((&hit["_score"], hit["_source"]["log_type"].as_str()), (&Json::Null, Some("error")));
    assert!(hit["_source"]["@timestamp"].as_str().is_some() && hit["_id"].as_str().is_some());
    let plain = shop.post("/api/logs/search", &json!({"query": "step"})).await.json();
    assert_eq!(plain["hits"][0].get("highlight"), None);
}

#[tokio::test]
async fn a_wrong_search_is_refused_at_its_place() {
    let shop = Shop::new().await;
    let check = async |asked: Json, status: u16, field: &str, span: Json| {
        let answer = shop.post("/api/logs/search", &asked).await;
        answer.assert_problem(status);
        let error = answer.json()["errors"][0].clone();
        assert_eq!((error["field"].as_str(), &error["span"]), (Some(field), &span), "{asked}");
    };
    check(json!({"query": "level:error AND"}), 400, "query", json!([14, 15])).await;
    check(json!({"size": 1_001}), 422, "size", Json::Null).await;
    check(json!({"from": 10_001}), 422, "from", Json::Null).await;
    check(json!({"cursor": "nonsense"}), 400, "cursor", Json::Null).await;
    check(json!({"date_from": "soon"}), 400, "date_from", Json::Null).await;
    check(json!({"date_from": "now", "date_to": "now-1h"}), 422, "date_to", Json::Null).await;
    check(json!({"filters": {"level": {"not": "ERROR"}}}), 422, "filters.level", Json::Null).await;
    check(json!({"sort": "sideways"}), 422, "sort", Json::Null).await;
    check(json!([]), 422, "body", Json::Null).await;
}

#[tokio::test]
async fn one_event_is_shown_with_its_neighbours() {
    let shop = five().await;
    let page = shop.post("/api/logs/search", &json!({"query": "n:2"})).await.json();
    let id = page["hits"][0]["_id"].as_str().unwrap();
    assert_eq!(shop.get(&format!("/api/logs/{id}")).await.json(), page["hits"][0]);
    let context = shop.get(&format!("/api/logs/{id}/context?before=1&after=5")).await.json();
    assert_eq!((numbers(&context["before"]), numbers(&context["after"])), (vec![3], vec![1, 0]));
    assert_eq!(context["event"]["_source"]["n"], 2);
    shop.get("/api/logs/nothing").await.assert_problem(404);
    shop.get("/api/logs/nothing/context").await.assert_problem(404);
    shop.get(&format!("/api/logs/{id}/context?before=201")).await.assert_problem(422);
    shop.get(&format!("/api/logs/{id}/context?before=-1")).await.assert_problem(400);
}

#[tokio::test]
async fn senders_ids_may_hold_any_sign() {
    let shop = Shop::new().await;
    shop.ingest("/api/logs/ingest", "{\"_id\":\"order/1 ü?\",\"message\":\"a\"}", &[]).await;
    let hit = shop.get("/api/logs/order%2F1%20%C3%BC%3F").await;
    assert_eq!((hit.status, hit.json()["_id"].as_str()), (200, Some("order/1 ü?")));
}

#[tokio::test]
async fn what_is_stored_is_described() {
    let shop = Shop::with(&[
        Shop::event(20, &json!({"log_type": "error", "service": "cart"})),
        Shop::event(10, &json!({"log_type": "transaction", "service": "payment"})),
        Shop::event(5, &json!({"log_type": "error", "service": "payment"})),
    ])
    .await;
    let types = shop.get("/api/logs/types").await.json();
    assert_eq!(types["types"][0], json!({"log_type": "transaction", "count": 1}));
    assert_eq!(types["types"][1], json!({"log_type": "error", "count": 2}));
    let recent = shop.get("/api/logs/recent?limit=2").await.json();
    assert_eq!((recent["count"].as_u64(), recent["logs"].as_array().unwrap().len()), (Some(2), 2));
    let rest = shop.get(&format!("/api/logs/recent?limit=2&cursor={}", recent["next_cursor"].as_str().unwrap())).await;
    let rest = rest.json();
    assert_eq!((&rest["count"], &rest["total"], &rest["next_cursor"]), (&json!(1), &json!(3), &Json::Null));
    assert_eq!(rest["logs"][0]["_source"]["service"], "cart");
    let stats = shop.get("/api/logs/stats").await.json();
    assert_eq!((stats["total_logs"].as_u64(), &stats["by_type"]), (Some(3), &types["types"]));
    let indices = stats["indices"].as_array().unwrap();
    assert_eq!(indices.iter().map(|index| index["count"].as_u64().unwrap()).sum::<u64>(), 3);
    let day = indices[0]["day"].as_str().unwrap();
    assert_eq!(indices[0]["name"], format!("ecommerce-logs-{}", day.replace('-', ".")));
    assert!(stats["first_timestamp"].as_str() < stats["last_timestamp"].as_str());
    let services = shop.get("/api/logs/search/services?from=now-1h&to=now").await.json();
    assert_eq!(services["services"][0], json!({"service": "payment", "count": 2}));
    shop.get("/api/logs/recent?log_type=cats").await.assert_problem(422);
    shop.get("/api/logs/recent?limit=many").await.assert_problem(400);
    shop.get("/api/logs/search/services?from=soon").await.assert_problem(400);
}

#[tokio::test]
async fn a_search_is_an_address() {
    let shop = five().await;
    let found = async |query: &str| numbers(&shop.get(&format!("/api/search{query}")).await.json()["hits"]);
    assert_eq!(found("?q=level:error").await, [1, 3]);
    assert_eq!(found("/?q=step&size=2&from=1").await, [1, 2]);
    assert_eq!(found("?level=INFO,ERROR&service=cart&sort=oldest&size=2").await, [4, 3]);
    assert_eq!(found("?service=till").await, [0; 0]);
    assert_eq!(found("?date_from=now-75s&date_to=now").await, [0, 1]);
    let page = shop.get("/api/search?size=3").await.json();
    let next = page["next_cursor"].as_str().unwrap();
    assert_eq!(found(&format!("?cursor={next}")).await, [3, 4]);
    shop.get("/api/search?q=level:(").await.assert_problem(400);
    shop.get("/api/search?size=5000").await.assert_problem(422);
    shop.get("/api/search?date_from=never").await.assert_problem(400);
}
