//! What the shop's analytics promise: payments, visits, errors, countries, products, the way to a payment.

use serde_json::{Value as Json, json};
use vigie_domain::ErrorKind;

use super::*;
use crate::test_shop::{Shop, event};

const HOUR_S: i64 = 3_600;

/// The last two whole hours, 12:00 to 14:00; now is 14:04:05.
fn two_hours() -> AnalyticsInput {
    let range = AskedRange {
        from: Some("2026-11-23T12:00:00Z".into()),
        to: Some("2026-11-23T14:00:00Z".into()),
        ..AskedRange::default()
    };
    AnalyticsInput { range, ..AnalyticsInput::default() }
}

/// An event so many seconds after 12:00.
fn at(seconds: i64, fields: &Json) -> Json {
    event(2 * HOUR_S + 245 - seconds, fields)
}

fn payment(seconds: i64, status: &str, amount: f64, more: Json) -> Json {
    let mut fields = json!({"log_type": "transaction", "status": status, "amount": amount, "currency": "EUR"});
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    at(seconds, &fields)
}

fn sums(amounts: &[Money]) -> String {
    amounts.iter().map(|money| format!("{}={}", money.currency, money.sum)).collect::<Vec<_>>().join(" ")
}

fn pairs(counts: &[(String, u64)]) -> String {
    counts.iter().map(|(name, count)| format!("{name}={count}")).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn payments_are_counted_by_state_method_and_hour() {
    let shop = Shop::with(&[
        payment(10, "completed", 10.0, json!({"payment_method": "card"})),
        payment(20, "completed", 30.0, json!({"payment_method": "paypal"})),
        payment(30, "completed", 5.0, json!({"payment_method": "card", "currency": "usd"})),
        // The second hour: more fail than before.
        payment(HOUR_S + 1, "failed", 100.0, json!({"payment_method": "card"})),
        payment(HOUR_S + 2, "declined", 50.0, json!({"payment_method": "card"})),
        payment(HOUR_S + 3, "pending", 7.0, json!({})),
        payment(HOUR_S + 4, "completed", 7.0, json!({})),
        // The two hours before: one in four fails.
        payment(-1, "failed", 1.0, json!({})),
        payment(-2, "completed", 1.0, json!({})),
        payment(-3, "completed", 1.0, json!({})),
        payment(-4, "completed", 1.0, json!({})),
    ])
    .await;
    let answer = shop.analytics.transactions(&shop.scope, &two_hours()).await.unwrap();
    let TransactionTotals { count, completed, failed, ref revenue, ref failed_amounts } = answer.current;
    assert_eq!((count, completed, failed), (7, 4, 2));
    assert_eq!((sums(revenue), sums(failed_amounts)), ("EUR=47 USD=5".into(), "EUR=150".into()));
    assert_eq!((answer.previous.count, answer.previous.failure_rate()), (4, 0.25));
    assert_eq!(pairs(&answer.by_status), "completed=4 declined=1 failed=1 pending=1");
    let methods: Vec<_> = answer.by_method.iter().map(|line| (line.method.as_str(), line.totals.failed)).collect();
    assert_eq!(methods, [("card", 2), ("paypal", 0)]);
    let points: Vec<_> = answer.timeline.iter().map(|point| (point.totals.count, point.totals.failed)).collect();
    assert_eq!((points.as_slice(), answer.granularity), ([(3, 0), (4, 2)].as_slice(), Granularity::Hourly));
    // Three were decided in the second hour, of which 0.75 usually fail: 1.25 of the 2 that failed are beyond that.
    assert_eq!(sums(answer.revenue_at_risk.as_ref().unwrap()), "EUR=93.75");
    let cards = AnalyticsInput { query: "payment_method:paypal".into(), ..two_hours() };
    let answer = shop.analytics.transactions(&shop.scope, &cards).await.unwrap();
    assert_eq!((answer.current.count, answer.previous.count, answer.revenue_at_risk), (1, 0, None));
}

#[tokio::test]
async fn visits_carts_and_cohorts_are_counted() {
    let act = |seconds: i64, session: &str, action: &str, page: &str| {
        at(seconds, &json!({"log_type": "user_behavior", "action": action, "session_id": session, "page": page}))
    };
    let shop = Shop::with(&[
        act(1, "a", "view_product", "/p/1"),
        act(2, "a", "add_to_cart", "/p/1"),
        act(3, "b", "view_product", "/p/2"),
        act(4, "b", "add_to_cart", "/p/2"),
        payment(5, "completed", 9.0, json!({"session_id": "b"})),
        act(HOUR_S + 1, "c", "view_product", "/p/2"),
        act(HOUR_S + 2, "c", "search", "/search"),
        act(-5, "z", "login", "/"),
    ])
    .await;
    let answer = shop.analytics.user_behavior(&shop.scope, &two_hours()).await.unwrap();
    assert_eq!(answer.current, Visits { actions: 6, sessions: 3, users: 0 });
    assert_eq!(answer.previous, Visits { actions: 1, sessions: 1, users: 0 });
    assert_eq!(pairs(&answer.actions), "view_product=3 add_to_cart=2 search=1");
    assert_eq!(pairs(&answer.pages), "/p/2=3 /p/1=2 /search=1");
    assert_eq!(answer.timeline.iter().map(|point| point.visits.sessions).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((answer.carts, answer.carts.abandoned()), (Carts { filled: 2, paid: 1 }, 1));
    assert_eq!((answer.carts.abandonment_rate(), Carts::default().abandonment_rate()), (Some(0.5), None));

    let funnel = shop.analytics.funnel(&shop.scope, &two_hours()).await.unwrap();
    let users = |steps: &[FunnelStep]| steps.iter().map(|step| step.users).collect::<Vec<_>>();
    assert_eq!((users(&funnel.steps), users(&funnel.previous)), (vec![3, 2, 0, 1], vec![0; 4]));
    assert_eq!(
        funnel.cohorts.iter().map(|cohort| users(&cohort.steps)).collect::<Vec<_>>(),
        [[2, 2, 0, 1], [1, 0, 0, 0]]
    );
    assert_eq!(funnel.carts, answer.carts);
}

#[tokio::test]
async fn visitors_are_users_where_no_session_is_named() {
    let act = |seconds: i64, user: &str, action: &str, more: Json| {
        let mut event = at(seconds, &json!({"log_type": "user_behavior", "action": action, "user_id": user}));
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let events = vec![
        act(1, "u1", "view_product", json!({})),
        act(2, "u1", "add_to_cart", json!({})),
        act(3, "u2", "view_product", json!({})),
        act(4, "u2", "search", json!({"session_id": "a"})),
    ];
    let steps = async |events: &[Json]| {
        let shop = Shop::with(events).await;
        let funnel = shop.analytics.funnel(&shop.scope, &two_hours()).await.unwrap();
        funnel.steps.iter().map(|step| step.users).collect::<Vec<_>>()
    };
    assert_eq!(steps(&events).await, [2, 1, 0, 0], "what is no step names no session of the funnel");
    let with_session = [events, vec![act(HOUR_S, "u3", "add_to_cart", json!({"session_id": "b"}))]].concat();
    assert_eq!(steps(&with_session).await, [0, 1, 0, 0], "all are counted alike");
}

#[tokio::test]
async fn new_errors_are_told_from_known_ones() {
    let error = |seconds: i64, kind: &str, user: &str| {
        at(
            seconds,
            &json!({"log_type": "error", "level": "ERROR", "error_type": kind, "user_id": user, "service": "pay"}),
        )
    };
    let shop = Shop::with(&[
        error(1, "Timeout", "u1"),
        error(2, "Timeout", "u2"),
        error(HOUR_S, "Deadlock", "u2"),
        at(4, &json!({"level": "INFO"})),
        at(5, &json!({"level": "FATAL", "service": "web"})),
        error(-1, "Timeout", "u1"),
    ])
    .await;
    let answer = shop.analytics.errors(&shop.scope, &two_hours()).await.unwrap();
    assert_eq!(answer.current, ErrorTotals { count: 4, events: 5, users: 2, sessions: 0 });
    assert!((answer.current.rate() - 0.8).abs() < 1e-12);
    assert_eq!((answer.previous.count, answer.previous.rate(), ErrorTotals::default().rate()), (1, 1.0, 0.0));
    assert_eq!(
        (pairs(&answer.by_type), pairs(&answer.new_types)),
        ("Timeout=2 Deadlock=1".into(), "Deadlock=1".into())
    );
    assert_eq!(pairs(&answer.by_service), "pay=3 web=1");
    assert_eq!(answer.timeline.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [3, 1]);
}

#[tokio::test]
async fn countries_and_products_are_ranked() {
    let view = |seconds: i64, country: &str, product: &str, action: &str| {
        at(
            seconds,
            &json!({"log_type": "user_behavior", "action": action, "product_id": product, "session_id": country,
            "geo": {"country": country}}),
        )
    };
    let shop = Shop::with(&[
        view(1, "FR", "p1", "view_product"),
        view(2, "FR", "p1", "add_to_cart"),
        view(3, "BE", "p2", "product_view"),
        payment(4, "completed", 12.5, json!({"product_id": "p1", "product_name": "Lamp", "geo": {"country": "FR"}})),
        payment(5, "failed", 99.0, json!({"product_id": "p1", "geo": {"country": "FR"}})),
        payment(
            6,
            "completed",
            30.0,
            json!({"items": [{"product_id": "p1", "name": "Lamp"}, {"product_id": "p3", "name": "Chair"}]}),
        ),
    ])
    .await;
    let countries = shop.analytics.top_countries(&shop.scope, &two_hours(), 1).await.unwrap();
    assert_eq!((countries.lines.len(), countries.distinct), (1, 2));
    let CountryLine { country, count, sessions, transactions } = &countries.lines[0];
    assert_eq!((country.as_str(), *count, *sessions, transactions.count, transactions.failed), ("FR", 4, 1, 2, 1));
    assert_eq!(sums(&transactions.revenue), "EUR=12.5");

    let products = shop.analytics.top_products(&shop.scope, &two_hours(), RANKING_DEFAULT).await.unwrap();
    let lines: Vec<_> = products
        .lines
        .iter()
        .map(|line| (line.product_id.as_str(), line.name.as_deref(), line.views, line.carts, line.purchases))
        .collect();
    // Of p3 one order is known, which has two names: which is its own cannot be told.
    assert_eq!(lines, [("p1", Some("Lamp"), 1, 1, 2), ("p2", None, 1, 0, 0), ("p3", None, 0, 0, 1)]);
    assert_eq!((sums(&products.lines[0].order_amounts), products.distinct), ("EUR=42.5".into(), 3));
    for limit in [0, RANKING_MAX + 1] {
        let error = shop.analytics.top_products(&shop.scope, &two_hours(), limit).await.unwrap_err();
        assert_eq!((error.kind, error.details[0].field.as_str()), (ErrorKind::Invalid, "limit"));
    }
}

#[tokio::test]
async fn trends_stand_beside_the_period_before() {
    let shop = Shop::with(&[
        at(1, &json!({"level": "ERROR"})),
        at(HOUR_S, &json!({"level": "INFO"})),
        at(-1, &json!({"level": "INFO"})),
    ])
    .await;
    let trends = shop.analytics.trends(&shop.scope, &two_hours()).await.unwrap();
    let points = |points: &[TrendPoint]| {
        points.iter().map(|point| (point.stats.total_logs, point.stats.error_count)).collect::<Vec<_>>()
    };
    assert_eq!((points(&trends.points), points(&trends.previous_points)), (vec![(1, 1), (1, 0)], vec![(0, 0), (1, 0)]));
    assert_eq!((trends.current.total_logs, trends.previous.total_logs), (2, 1));
    let wrong = AnalyticsInput { timezone: Some("Nowhere".into()), ..two_hours() };
    assert_eq!(shop.analytics.trends(&shop.scope, &wrong).await.unwrap_err().details[0].field, "timezone");
}
