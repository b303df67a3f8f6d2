//! SQL over HTTP: who may ask, what is answered, what is refused and where.

use serde_json::{Value as Json, json};
use vigie_app::accounts::Role;

use crate::app::{Answer, TestApp};

const PATH: &str = "/api/search/sql";

/// A server with three events, and what an analyst is known by.
async fn shop() -> (TestApp, String) {
    let app = TestApp::on_disk();
    let authorization = format!("Bearer {}", app.token(Role::Analyst).await);
    let event = |minute: u32, service: &str, amount: f64| {
        json!({"@timestamp": format!("2026-11-23T10:{minute:02}:00Z"), "log_type": "transaction", "service": service,
            "amount": amount, "level": "INFO"})
    };
    let events = json!([event(1, "cart", 10.25), event(2, "cart", 5.0), event(3, "search", 1.5)]);
    let sent = app.post_with("/api/logs/ingest?any_time=true", &events, &[("authorization", &authorization)]).await;
    assert_eq!(sent.json()["accepted"], 3, "{}", sent.text());
    (app, authorization)
}

async fn ask((app, authorization): &(TestApp, String), body: &Json) -> Answer {
    app.post_with(PATH, body, &[("authorization", authorization)]).await
}

#[tokio::test]
async fn analysts_may_ask_and_viewers_may_not() {
    let shop = shop().await;
    let viewer = format!("Bearer {}", shop.0.token(Role::Viewer).await);
    let asked = json!({"query": "SELECT 1"});
    shop.0.post(PATH, &asked).await.assert_problem(401);
    shop.0.post_with(PATH, &asked, &[("authorization", &viewer)]).await.assert_problem(403);
    assert_eq!(ask(&shop, &asked).await.json()["rows"], json!([[1]]));
}

#[tokio::test]
async fn rows_come_with_their_columns() {
    let shop = shop().await;
    let query =
        "SELECT service, sum(amount) AS revenue, max(@timestamp) AS latest FROM logs GROUP BY service ORDER BY service";
    let answer = ask(&shop, &json!({"query": query})).await.json();
    let columns = json!([{"name": "service", "type": "varchar"}, {"name": "revenue", "type": "decimal(28,4)"},
        {"name": "latest", "type": "timestamp"}]);
    assert_eq!(answer["columns"], columns);
    assert_eq!(
        answer["rows"],
        json!([["cart", 15.25, "2026-11-23T10:02:00.000Z"], ["search", 1.5, "2026-11-23T10:03:00.000Z"]])
    );
    assert_eq!((&answer["truncated"], &answer["rows_scanned"]), (&json!(false), &json!(3)));
    let cut = ask(&shop, &json!({"query": "SELECT * FROM logs", "limit": 2})).await.json();
    assert_eq!((cut["rows"].as_array().map(Vec::len), &cut["truncated"]), (Some(2), &json!(true)));
}

#[tokio::test]
async fn what_is_wrong_is_told_at_its_place() {
    let shop = shop().await;
    let refused = async |body: &Json, status: u16| {
        let answer = ask(&shop, body).await;
        answer.assert_problem(status);
        answer.json()["errors"][0].clone()
    };
    let place = refused(&json!({"query": "SELECT servce FROM logs"}), 422).await;
    assert_eq!((&place["field"], &place["span"]), (&json!("query"), &json!([7, 13])), "{place}");
    assert_eq!(refused(&json!({"query": "SELECT (1 FROM logs"}), 400).await["field"], "query");
    assert_eq!(refused(&json!({"query": "DROP TABLE logs"}), 422).await["field"], "query");
    assert_eq!(refused(&json!({"query": "SELECT 1", "limit": 0}), 422).await["field"], "limit");
    assert_eq!(refused(&json!({"query": ""}), 400).await["field"], "query");
    ask(&shop, &json!({"statement": "SELECT 1"})).await.assert_problem(422);
}
