//! What every route has in common, held for all of them at once.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value as Json, json};
use vigie_app::accounts::Role;
use vigie_server::http::{all_routes, openapi};

use crate::app::{TestApp, request};
use crate::shop::Shop;

#[tokio::test]
async fn every_answer_of_every_route_carries_its_id_and_timing() {
    let app = TestApp::new();
    let bearer = format!("Bearer {}", app.token(Role::Admin).await);
    for route in &app.table {
        let path = route.path.replace(['{', '}'], "");
        for headers in [vec![("x-request-id", "req-7")], vec![("x-request-id", "req-7"), ("authorization", &bearer)]] {
            let answer = app.send(request(route.method.clone(), &path, &headers, Body::empty())).await;
            let shown = format!("{} {path} {}", route.method, answer.status);
            assert_eq!(answer.header("x-request-id"), "req-7", "{shown}");
            assert!(answer.header("server-timing").starts_with("app;dur="), "{shown}");
            // Of some things that clients ask for, the status alone says that they are not there.
            if answer.status >= 400 && answer.text() != "{}" {
                answer.assert_refusal(&path, answer.status);
            }
        }
        let trace = app.send(request(Method::TRACE, &path, &[], Body::empty())).await;
        trace.assert_refusal(&path, 405);
        assert!(trace.header("allow").contains(route.method.as_str()), "{path}");
    }
}

#[test]
fn everything_that_deletes_can_say_what_it_would_do() {
    let document: Json = serde_json::from_str(&openapi::document_text(&all_routes()).unwrap()).unwrap();
    let mut deleting = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(operation) = item.get("delete") else { continue };
        let parameters = operation["parameters"].as_array().unwrap();
        assert!(parameters.iter().any(|parameter| parameter["name"] == "dry_run"), "DELETE {path} has no dry_run");
        deleting += 1;
    }
    assert!(deleting > 0);
}

#[tokio::test]
async fn who_cannot_answer_says_when_to_come_back() {
    let app = TestApp::new();
    app.state.readiness.stop();
    for path in ["/readyz", "/health"] {
        let answer = app.get(path).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, "5"), "{path}");
    }
}

#[tokio::test]
async fn every_range_holds_its_first_instant_and_not_its_last() {
    let shop = Shop::new().await;
    let at = |time: &str, n: u32| json!({"@timestamp": time, "n": n, "service": "cart", "level": "INFO"});
    let events = [at("2026-11-20T10:00:00Z", 0), at("2026-11-20T10:30:00Z", 1), at("2026-11-20T11:00:00Z", 2)];
    let sent = shop.ingest("/api/logs/ingest?any_time=true", &crate::shop::lines(&events), &[]).await;
    assert_eq!(sent.json()["accepted"], 3);
    // The same hour in every form.
    let forms = [
        ("2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z"),
        ("2026-11-20T11:00:00%2B01:00", "2026-11-20T12:00:00%2B01:00"),
        ("2026-11-20%2010:00", "2026-11-20%2011:00"),
        ("1795168800", "1795172400"),
        ("1795168800000", "1795172400000"),
    ];
    for (from, to) in forms {
        for (from_name, to_name) in [("from", "to"), ("date_from", "date_to")] {
            let range = format!("{from_name}={from}&{to_name}={to}");
            let count = async |path: &str, place: &str| {
                let answer = shop.get(&format!("{path}{range}")).await;
                assert_eq!(answer.status, 200, "{path}{range}: {}", answer.text());
                answer.json().pointer(place).cloned()
            };
            assert_eq!(count("/api/dashboard/stats?", "/total_logs").await, Some(json!(2)), "{range}");
            assert_eq!(count("/api/analytics/logs-per-hour?", "/total").await, Some(json!(2)), "{range}");
            assert_eq!(count("/api/logs/search/services?", "/services/0/count").await, Some(json!(2)), "{range}");
            assert_eq!(count("/api/search/values?field=n&", "/total").await, Some(json!(2)), "{range}");
        }
        let plain = |text: &str| text.replace("%20", " ").replace("%2B", "+");
        let search = shop.post("/api/logs/search", &json!({"date_from": plain(from), "date_to": plain(to)})).await;
        assert_eq!(search.json()["total"], 2, "{from}: {}", search.text());
    }
    let numbers = json!({"date_from": 1_795_168_800, "date_to": 1_795_172_400_000_u64});
    assert_eq!(shop.post("/api/logs/search", &numbers).await.json()["total"], 2);
}

#[tokio::test]
async fn searches_say_what_they_cost() {
    let shop = Shop::with(&[Shop::event(20, &json!({"service": "cart", "level": "INFO"}))]).await;
    let check = |answer: Json| {
        for field in ["took_ms", "rows_scanned", "bytes_read"] {
            assert!(answer[field].is_u64(), "{field}: {answer}");
        }
        assert_eq!(answer["cached"], false);
    };
    check(shop.post("/api/logs/search", &json!({})).await.json());
    check(shop.get("/api/search/values?field=level").await.json());
}

#[tokio::test]
async fn every_wrong_parameter_is_named() {
    let shop = Shop::new().await;
    let check = async |path: &str, status: u16, field: &str| {
        let answer = shop.get(path).await;
        answer.assert_problem(status);
        assert_eq!(answer.json()["errors"][0]["field"], field, "{path}: {}", answer.text());
    };
    check("/api/logs/recent?limit=many", 400, "limit").await;
    check("/api/logs/recent?log_type=cats", 422, "log_type").await;
    check("/api/logs/recent?limit=1001", 422, "limit").await;
    check("/api/logs/recent?cursor=nonsense", 400, "cursor").await;
    check("/api/logs/uploads/recent?limit=-1", 400, "limit").await;
    check("/api/logs/uploads/recent?limit=201", 422, "limit").await;
    check("/api/logs/uploads/recent?cursor=nonsense", 400, "cursor").await;
    check("/api/search/values", 422, "field").await;
    check("/api/search/values?field=level&limit=1001", 422, "limit").await;
    check("/api/search/values?field=level&query=level:", 400, "query").await;
    check("/api/search/fields?from=soon", 400, "from").await;
    check("/api/logs/search/services?from=now&to=now-1h", 422, "to").await;
    check("/api/dashboard/stats?date_to=never", 400, "to").await;
    check("/api/analytics/logs-per-hour?interval=often", 400, "interval").await;
    check("/api/analytics/logs-per-hour?from=1970-01-01&interval=1s", 422, "interval").await;
}

#[tokio::test]
async fn the_place_in_a_json_body_is_named() {
    let shop = Shop::new().await;
    let check = async |body: serde_json::Value, status: u16, field: &str| {
        let answer = shop.post("/api/logs/search", &body).await;
        answer.assert_problem(status);
        assert_eq!(answer.json()["errors"][0]["field"], field, "{body}: {}", answer.text());
    };
    check(json!({"size": "many"}), 422, "size").await;
    check(json!({"filters": ["level"]}), 422, "filters").await;
    check(json!({"filters": {"level": {"not": "ERROR"}}}), 422, "filters.level").await;
    check(json!("level:error"), 422, "body").await;
    let trailing = [("content-type", "application/json")];
    let answer = shop.ingest("/api/logs/search", "{} {}", &trailing).await;
    answer.assert_problem(400);
    assert_eq!(answer.json()["errors"][0]["field"], "body");
}
