//! What is promised about performance: the numbers are those that a person counts by hand.

use serde_json::{Value as Json, json};
use vigie_domain::ErrorKind;

use super::*;
use crate::test_shop::{Shop, event};

fn last_hour() -> PerformanceInput {
    let range = AskedRange { from: Some("now-1h".into()), to: Some("now".into()), ..AskedRange::default() };
    PerformanceInput { range, ..PerformanceInput::default() }
}

fn request(seconds_ago: i64, service: &str, called: (&str, &str), status: u16, took_ms: f64) -> Json {
    let (method, endpoint) = called;
    event(
        seconds_ago,
        &json!({"log_type": "performance", "service": service, "method": method, "endpoint": endpoint,
            "status_code": status, "response_time_ms": took_ms}),
    )
}

async fn shop() -> Shop {
    Shop::with(&[
        request(10, "pay", ("POST", "/pay"), 200, 600.0),
        request(20, "pay", ("POST", "/pay"), 503, 200.0),
        request(30, "web", ("GET", "/"), 200, 50.0),
        request(40, "web", ("GET", "/"), 404, 50.0),
        request(50, "web", ("HEAD", "/"), 200, 100.0),
        event(60, &json!({"log_type": "performance", "service": "web", "level": "ERROR"})),
        // No request.
        event(70, &json!({"log_type": "transaction", "service": "pay", "response_time_ms": 9_999})),
        // The hour before.
        request(3_610, "pay", ("POST", "/pay"), 200, 100.0),
    ])
    .await
}

#[tokio::test]
async fn requests_are_measured_in_all_and_per_service() {
    let shop = shop().await;
    let metrics = shop.performance.metrics(&shop.scope, &last_hour()).await.unwrap();
    let RequestMeasures { requests, failed, response } = &metrics.current;
    assert_eq!((*requests, *failed, response.count), (6, 2, 5));
    assert_eq!((response.sum_ms, response.avg_ms), (1_000.0, Some(200.0)));
    assert_eq!((response.min_ms, response.max_ms), (Some(50.0), Some(600.0)));
    assert_eq!(response.percentiles[0], (50.0, Some(100.0)));
    assert!((metrics.current.error_rate() - 2.0 / 6.0).abs() < 1e-12);
    assert_eq!((metrics.previous.requests, metrics.previous.response.avg_ms), (1, Some(100.0)));
    let services: Vec<_> = metrics
        .services
        .iter()
        .map(|line| (line.service.as_str(), line.current.requests, line.impact, line.previous.is_some()))
        .collect();
    assert_eq!(services, [("pay", 2, 0.8, true), ("web", 4, 0.2, false)]);
    assert_eq!(metrics.interval_ms, 60_000);
    assert_eq!(metrics.timeline.iter().map(|point| point.measures.requests).sum::<u64>(), 6);
}

#[tokio::test]
async fn endpoints_are_ranked_by_the_time_they_take() {
    let shop = shop().await;
    let answer = shop.performance.endpoints(&shop.scope, &last_hour(), 2).await.unwrap();
    let line =
        |line: &EndpointLine| format!("{} {} {}", line.method.as_deref().unwrap_or("-"), line.endpoint, line.impact);
    assert_eq!(answer.lines.iter().map(line).collect::<Vec<_>>(), ["POST /pay 0.8", "GET / 0.1"]);
    assert_eq!((answer.distinct, answer.other_requests), (2, 2));
    let before = answer.lines[0].previous.as_ref().unwrap();
    assert_eq!((before.requests, before.response.avg_ms), (1, Some(100.0)));
    let only = PerformanceInput { service: Some("web".into()), query: "status_code:404".into(), ..last_hour() };
    let answer = shop.performance.endpoints(&shop.scope, &only, 10).await.unwrap();
    assert_eq!((answer.lines.len(), answer.current.requests, answer.current.failed), (1, 1, 0));
    for limit in [0, LINES_MAX + 1] {
        let error = shop.performance.endpoints(&shop.scope, &only, limit).await.unwrap_err();
        assert_eq!((error.kind, error.details[0].field.as_str()), (ErrorKind::Invalid, "limit"));
    }
}

fn query(seconds_ago: i64, kind: &str, took_ms: f64) -> Json {
    event(
        seconds_ago,
        &json!({"log_type": "performance", "service": "catalog", "db_query_type": kind, "db_query_time": took_ms,
            "cache_hit": kind == "select"}),
    )
}

#[tokio::test]
async fn databases_are_measured_and_the_slowest_queries_shown() {
    let shop = Shop::with(&[
        query(10, "select", 5.0),
        query(20, "select", 15.0),
        query(30, "update", 80.0),
        query(40, "update", 80.0),
        query(50, "update", 80.0),
        event(60, &json!({"log_type": "performance", "cache_hit": true})),
        query(3_700, "select", 1.0),
    ])
    .await;
    let answer = shop.performance.database(&shop.scope, &last_hour(), 2).await.unwrap();
    let lines: Vec<_> =
        answer.by_type.iter().map(|line| (line.name.as_str(), line.current.sum_ms, line.previous.is_some())).collect();
    assert_eq!(lines, [("update", 240.0, false), ("select", 20.0, true)]);
    assert_eq!((answer.current.count, answer.previous.count), (5, 1));
    assert_eq!(
        (answer.cache, answer.previous_cache),
        (CacheUse { hits: 3, misses: 3 }, CacheUse { hits: 1, misses: 0 })
    );
    assert_eq!((answer.cache.hit_rate(), CacheUse::default().hit_rate()), (Some(0.5), None));
    assert_eq!(answer.timeline.iter().map(|(_, durations)| durations.count).sum::<u64>(), 5);
    // Three took as long as the second slowest: the newest two of them.
    let slow = |answer: &DatabaseLatency| {
        answer.slow_queries.iter().map(|slow| (slow.query_time_ms, slow.hit.position.timestamp)).collect::<Vec<_>>()
    };
    let at = |seconds_ago: i64| crate::test_shop::NOW.saturating_add_nanos(-seconds_ago * NANOS_PER_SECOND);
    assert_eq!(slow(&answer), [(80.0, at(30)), (80.0, at(40))]);
    let all = shop.performance.database(&shop.scope, &last_hour(), 50).await.unwrap();
    assert_eq!(slow(&all).iter().map(|(took_ms, _)| *took_ms).collect::<Vec<_>>(), [80.0, 80.0, 80.0, 15.0, 5.0]);
}

#[tokio::test]
async fn the_slowest_are_found_among_many() {
    // Durations 0 to 499 in an order of their own; whatever the limit, the slowest come first and none is left out.
    let queries: Vec<Json> = (0..500_i32).map(|n| query(i64::from(n) + 1, "select", f64::from(n * 7 % 500))).collect();
    let shop = Shop::with(&queries).await;
    for limit in [1_u16, 2, 3, 7, 50, 499, 500, 501] {
        let answer = shop.performance.database(&shop.scope, &last_hour(), usize::from(limit)).await.unwrap();
        let slow: Vec<f64> = answer.slow_queries.iter().map(|slow| slow.query_time_ms).collect();
        let expected: Vec<f64> = (0..limit.min(500)).map(|rank| f64::from(499 - rank)).collect();
        assert_eq!(slow, expected, "the {limit} slowest");
    }
}

#[tokio::test]
async fn response_times_are_spread_over_cells() {
    let shop = shop().await;
    let heatmap = shop.performance.heatmap(&shop.scope, &last_hour()).await.unwrap();
    let mut cells = vec![0; heatmap.bounds_ms.len()];
    for column in &heatmap.columns {
        assert_eq!(column.counts.len(), cells.len());
        column.counts.iter().zip(&mut cells).for_each(|(count, sum)| *sum += count);
    }
    let counted: Vec<(u32, u64)> =
        heatmap.bounds_ms.iter().copied().zip(cells).filter(|(_, count)| *count > 0).collect();
    assert_eq!(counted, [(50, 2), (100, 1), (200, 1), (500, 1)]);
}

#[tokio::test]
async fn a_shop_without_requests_has_no_invented_numbers() {
    let shop = Shop::new();
    let metrics = shop.performance.metrics(&shop.scope, &PerformanceInput::default()).await.unwrap();
    assert_eq!(
        (metrics.current.requests, metrics.current.error_rate(), metrics.current.response.avg_ms),
        (0, 0.0, None)
    );
    assert!(metrics.services.is_empty() && metrics.timeline.is_empty());
    assert_eq!(metrics.range.length_nanos(), 3_600 * NANOS_PER_SECOND);
    let database = shop.performance.database(&shop.scope, &PerformanceInput::default(), LINES_DEFAULT).await.unwrap();
    assert!(database.slow_queries.is_empty() && database.by_type.is_empty());
    let wrong = PerformanceInput { query: "level:".into(), ..PerformanceInput::default() };
    assert_eq!(shop.performance.metrics(&shop.scope, &wrong).await.unwrap_err().kind, ErrorKind::Malformed);
}
