//! What every route has in common, held for all of them at once.

use serde_json::json;

use crate::shop::Shop;

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
