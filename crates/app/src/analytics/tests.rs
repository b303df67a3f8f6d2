//! What analytics promises: the numbers are those that a person counts by hand.

use serde_json::{Value as Json, json};
use vigie_domain::ErrorKind;

use super::*;
use crate::test_shop::{NOW, Shop, event};

const HOUR_S: i64 = 3_600;

fn last_hour() -> AskedRange {
    AskedRange { from: Some("now-1h".into()), to: Some("now".into()), ..AskedRange::default() }
}

fn payment(seconds_ago: i64, status: &str, amount: &str, currency: Option<&str>) -> Json {
    let amount: Json = serde_json::from_str(amount).unwrap();
    let mut fields = json!({"log_type": "transaction", "status": status, "amount": amount, "service": "payment",
        "user_id": "u1", "level": "INFO"});
    if let Some(currency) = currency {
        fields["currency"] = json!(currency);
    }
    event(seconds_ago, &fields)
}

fn request(seconds_ago: i64, service: &str, response_time_ms: i64, level: &str) -> Json {
    event(
        seconds_ago,
        &json!({"log_type": "performance", "service": service, "level": level,
        "response_time_ms": response_time_ms, "endpoint": "/cart"}),
    )
}

fn action(seconds_ago: i64, user: &str, action: &str) -> Json {
    event(seconds_ago, &json!({"log_type": "user_behavior", "action": action, "user_id": user}))
}

fn sums(amounts: &[Money]) -> String {
    amounts.iter().map(|money| format!("{}={}", money.currency, money.sum)).collect::<Vec<_>>().join(" ")
}

/// An hour of which every number is known, and the hour before.
fn two_hours() -> Vec<Json> {
    vec![
        // The last hour: 4 payments, 4 requests, 5 actions, 3 judgements; 16 events.
        payment(10, "completed", "10.10", Some("EUR")),
        payment(20, "completed", "20.20", Some("eur")),
        payment(30, "completed", "5", Some("USD")),
        payment(40, "failed", "99", Some("EUR")),
        request(50, "web", 100, "INFO"),
        request(60, "web", 200, "ERROR"),
        request(70, "cart", 300, "FATAL"),
        request(80, "cart", 400, "WARN"),
        action(90, "u1", "view_product"),
        action(91, "u2", "product_view"),
        action(92, "u2", "view_product"),
        action(93, "u2", "add_to_cart"),
        action(94, "u3", "login"),
        event(95, &json!({"log_type": "fraud", "decision": "block", "fraud_score": 90})),
        event(96, &json!({"log_type": "fraud", "decision": "allow", "fraud_detected": true})),
        event(97, &json!({"log_type": "fraud", "decision": "allow", "fraud_score": 3})),
        // The hour before: 2 payments, 2 requests; 4 events.
        payment(HOUR_S + 10, "completed", "7.5", None),
        payment(HOUR_S + 20, "declined", "1", Some("EUR")),
        request(HOUR_S + 30, "web", 50, "INFO"),
        request(HOUR_S + 40, "web", 150, "ERROR"),
        // Before both.
        request(2 * HOUR_S + 10, "old", 9_999, "ERROR"),
    ]
}

#[tokio::test]
async fn the_numbers_of_a_period_are_those_counted_by_hand() {
    let shop = Shop::with(&two_hours()).await;
    let stats = shop.analytics.stats(&shop.scope, &last_hour()).await.unwrap();
    let now = &stats.current;
    assert_eq!((now.total_logs, now.error_count), (16, 2));
    assert!((now.error_rate() - 2.0 / 16.0).abs() < 1e-12);
    assert_eq!(now.avg_response_time_ms, Some(250.0));
    // Linear interpolation between 300 (rank 2) and 400 (rank 3) at rank 0.95 × 3 = 2.85.
    assert!((now.p95_response_time_ms.unwrap() - 385.0).abs() < 1e-9);
    assert_eq!((now.active_services, now.active_users), (3, 3));
    assert_eq!((now.transactions, now.failed_transactions, now.fraud_alerts), (4, 1, 2));
    assert_eq!(sums(&now.revenue), "EUR=30.3 USD=5");
    let counts = |counts: &[(String, u64)]| {
        counts.iter().map(|(name, count)| format!("{name}={count}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(counts(&now.by_type), "user_behavior=5 performance=4 transaction=4 fraud=3");
    assert_eq!(counts(&now.by_level), "INFO=5 ERROR=1 FATAL=1 WARN=1 none=8");

    let before = &stats.previous;
    assert_eq!((before.total_logs, before.error_count, before.transactions), (4, 1, 2));
    assert_eq!((before.failed_transactions, before.fraud_alerts, before.active_services), (1, 0, 2));
    assert_eq!((before.avg_response_time_ms, before.active_users), (Some(100.0), 1));
    assert_eq!(sums(&before.revenue), "XXX=7.5");
    assert_eq!(stats.growth_percentage(), Some(300.0));
    assert_eq!((stats.range.to, stats.range.length_nanos()), (NOW, HOUR_S * 1_000_000_000));
}

#[tokio::test]
async fn an_empty_shop_has_no_invented_numbers() {
    let shop = Shop::new();
    let stats = shop.analytics.stats(&shop.scope, &AskedRange::default()).await.unwrap();
    assert_eq!(stats.current, PeriodStats::default());
    assert_eq!((stats.current.error_rate(), stats.growth_percentage()), (0.0, None));
    assert_eq!(stats.range.length_nanos(), NANOS_PER_DAY);
    let overview = shop.analytics.overview(&shop.scope, &last_hour()).await.unwrap();
    assert!(overview.services.is_empty() && overview.latest_errors.is_empty());
    assert_eq!(overview.funnel.iter().map(|step| step.users).collect::<Vec<_>>(), [0, 0, 0, 0]);
    assert_eq!(overview.histogram.buckets.iter().map(|bucket| bucket.total).sum::<u64>(), 0);
}

#[tokio::test]
async fn decimal_amounts_do_not_drift() {
    let payments: Vec<Json> = (0..1_000).map(|n| payment(n + 1, "completed", "0.1", Some("EUR"))).collect();
    let shop = Shop::with(&payments).await;
    let stats = shop.analytics.stats(&shop.scope, &last_hour()).await.unwrap();
    assert_eq!(sums(&stats.current.revenue), "EUR=100");
}

#[tokio::test]
async fn the_overview_agrees_with_the_numbers() {
    let shop = Shop::with(&two_hours()).await;
    let overview = shop.analytics.overview(&shop.scope, &last_hour()).await.unwrap();
    assert_eq!(overview.stats, shop.analytics.stats(&shop.scope, &last_hour()).await.unwrap());
    assert_eq!((overview.histogram.total, overview.previous_histogram.total), (16, 4));
    assert_eq!((overview.histogram.interval_ms, overview.previous_histogram.interval_ms), (60_000, 60_000));
    for histogram in [&overview.histogram, &overview.previous_histogram] {
        assert_eq!(histogram.buckets.iter().map(|bucket| bucket.total).sum::<u64>(), histogram.total);
    }
    let services: Vec<_> = overview
        .services
        .iter()
        .map(|service| (service.service.as_str(), service.count, service.error_count, service.p95_response_time_ms))
        .collect();
    assert_eq!(services, [("payment", 4, 0, None), ("cart", 2, 1, Some(395.0)), ("web", 2, 1, Some(195.0))]);
    let steps: Vec<_> = overview.funnel.iter().map(|step| (step.action, step.users)).collect();
    assert_eq!(steps, [("view_product", 2), ("add_to_cart", 1), ("checkout", 0), ("paid", 1)]);
    assert_eq!(overview.latest_errors.len(), 2);
    assert!(overview.latest_errors[0].position > overview.latest_errors[1].position);
}

#[tokio::test]
async fn the_funnel_counts_visits_and_not_their_actions() {
    let step = |log_type: &str, fields: Json| {
        let mut event = event(30, &fields);
        event["log_type"] = json!(log_type);
        event
    };
    let view = |session: &str| step("user_behavior", json!({"action": "view_product", "session_id": session}));
    let shop = Shop::with(&[
        view("s1"),
        view("s1"),
        view("s2"),
        step("user_behavior", json!({"action": "checkout", "session_id": "s2", "user_id": "u1"})),
        step("transaction", json!({"status": "completed", "session_id": "s2", "user_id": "u1"})),
        step("transaction", json!({"status": "completed", "transaction_type": "renewal", "user_id": "u2"})),
    ])
    .await;
    let overview = shop.analytics.overview(&shop.scope, &last_hour()).await.unwrap();
    assert_eq!(overview.funnel.iter().map(|step| step.users).collect::<Vec<_>>(), [2, 0, 1, 1]);
}

fn asked(query: &str, interval: &str) -> HistogramInput {
    let range = AskedRange {
        from: Some("2026-11-23T13:00:00Z".into()),
        to: Some("2026-11-23T13:03:00Z".into()),
        ..AskedRange::default()
    };
    HistogramInput { query: query.into(), range, interval: interval.into() }
}

/// An event at 13:00:00 and so many seconds.
fn at(seconds: i64, fields: &Json) -> Json {
    event(64 * 60 + 5 - seconds, fields)
}

#[tokio::test]
async fn a_histogram_counts_every_event_once_by_level() {
    let shop = Shop::with(&[
        at(-1, &json!({"level": "INFO"})),
        at(0, &json!({"level": "INFO", "service": "a"})),
        at(59, &json!({"level": "warning", "service": "a"})),
        at(59, &json!({"service": "a"})),
        at(60, &json!({"level": "ERROR", "service": "b"})),
        at(179, &json!({"level": "INFO"})),
        at(180, &json!({"level": "INFO"})),
    ])
    .await;
    let shown = async |query: &str, interval: &str| {
        let histogram = shop.analytics.histogram(&shop.scope, &asked(query, interval)).await.unwrap();
        let buckets = histogram.buckets.iter().map(|bucket| {
            let levels: Vec<String> = bucket.levels.iter().map(|(level, count)| format!("{level}={count}")).collect();
            format!("{}:{}", bucket.total, levels.join(","))
        });
        (histogram.total, buckets.collect::<Vec<_>>())
    };
    let all = shown("", "1m").await;
    assert_eq!(all, (5, ["3:INFO=1,WARN=1,none=1", "1:ERROR=1", "1:INFO=1"].map(String::from).to_vec()));
    assert_eq!(shown("service:a", "1m").await, (3, ["3:INFO=1,WARN=1,none=1", "0:", "0:"].map(String::from).to_vec()));
    assert_eq!(shown("", "1h").await.1, ["5:ERROR=1,INFO=2,WARN=1,none=1"]);
    let histogram = shop.analytics.histogram(&shop.scope, &asked("", "1h")).await.unwrap();
    assert_eq!(histogram.buckets[0].start.to_string(), "2026-11-23T13:00:00.000Z");
    let auto = shop.analytics.histogram(&shop.scope, &asked("", "auto")).await.unwrap();
    assert_eq!((auto.interval_ms, auto.buckets.len(), auto.total), (5_000, 36, 5));
}

#[tokio::test]
async fn histograms_that_cannot_be_made_are_refused_in_words() {
    let shop = Shop::new();
    let refused = async |input: HistogramInput| {
        let error = shop.analytics.histogram(&shop.scope, &input).await.unwrap_err();
        (error.kind, error.details[0].field.clone())
    };
    assert_eq!(refused(asked("", "soon")).await, (ErrorKind::Malformed, "interval".into()));
    assert_eq!(refused(asked("level:", "1m")).await, (ErrorKind::Malformed, "query".into()));
    let range = AskedRange { from: Some("now-2001s".into()), ..AskedRange::default() };
    let many = HistogramInput { range: range.clone(), ..asked("", "1s") };
    assert_eq!(refused(many).await, (ErrorKind::Invalid, "interval".into()));
    let range = AskedRange { from: Some("yesterday".into()), ..AskedRange::default() };
    assert_eq!(refused(HistogramInput { range, ..asked("", "1m") }).await, (ErrorKind::Malformed, "from".into()));
    let range = AskedRange { from: Some("now-1999s".into()), ..AskedRange::default() };
    assert!(shop.analytics.histogram(&shop.scope, &HistogramInput { range, ..asked("", "1s") }).await.is_ok());
}
