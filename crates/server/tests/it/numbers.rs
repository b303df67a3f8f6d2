//! The numbers of the overview and events over time: those that a person counts by hand.

use serde_json::{Value as Json, json};

use crate::shop::Shop;

async fn shop() -> Shop {
    let payment = |seconds_ago: i64, status: &str, amount: f64, currency: &str| {
        Shop::event(
            seconds_ago,
            &json!({"log_type": "transaction", "status": status, "amount": amount,
            "currency": currency, "service": "payment", "user_id": "u1", "level": "INFO"}),
        )
    };
    let request = |seconds_ago: i64, response_time_ms: i64, level: &str| {
        Shop::event(
            seconds_ago,
            &json!({"log_type": "performance", "service": "web", "level": level,
            "response_time_ms": response_time_ms}),
        )
    };
    Shop::with(&[
        payment(100, "completed", 10.1, "EUR"),
        payment(200, "completed", 20.2, "EUR"),
        payment(300, "completed", 5.0, "USD"),
        payment(400, "declined", 7.0, "USD"),
        request(500, 100, "INFO"),
        request(600, 300, "ERROR"),
        Shop::event(700, &json!({"log_type": "fraud", "decision": "review", "transaction_id": "t"})),
        Shop::event(800, &json!({"log_type": "user_behavior", "action": "add_to_cart", "user_id": "u2"})),
        request(3_600 + 100, 50, "FATAL"),
        payment(3_600 + 200, "completed", 1.0, "EUR"),
    ])
    .await
}

fn checked(stats: &Json) {
    let expected = json!({
        "total_logs": 8, "error_count": 1, "error_rate": 0.125, "avg_response_time_ms": 200.0,
        "p95_response_time_ms": 290.0, "active_services": 2, "transactions": 4, "completed_transactions": 3,
        "failed_transactions": 1,
        "revenue": [{"currency": "EUR", "amount": 30.3}, {"currency": "USD", "amount": 5.0}],
        "fraud_alerts": 1, "active_users": 2, "growth_percentage": 300.0,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&stats[name], value, "{name}");
    }
    let before = json!({
        "total_logs": 2, "error_count": 1, "error_rate": 0.5, "avg_response_time_ms": 50.0,
        "p95_response_time_ms": 50.0, "active_services": 2, "transactions": 1, "completed_transactions": 1,
        "failed_transactions": 0,
        "revenue": [{"currency": "EUR", "amount": 1.0}], "fraud_alerts": 0, "active_users": 1,
    });
    assert_eq!(stats["previous"], before);
    assert_eq!(stats["by_type"][0], json!({"log_type": "transaction", "count": 4}));
    assert_eq!(stats["by_level"][0], json!({"level": "INFO", "count": 5}));
}

#[tokio::test]
async fn the_dashboard_counts_what_was_sent() {
    let shop = shop().await;
    let answer = shop.get("/api/dashboard/stats?from=now-1h&to=now").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    checked(&answer.json());
    assert_eq!(shop.get("/api/dashboard/stats").await.json()["total_logs"], 10, "the last day unless said");
    shop.get("/api/dashboard/stats?from=soon").await.assert_problem(400);
    shop.get("/api/dashboard/stats?from=now&to=now-1h").await.assert_problem(422);
}

#[tokio::test]
async fn the_overview_agrees_with_the_dashboard() {
    let shop = shop().await;
    let overview = shop.get("/api/dashboard/overview?date_from=now-1h&date_to=now").await.json();
    checked(&overview["stats"]);
    for (name, total) in [("histogram", 8), ("previous_histogram", 2)] {
        assert_eq!((&overview[name]["total"], &overview[name]["interval_ms"]), (&json!(total), &json!(60_000)));
        let buckets = overview[name]["buckets"].as_array().unwrap();
        assert_eq!(buckets.iter().map(|bucket| bucket["total"].as_i64().unwrap()).sum::<i64>(), total);
    }
    assert_eq!(overview["latest_errors"][0]["_source"]["response_time_ms"], 300);
    let services = json!([
        {"service": "payment", "count": 4, "error_count": 0, "p95_response_time_ms": null},
        {"service": "web", "count": 2, "error_count": 1, "p95_response_time_ms": 290.0},
    ]);
    assert_eq!((&overview["services"], &overview["alerts"]), (&services, &json!([])));
    let funnel = json!([{"action": "view_product", "users": 0}, {"action": "add_to_cart", "users": 1},
        {"action": "checkout", "users": 0}, {"action": "paid", "users": 1}]);
    assert_eq!(overview["funnel"], funnel);
    shop.get("/api/dashboard/overview?to=soon").await.assert_problem(400);
}

#[tokio::test]
async fn events_over_time_are_counted_by_level() {
    let shop = shop().await;
    let path = "/api/analytics/logs-per-hour?from=now-1h&to=now&interval=1d";
    let histogram = shop.get(path).await.json();
    let mut levels: std::collections::BTreeMap<String, u64> = std::collections::BTreeMap::new();
    for bucket in histogram["buckets"].as_array().unwrap() {
        for (level, count) in bucket["levels"].as_object().unwrap() {
            *levels.entry(level.clone()).or_default() += count.as_u64().unwrap();
        }
    }
    assert_eq!(levels, [("ERROR", 1), ("INFO", 5), ("none", 2)].map(|(level, count)| (level.to_owned(), count)).into());
    assert_eq!((&histogram["total"], &histogram["interval_ms"]), (&json!(8), &json!(86_400_000)));
    assert_eq!(shop.get("/api/analytics/logs-per-hour?query=level:error").await.json()["total"], 1);
    assert_eq!(shop.get("/api/analytics/logs-per-hour").await.json()["interval_ms"], 3_600_000);
    assert_eq!(shop.get("/api/analytics/logs-per-hour?interval=auto").await.json()["interval_ms"], 1_800_000);
    shop.get("/api/analytics/logs-per-hour?interval=soon").await.assert_problem(400);
    shop.get("/api/analytics/logs-per-hour?interval=1s").await.assert_problem(422);
    shop.get("/api/analytics/logs-per-hour?query=level:").await.assert_problem(400);
}

#[tokio::test]
async fn the_dashboard_is_told_figure_by_figure() {
    let shop = shop().await;
    let hour = "from=now-1h&to=now";
    let kpis = shop.get(&format!("/api/dashboard/kpis?{hour}")).await.json();
    let figure = |name: &str| kpis["kpis"].as_array().unwrap().iter().find(|kpi| kpi["name"] == name).unwrap().clone();
    let total =
        json!({"name": "total_logs", "unit": "count", "value": 8.0, "previous": 2.0, "change_percentage": 300.0});
    assert_eq!((figure("total_logs"), &figure("error_rate")["value"]), (total, &json!(0.125)));
    let revenue = figure("revenue");
    assert_eq!(
        (&revenue["currency"], &revenue["value"], &revenue["previous"]),
        (&json!("EUR"), &json!(30.3), &json!(1.0))
    );
    let metrics = shop.get(&format!("/api/dashboard/metrics?{hour}")).await.json();
    assert_eq!((&metrics["avg_response_time"], &metrics["growth_percentage"]), (&json!(200.0), &json!(300.0)));
    shop.get("/api/dashboard/kpis?from=soon").await.assert_problem(400);
    shop.get("/api/dashboard/metrics?from=soon").await.assert_problem(400);
    let health = shop.get("/api/dashboard/health").await.json();
    assert_eq!((&health["status"], health["checks"].as_array().unwrap().len()), (&json!("ok"), 3));
}

#[tokio::test]
async fn charts_have_a_value_of_each_series_for_each_label() {
    let shop = shop().await;
    let sums = async |chart: &str| {
        let chart = shop.get(&format!("/api/dashboard/charts?from=now-1h&to=now&chart_type={chart}")).await.json();
        let labels = chart["labels"].as_array().unwrap().len();
        let series = chart["series"].as_array().unwrap().iter().map(|series| {
            let values = series["values"].as_array().unwrap();
            assert_eq!(values.len(), labels);
            let sum: f64 = values.iter().filter_map(Json::as_f64).sum();
            format!("{}={sum}", series["name"].as_str().unwrap())
        });
        series.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(sums("logs").await, "events=8 errors=1");
    assert_eq!(sums("").await, "events=8 errors=1");
    assert_eq!(sums("levels").await, "ERROR=1 INFO=5 none=2");
    assert_eq!(sums("log_types").await, "events=8");
    assert_eq!(sums("transactions").await, "completed=3 failed=1");
    assert!(sums("response_times").await.starts_with("avg_ms="));
    shop.get("/api/dashboard/charts?chart_type=pie").await.assert_problem(422);
    shop.get("/api/dashboard/charts?from=soon").await.assert_problem(400);
}
