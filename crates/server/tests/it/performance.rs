//! Performance and the shop's analytics over HTTP: the shapes that clients read, and what is refused.

use serde_json::{Value as Json, json};

use crate::shop::Shop;

async fn shop() -> Shop {
    let request = |seconds_ago: i64, took_ms: f64, status: u16| {
        Shop::event(
            seconds_ago,
            &json!({"log_type": "performance", "service": "web", "method": "GET", "endpoint": "/cart",
            "status_code": status, "response_time_ms": took_ms, "db_query_type": "select", "db_query_time_ms": took_ms / 10.0,
            "cache_hit": true}),
        )
    };
    let payment = |seconds_ago: i64, status: &str, amount: f64| {
        Shop::event(
            seconds_ago,
            &json!({"log_type": "transaction", "status": status, "amount": amount, "currency": "EUR",
            "payment_method": "card", "product_id": "p1", "geo": {"country": "FR"}, "session_id": "s1"}),
        )
    };
    Shop::with(&[
        request(100, 100.0, 200),
        request(200, 300.0, 500),
        request(3_700, 50.0, 200),
        payment(300, "completed", 20.5),
        payment(400, "failed", 10.0),
        payment(3_800, "completed", 1.0),
        Shop::event(500, &json!({"log_type": "error", "level": "ERROR", "error_type": "Timeout"})),
        Shop::event(600, &json!({"log_type": "user_behavior", "action": "add_to_cart", "session_id": "s1"})),
    ])
    .await
}

const HOUR: &str = "from=now-1h&to=now";

#[tokio::test]
async fn performance_is_answered_with_the_period_before() {
    let shop = shop().await;
    let metrics = shop.get(&format!("/api/performance/metrics?{HOUR}")).await.json();
    assert_eq!(
        (&metrics["requests"], &metrics["error_count"], &metrics["error_rate"]),
        (&json!(2), &json!(1), &json!(0.5))
    );
    assert_eq!((&metrics["response_time"]["avg_ms"], &metrics["previous"]["requests"]), (&json!(200.0), &json!(1)));
    assert_eq!(metrics["response_time"]["percentiles"]["p50"], 200.0);
    assert_eq!((&metrics["services"][0]["service"], &metrics["services"][0]["impact"]), (&json!("web"), &json!(1.0)));
    assert_eq!(metrics["cache"], json!({"hits": 2, "misses": 0, "hit_rate": 1.0}));
    assert_eq!(metrics["requests_per_second"], 2.0 / 3_600.0);

    let times = shop.get(&format!("/api/performance/api-response-times?{HOUR}&limit=1")).await.json();
    let line = &times["by_endpoint"][0];
    assert_eq!((&line["endpoint"], &line["method"], &line["requests"]), (&json!("/cart"), &json!("GET"), &json!(2)));
    assert_eq!((&times["endpoint_count"], &times["other_requests"]), (&json!(1), &json!(0)));

    let database = shop.get(&format!("/api/performance/database-latency?{HOUR}")).await.json();
    assert_eq!((&database["by_type"][0]["name"], &database["query_time"]["max_ms"]), (&json!("select"), &json!(30.0)));
    assert_eq!(database["slow_queries"][0]["query_time_ms"], 30.0);
    assert_eq!(database["slow_queries"][0]["_source"]["response_time_ms"], 300);

    let heatmap = shop.get(&format!("/api/performance/heatmap?{HOUR}")).await.json();
    let cells = heatmap["columns"].as_array().unwrap().iter().flat_map(|column| column["counts"].as_array().unwrap());
    assert_eq!(cells.map(|count| count.as_u64().unwrap()).sum::<u64>(), 2);

    let none = shop.get(&format!("/api/performance/metrics?{HOUR}&service=nobody")).await.json();
    assert_eq!((&none["requests"], &none["response_time"]["avg_ms"]), (&json!(0), &Json::Null));
    shop.get("/api/performance/metrics?query=level:").await.assert_problem(400);
    shop.get("/api/performance/heatmap?from=soon").await.assert_problem(400);
    shop.get("/api/performance/api-response-times?limit=0").await.assert_problem(422);
    shop.get("/api/performance/database-latency?limit=1001").await.assert_problem(422);
}

#[tokio::test]
async fn the_shop_is_answered_in_spans_of_time() {
    let shop = shop().await;
    let hour = "start_date=now-1h&end_date=now";
    let payments = shop.get(&format!("/api/analytics/transactions?{hour}")).await.json();
    assert_eq!((&payments["current"]["count"], &payments["current"]["failure_rate"]), (&json!(2), &json!(0.5)));
    let money = json!([{"currency": "EUR", "count": 1, "amount": 20.5, "average": 20.5}]);
    assert_eq!((&payments["current"]["revenue"], &payments["granularity"]), (&money, &json!("hourly")));
    assert_eq!(payments["transaction_status"], json!({"completed": 1, "failed": 1}));
    assert_eq!(payments["payment_methods"][0]["method"], "card");
    // None failed before, so that all that failed is at risk.
    assert_eq!(payments["revenue_at_risk"], json!([{"currency": "EUR", "amount": 10.0}]));
    let counted = payments["timeline"].as_array().unwrap().iter().map(|point| point["count"].as_u64().unwrap());
    assert_eq!(counted.sum::<u64>(), 2);

    let errors = shop.get(&format!("/api/analytics/errors?{hour}")).await.json();
    assert_eq!(errors["new_types"], json!([{"name": "Timeout", "count": 1}]));
    let visits = shop.get(&format!("/api/analytics/user-behavior?{hour}")).await.json();
    assert_eq!(visits["activities"], json!([{"name": "add_to_cart", "count": 1}]));
    assert_eq!(visits["carts"], json!({"filled": 1, "paid": 1, "abandoned": 0, "abandonment_rate": 0.0}));
    let funnel = shop.get(&format!("/api/analytics/funnel?{hour}&timezone=Europe/Paris")).await.json();
    assert_eq!((&funnel["steps"][1]["users"], &funnel["carts"]), (&json!(1), &visits["carts"]));
    let trends = shop.get(&format!("/api/analytics/trends?{hour}")).await.json();
    assert_eq!((&trends["changes"]["total_logs"], &trends["changes"]["error_count"]), (&json!(200.0), &Json::Null));
    assert_eq!(trends["changes"]["revenue"], json!([{"currency": "EUR", "change": 1_950.0}]));

    let countries = shop.get("/api/analytics/top-countries?limit=1").await.json();
    assert_eq!((&countries["countries"][0]["country"], &countries["distinct"]), (&json!("FR"), &json!(1)));
    let products = shop.get("/api/analytics/top-products").await.json();
    assert_eq!(
        (&products["products"][0]["product_id"], &products["products"][0]["purchases"]),
        (&json!("p1"), &json!(2))
    );

    shop.get("/api/analytics/transactions?granularity=yearly").await.assert_problem(422);
    shop.get("/api/analytics/funnel?timezone=Mars").await.assert_problem(422);
    shop.get("/api/analytics/errors?start_date=2000-01-01&granularity=hourly").await.assert_problem(422);
    let problem = shop.get("/api/analytics/trends?start_date=soon").await;
    problem.assert_problem(400);
    assert_eq!(problem.json()["errors"][0]["field"], "start_date");
    shop.get("/api/analytics/top-products?limit=501").await.assert_problem(422);
    shop.get("/api/analytics/user-behavior?query=level:").await.assert_problem(400);
}
