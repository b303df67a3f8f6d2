//! Payments judged, over HTTP and on disk.

use serde_json::{Value as Json, json};

use crate::app::TestApp;
use crate::shop::Shop;

fn payment(seconds_ago: i64, number: u64) -> Json {
    let id = format!("tx-{number}");
    let fields =
        json!({"log_type": "transaction", "transaction_id": id, "amount": 20.5, "currency": "EUR", "user_id": "u-1"});
    Shop::event(seconds_ago, &fields)
}

#[tokio::test]
async fn whoever_waits_is_told_what_is_said_of_each_payment() {
    let shop = Shop::on(TestApp::on_disk()).await;
    let payments = json!([payment(9, 1), payment(8, 2), payment(7, 3)]);
    let answer = shop.post("/api/fraud/detect", &payments).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let told = answer.json()["decisions"].clone();
    let decisions: Vec<&str> = told.as_array().unwrap().iter().filter_map(|one| one["decision"].as_str()).collect();
    assert_eq!(decisions, ["allow", "allow", "review"]);
    let third = &told[2];
    assert_eq!(
        (&third["is_fraud"], &third["fraud_score"], &third["indicators"], &third["decision_id"]),
        (&json!(true), &json!(50), &json!(["rapid_transactions"]), &json!("fraud-tx-3"))
    );
    assert_eq!(third["reasons"][0]["text"], "3 payments within ten minutes");
    assert_eq!(third["reasons"][0]["text_fr"], "3 paiements en dix minutes");
    // Sent again, by whatever way: the same answer, and nothing stored twice.
    assert_eq!(shop.post("/api/fraud/detect", &payments).await.json()["decisions"], told);
    assert_eq!(&shop.get("/api/fraud/decisions/fraud-tx-3").await.json(), third);
    let stats = shop.get("/api/fraud/stats").await.json();
    let numbers = ["judged", "allowed", "to_review", "blocked"].map(|name| stats[name].clone());
    assert_eq!(numbers, [json!(3), json!(2), json!(1), json!(0)]);
    assert_eq!(stats["rules"], json!([{"rule": "rapid_transactions", "count": 1}]));
}

#[tokio::test]
async fn events_of_any_input_are_judged_and_listed() {
    let payments: Vec<Json> = (0..5).map(|number| payment(20 - number as i64, number)).collect();
    let shop = Shop::on(TestApp::on_disk()).await.holding(&payments).await;
    let first = shop.get("/api/fraud/suspicious-activities?limit=2").await.json();
    assert_eq!((&first["total"], first["activities"].as_array().unwrap().len()), (&json!(3), 2));
    assert_eq!(first["activities"][0]["transaction_id"], "tx-4");
    let cursor = first["next_cursor"].as_str().unwrap();
    let last = shop.get(&format!("/api/fraud/suspicious-activities?limit=2&cursor={cursor}")).await.json();
    assert_eq!((&last["activities"][0]["transaction_id"], &last["next_cursor"]), (&json!("tx-2"), &json!(null)));
    let rules = shop.get("/api/fraud/rules").await.json();
    let rapid = rules["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == "rapid_transactions").unwrap();
    assert_eq!((&rapid["hits"], &rapid["mode"], &rapid["failure"]), (&json!(3), &json!("active"), &json!(null)));
}

#[tokio::test]
async fn wrong_payments_and_questions_are_refused_by_name() {
    let shop = Shop::new().await;
    let check = async |body: Json, field: &str| {
        let answer = shop.post("/api/fraud/detect", &body).await;
        answer.assert_problem(422);
        assert_eq!(answer.json()["errors"][0]["field"], field, "{}", answer.text());
    };
    check(json!({"transaction_id": "t"}), "amount").await;
    check(json!({"amount": 5}), "transaction_id").await;
    check(json!({"transaction_id": "t", "amount": -5}), "amount").await;
    check(json!({"transaction_id": "t", "amount": 5, "currency": "EURO"}), "currency").await;
    shop.post("/api/fraud/detect", &payment(-86_400, 1)).await.assert_problem(422);
    shop.ingest("/api/fraud/detect", "", &[]).await.assert_problem(400);
    shop.ingest("/api/fraud/detect", "{", &[]).await.assert_problem(422);
    assert_eq!(shop.total().await, 0);
    for (path, status) in [
        ("/api/fraud/decisions/fraud-nobody", 404),
        ("/api/fraud/suspicious-activities?cursor=x", 400),
        ("/api/fraud/suspicious-activities?limit=0", 422),
        ("/api/fraud/stats?from=never", 400),
    ] {
        shop.get(path).await.assert_problem(status);
    }
    for path in ["/api/fraud/rules", "/api/fraud/stats", "/api/fraud/suspicious-activities"] {
        assert_eq!(shop.app.get(path).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_decision_is_only_what_vigie_said() {
    let shop = Shop::new().await;
    let foreign = json!({"_id": "fraud-tx-9", "log_type": "fraud", "service": "shop", "decision": "block"});
    let shop = shop.holding(&[Shop::event(5, &foreign)]).await;
    shop.get("/api/fraud/decisions/fraud-tx-9").await.assert_problem(404);
    assert_eq!(shop.get("/api/fraud/stats").await.json()["judged"], 0);
}
