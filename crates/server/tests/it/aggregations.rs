//! Questions about the events that match: each kind, buckets within buckets, and what is refused at its place.

use serde_json::{Value as Json, json};
use vigie_app::accounts::Role;

use crate::app::TestApp;
use crate::shop::Shop;

const PATH: &str = "/api/search/aggregate";

fn event(time: &str, fields: &Json) -> Json {
    let mut event = json!({"@timestamp": format!("2026-11-23T{time}Z")});
    event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    event
}

async fn shop() -> Shop {
    let payment = |time: &str, method: &str, amount: f64, user: &str| {
        event(
            time,
            &json!({"log_type": "transaction", "payment_method": method, "amount": amount, "user_id": user, "level": "INFO"}),
        )
    };
    let shop = Shop::new().await;
    let events = [
        payment("10:00:00", "card", 10.25, "u1"),
        payment("10:30:00", "card", 20.5, "u2"),
        payment("12:00:00", "paypal", 5.0, "u1"),
        event("12:10:00", &json!({"log_type": "performance", "response_time_ms": 100, "level": "INFO"})),
        event("12:20:00", &json!({"log_type": "performance", "response_time_ms": 300, "level": "ERROR"})),
    ];
    let answer = shop.ingest("/api/logs/ingest?any_time=true", &crate::shop::lines(&events), &[]).await;
    assert_eq!(answer.json()["accepted"], 5, "{}", answer.text());
    shop
}

/// The answers to these questions about every event.
async fn asked(shop: &Shop, aggregations: &Json) -> Json {
    let answer = shop.post(PATH, &json!({"aggregations": aggregations})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["aggregations"].clone()
}

#[tokio::test]
async fn viewers_may_ask_and_nobody_else_unnamed() {
    let app = TestApp::new();
    app.post(PATH, &json!({})).await.assert_problem(401);
    let authorization = format!("Bearer {}", app.token(Role::Viewer).await);
    let answer = app.post_with(PATH, &json!({}), &[("authorization", &authorization)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!((&answer.json()["total"], &answer.json()["aggregations"]), (&json!(0), &json!({})));
}

#[tokio::test]
async fn values_are_counted_with_numbers_about_each() {
    let shop = shop().await;
    let questions = json!({"methods": {"terms": {"field": "payment_method", "size": 1}, "aggregations": {
        "amounts": {"stats": {"field": "amount"}}, "users": {"cardinality": {"field": "user.id"}},
    }}});
    let expected = json!({"methods": {"other_count": 1, "buckets": [{"key": "card", "count": 2, "aggregations": {
        "amounts": {"count": 2, "sum": 30.75, "min": 10.25, "max": 20.5, "avg": 15.375}, "users": {"value": 2},
    }}]}});
    assert_eq!(asked(&shop, &questions).await, expected);
}

#[tokio::test]
async fn spans_of_time_are_counted_empty_ones_too() {
    let shop = shop().await;
    let spans = async |histogram: Json| {
        let answer = asked(&shop, &json!({"over_time": {"date_histogram": histogram}})).await;
        let buckets = answer["over_time"]["buckets"].as_array().unwrap().clone();
        let span = |bucket: &Json| {
            let start = bucket["key_as_string"].as_str().unwrap()[11..16].to_owned();
            (start, bucket["count"].as_u64().unwrap())
        };
        (buckets[0]["key"].clone(), buckets.iter().map(span).collect::<Vec<_>>())
    };
    let hours = |counts: &[(&str, u64)]| counts.iter().map(|(start, count)| ((*start).to_owned(), *count)).collect();
    let (first, counts): (Json, Vec<(String, u64)>) = spans(json!({"interval": "1h"})).await;
    assert_eq!((first, counts), (json!(1_795_428_000_000_i64), hours(&[("10:00", 2), ("11:00", 0), ("12:00", 3)])));
    let (_, counts) = spans(json!({"interval": "1h", "offset": "-45m"})).await;
    assert_eq!(counts, hours(&[("09:15", 1), ("10:15", 1), ("11:15", 2), ("12:15", 1)]));
}

#[tokio::test]
async fn queries_share_a_question_and_numbers_are_ranked() {
    let shop = shop().await;
    let questions = json!({
        "kinds": {"filters": {"slow": "response_time_ms>200", "paid": "log_type:transaction", "none": "level:fatal"}},
        "times": {"percentiles": {"field": "response_time", "percents": [50, 95]}},
        "nothing": {"percentiles": {"field": "cpu_percent", "percents": [50]}},
    });
    let expected = json!({
        "kinds": {"other_count": 0, "buckets": [
            {"key": "slow", "count": 1}, {"key": "paid", "count": 3}, {"key": "none", "count": 0},
        ]},
        "times": {"percentiles": [{"percent": 50.0, "value": 200.0}, {"percent": 95.0, "value": 290.0}]},
        "nothing": {"percentiles": [{"percent": 50.0, "value": null}]},
    });
    assert_eq!(asked(&shop, &questions).await, expected);
}

#[tokio::test]
async fn query_filters_and_range_say_which_events() {
    let shop = shop().await;
    let total = async |body: Json| shop.post(PATH, &body).await.json()["total"].as_u64();
    assert_eq!(total(json!({})).await, Some(5));
    assert_eq!(total(json!({"query": "amount>6"})).await, Some(2));
    assert_eq!(total(json!({"filters": {"level": ["INFO"], "payment_method": ""}})).await, Some(4));
    let range = json!({"date_from": "2026-11-23T10:30:00Z", "date_to": "2026-11-23T12:10:00Z"});
    assert_eq!(total(range).await, Some(2));
    let nested = json!({"date_from": "2026-11-23T10:00:00Z", "date_to": "2026-11-23T13:00:00Z", "aggregations": {
        "levels": {"terms": {"field": "level"}, "aggregations": {"hours": {"date_histogram": {"interval": "1h"}}}}}});
    let answer = shop.post(PATH, &nested).await.json();
    assert_eq!(answer["aggregations"]["levels"]["buckets"][1]["aggregations"]["hours"]["buckets"][0]["count"], 1);
    assert!(["took_ms", "rows_scanned", "bytes_read"].iter().all(|name| answer[name].is_u64()), "{answer}");
}

#[tokio::test]
async fn what_is_no_question_is_refused_at_its_place() {
    let shop = Shop::new().await;
    let check = async |aggregations: Json, status: u16, place: &str| {
        let answer = shop.post(PATH, &json!({"aggregations": aggregations})).await;
        answer.assert_problem(status);
        let problem = answer.json();
        assert_eq!(problem["errors"][0]["field"], place, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(place), "{problem}");
    };
    check(json!({"a": 5}), 422, "aggregations.a").await;
    check(json!({"a": {}}), 422, "aggregations.a").await;
    check(json!({"a": {"tems": {"field": "level"}}}), 422, "aggregations.a").await;
    check(json!({"a": {"stats": {"field": "n"}, "terms": {"field": "n"}}}), 422, "aggregations.a").await;
    check(json!({"a": {"terms": {"fild": "level"}}}), 422, "aggregations.a.terms").await;
    check(json!({"a": {"terms": {"field": "level", "size": -1}}}), 422, "aggregations.a.terms").await;
    check(json!({"a": {"filters": {"f": 5}}}), 422, "aggregations.a.filters.f").await;
    check(json!({"a": {"filters": {"f": "level:"}}}), 400, "aggregations.a.filters.f").await;
    check(json!({"a": {"date_histogram": {"interval": "soon"}}}), 400, "aggregations.a.date_histogram.interval").await;
    let below = json!({"a": {"terms": {"field": "level"}, "aggregations": {"b": {"percentiles": {"field": "n", "percents": [101]}}}}});
    check(below, 422, "aggregations.a.aggregations.b.percentiles.percents").await;
    shop.post(PATH, &json!({"agregations": {}})).await.assert_problem(422);
    shop.post(PATH, &json!({"query": "level:"})).await.assert_problem(400);
    shop.post(PATH, &json!({"date_from": "soon"})).await.assert_problem(400);
    shop.post(PATH, &json!({"filters": {"level": {"is": "INFO"}}})).await.assert_problem(422);
    shop.post(PATH, &json!([])).await.assert_problem(422);
}
