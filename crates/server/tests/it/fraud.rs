//! Payments judged, over HTTP and on disk.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value as Json, json};

use crate::app::{TestApp, request};
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
    assert_eq!(third["reasons"][0]["text"], "3 payments of this customer and 0 with this card within ten minutes");
    assert_eq!(third["reasons"][0]["text_fr"], "3 paiements de ce client et 0 avec cette carte en dix minutes");
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

#[tokio::test]
async fn a_case_is_taken_noted_closed_and_opened_again() {
    let payments: Vec<Json> = (0..3).map(|number| payment(20 - number as i64, number)).collect();
    let shop = Shop::on(TestApp::on_disk()).await.holding(&payments).await;
    let queue = shop.get("/api/fraud/cases").await.json();
    assert_eq!((&queue["cases"][0]["case_id"], &queue["cases"][0]["state"]), (&json!("fraud-tx-2"), &json!("open")));
    let path = |what: &str| format!("/api/fraud/cases/fraud-tx-2{what}");
    let taken = shop.post(&path("/take"), &json!({})).await.json();
    assert_eq!((&taken["state"], taken["holder"].is_string()), (&json!("taken"), true));
    assert_eq!(shop.get("/api/fraud/cases?state=mine").await.json()["cases"].as_array().unwrap().len(), 1);
    let snoozed = shop.post(&path("/snooze"), &json!({"until": "now+7d"})).await.json();
    assert_eq!((&snoozed["state"], snoozed["snoozed_until"].is_string()), (&json!("taken"), true));
    assert_eq!(shop.get("/api/fraud/cases").await.json()["cases"], json!([]));
    assert_eq!(shop.get("/api/fraud/cases?state=snoozed").await.json()["cases"].as_array().unwrap().len(), 1);
    assert_eq!(shop.post(&path("/snooze"), &json!({})).await.json()["snoozed_until"], json!(null));
    let noted = shop.post(&path("/notes"), &json!({"text": "asked the customer"})).await.json();
    assert_eq!(noted["notes"][0]["text"], "asked the customer");
    let around = shop.get(&path("/around")).await.json();
    let spans = &around["velocities"][0]["spans"];
    assert_eq!((&around["velocities"][0]["kind"], &spans[0]["span"]), (&json!("user"), &json!("10m")), "{around}");
    assert_eq!(spans[3]["payment_count"], 3);
    assert_eq!(around["events"].as_array().unwrap().len(), 3);
    shop.get("/api/fraud/cases/fraud-nobody/around").await.assert_problem(404);
    let tagged = shop.post(&path("/tags"), &json!({"add": ["Chargeback", "ring"], "remove": ["none"]})).await.json();
    assert_eq!(tagged["tags"], json!(["chargeback", "ring"]));
    let count = async |query: &str| {
        let found = shop.get(&format!("/api/fraud/cases?state=all&{query}")).await.json();
        found["cases"].as_array().unwrap().len()
    };
    assert_eq!((count("tag=CHARGEBACK").await, count("tag=other").await), (1, 0));
    shop.get("/api/fraud/cases?tag=a%2Cb").await.assert_problem(422);
    let closed = shop.post(&path("/outcome"), &json!({"outcome": "confirmed"})).await.json();
    assert_eq!((&closed["state"], &closed["outcome"]), (&json!("closed"), &json!("confirmed")));
    assert_eq!(shop.get("/api/fraud/cases").await.json()["cases"], json!([]));
    // The customer of a confirmed fraud is known as one at once.
    let next = shop.post("/api/fraud/detect", &payment(1, 7)).await.json();
    assert!(next["decisions"][0]["indicators"].as_array().unwrap().contains(&json!("known_fraud")), "{next}");
    assert_eq!(shop.post(&path("/reopen"), &json!({})).await.json()["state"], "taken");
    assert_eq!(shop.post(&path("/release"), &json!({})).await.json()["state"], "open");
    for (path, body, status) in [
        (path("/release"), json!({}), 409),
        (path("/reopen"), json!({}), 409),
        (path("/outcome"), json!({"outcome": "maybe"}), 422),
        (path("/notes"), json!({"text": ""}), 422),
        (path("/tags"), json!({}), 422),
        (path("/tags"), json!({"add": ["a,b"]}), 422),
        (path("/snooze"), json!({"until": "now-1d"}), 422),
        (path("/snooze"), json!({"until": "someday"}), 422),
        ("/api/fraud/cases/fraud-none/take".to_owned(), json!({}), 404),
    ] {
        shop.post(&path, &body).await.assert_problem(status);
    }
    shop.get("/api/fraud/cases?state=lost").await.assert_problem(422);
}

#[tokio::test]
async fn a_case_is_escalated_and_given_back() {
    let payments: Vec<Json> = (0..3).map(|number| payment(20 - number as i64, number)).collect();
    let shop = Shop::on(TestApp::on_disk()).await.holding(&payments).await;
    let path = |what: &str| format!("/api/fraud/cases/fraud-tx-2{what}");
    let count = async |state: &str| {
        let found = shop.get(&format!("/api/fraud/cases?state={state}")).await.json();
        found["cases"].as_array().unwrap().len()
    };
    shop.post(&path("/escalate"), &json!({"reason": " "})).await.assert_problem(422);
    shop.post(&path("/escalate"), &json!({})).await.assert_problem(422);
    let escalated = shop.post(&path("/escalate"), &json!({"reason": "a ring"})).await.json();
    assert_eq!((&escalated["state"], &escalated["escalation"]["reason"]), (&json!("open"), &json!("a ring")));
    assert!(escalated["escalation"]["by"].is_string() && escalated["escalation"]["at"].is_string(), "{escalated}");
    assert_eq!((count("open").await, count("escalated").await), (0, 1));
    shop.post(&path("/escalate"), &json!({"reason": "again"})).await.assert_problem(409);
    assert_eq!(shop.post(&path("/deescalate"), &json!({})).await.json()["escalation"], json!(null));
    assert_eq!((count("open").await, count("escalated").await), (1, 0));
    shop.post(&path("/deescalate"), &json!({})).await.assert_problem(409);
    shop.post("/api/fraud/cases/fraud-none/deescalate", &json!({})).await.assert_problem(404);
}

#[tokio::test]
async fn cases_are_changed_together_and_each_alone() {
    let payments: Vec<Json> = (0..5).map(|number| payment(20 - number as i64, number)).collect();
    let shop = Shop::on(TestApp::on_disk()).await.holding(&payments).await;
    let change = async |ids: &[&str], action: &str, outcome: Option<&str>| {
        let mut body = json!({"ids": ids, "action": action});
        outcome.into_iter().for_each(|outcome| body["outcome"] = outcome.into());
        shop.post("/api/fraud/cases/bulk", &body).await
    };
    let (two, three, four) = ("fraud-tx-2", "fraud-tx-3", "fraud-tx-4");
    let taken = change(&[two, three, two, "fraud-none"], "take", None).await.json();
    assert_eq!((&taken["changed"], &taken["failed"][0]["case_id"]), (&json!(2), &json!("fraud-none")));
    assert_eq!((&taken["failed"][0]["status"], taken["failed"].as_array().unwrap().len()), (&json!(404), 1));
    assert_eq!(change(&[three], "release", None).await.json()["changed"], 1);
    let closed = change(&[two, three, four], "close", Some("confirmed")).await.json();
    assert_eq!((&closed["changed"], &closed["failed"]), (&json!(3), &json!([])));
    let again = change(&[four], "close", Some("valuable")).await.json();
    assert_eq!((&again["changed"], &again["failed"][0]["status"]), (&json!(0), &json!(409)));
    assert!(again["failed"][0]["problem"].as_str().unwrap().contains("closed by"), "{again}");
    assert_eq!(shop.get("/api/fraud/cases").await.json()["cases"], json!([]));
    let next = shop.post("/api/fraud/detect", &payment(1, 7)).await.json();
    assert!(next["decisions"][0]["indicators"].as_array().unwrap().contains(&json!("known_fraud")), "{next}");
    let many: Vec<String> = (0..201).map(|number| format!("fraud-{number}")).collect();
    for (ids, action, outcome) in [
        (&[][..], "take", None),
        (&many.iter().map(String::as_str).collect::<Vec<_>>(), "take", None),
        (&[two], "delete", None),
        (&[two], "close", None),
        (&[two], "close", Some("maybe")),
        (&[two], "take", Some("confirmed")),
    ] {
        change(ids, action, outcome).await.assert_problem(422);
    }
}

#[tokio::test]
async fn labels_are_taken_as_json_and_as_lines() {
    let shop = Shop::on(TestApp::on_disk()).await.holding(&[payment(20, 1), payment(19, 2)]).await;
    let labels = json!([{"transaction_id": "tx-1", "label": "fraud"}, {"transaction_id": "tx-9", "label": "fraud"}]);
    let kept = shop.post("/api/fraud/labels", &labels).await.json();
    assert_eq!((&kept["applied"], &kept["unknown"]), (&json!(1), &json!(["tx-9"])));
    let csv = [("content-type", "text/csv")];
    let lines = "transaction_id,label\ntx-1,legitimate\ntx-2,fraud\n";
    assert_eq!(shop.ingest("/api/fraud/labels", lines, &csv).await.json()["applied"], 2);
    for (body, headers, status) in [
        (r#"[{"transaction_id":"tx-1","label":"maybe"}]"#, &[][..], 422),
        ("{", &[], 400),
        ("tx-1,perhaps", &csv, 422),
        ("tx-1", &csv, 400),
    ] {
        shop.ingest("/api/fraud/labels", body, headers).await.assert_problem(status);
    }
}

#[tokio::test]
async fn rules_are_changed_by_version_and_brought_back() {
    let app = TestApp::on_disk();
    let moderator = format!("Bearer {}", app.token(vigie_app::accounts::Role::Moderator).await);
    let shop = Shop::on(app).await;
    let rule = |mode: &str, version: u64| {
        json!({"expression": "transaction.amount > 10.0", "points": 60, "mode": mode, "reason": "{transaction.amount} is much",
               "reason_fr": "{transaction.amount}, c'est beaucoup", "version": version})
    };
    let path = "/api/fraud/rules/much";
    let auth = [("authorization", moderator.as_str())];
    let json = [auth[0], ("content-type", "application/json")];
    let put = async |body: Json| shop.app.send(request(Method::PUT, path, &json, Body::from(body.to_string()))).await;
    let delete = async || shop.app.send(request(Method::DELETE, path, &auth, Body::empty())).await;
    assert_eq!(put(rule("shadow", 0)).await.json()["version"], 1);
    let told = shop.post("/api/fraud/detect", &payment(9, 1)).await.json();
    assert_eq!(told["decisions"][0]["decision"], "allow", "a rule in shadow changes nothing");
    put(rule("active", 0)).await.assert_problem(409);
    assert_eq!(put(rule("active", 1)).await.json()["version"], 2);
    let told = shop.post("/api/fraud/detect", &payment(8, 2)).await.json();
    assert_eq!(
        (&told["decisions"][0]["decision"], &told["decisions"][0]["reasons"][0]["text"]),
        (&json!("review"), &json!("20.50 is much"))
    );
    let rules = shop.get("/api/fraud/rules").await.json();
    let much = rules["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == "much").unwrap();
    assert_eq!((&much["hits"], &much["shadow_hits"], &much["version"]), (&json!(1), &json!(1), &json!(2)));
    let back = shop.app.post_with(&format!("{path}/rollback"), &json!({"version": 1}), &auth).await.json();
    assert_eq!((&back["version"], &back["mode"]), (&json!(3), &json!("shadow")));
    let versions = shop.get(&format!("{path}/versions")).await.json();
    let numbers: Vec<u64> =
        versions["versions"].as_array().unwrap().iter().filter_map(|one| one["version"].as_u64()).collect();
    assert_eq!(numbers, [3, 2, 1]);
    shop.app.post_with(&format!("{path}/rollback"), &json!({"version": 9}), &auth).await.assert_problem(404);
    assert_eq!(delete().await.json()["is_deleted"], true);
    delete().await.assert_problem(404);
    let mut wrong = rule("active", 4);
    wrong["expression"] = json!("transaction.amout > 1.0");
    let answer = put(wrong).await;
    answer.assert_problem(422);
    assert_eq!(answer.json()["errors"][0]["field"], "expression");
    assert!(answer.text().contains("transaction.amount"), "{}", answer.text());
    let check = shop.post("/api/fraud/rules/validate", &json!({"expression": "user.count_1h > 2 &&"})).await.json();
    assert_eq!((&check["is_valid"], check["from"].is_u64()), (&json!(false), true));
    let check = shop.post("/api/fraud/rules/validate", &json!({"expression": "user.count_1h > 2"})).await.json();
    assert_eq!((&check["is_valid"], &check["signals"]), (&json!(true), &json!(["user.count_1h"])));
    assert_eq!(shop.get("/api/fraud/signals").await.json()["signals"].as_array().unwrap().len(), 67);
}

#[tokio::test]
async fn a_rule_has_an_owner_and_is_obeyed_whatever_its_points_say() {
    let (shop, moderator) = moderated().await;
    let auth = [("authorization", moderator.as_str()), ("content-type", "application/json")];
    let put = async |changes: Json| {
        let mut body = json!({"expression": "transaction.amount > 10.0", "points": 0, "mode": "active", "reason": "a", "reason_fr": "b"});
        body.as_object_mut().unwrap().append(&mut changes.as_object().unwrap().clone());
        shop.app.send(request(Method::PUT, "/api/fraud/rules/acts", &auth, Body::from(body.to_string()))).await
    };
    let refused = async |changes: Json, field: &str| {
        let answer = put(changes).await;
        answer.assert_problem(422);
        assert_eq!(answer.json()["errors"][0]["field"], field);
    };
    refused(json!({"action": "stop"}), "action").await;
    refused(json!({"owner": "a\nb"}), "owner").await;
    refused(json!({"owner": "a".repeat(101)}), "owner").await;
    let mine = put(json!({})).await.json();
    assert!(mine["action"].is_null() && mine["owner"] != "", "{mine}");
    assert_eq!(put(json!({"owner": "payments", "action": "review"})).await.json()["owner"], "payments");
    let told = shop.post("/api/fraud/detect", &payment(9, 1)).await.json();
    assert_eq!(
        (&told["decisions"][0]["decision"], &told["decisions"][0]["fraud_score"]),
        (&json!("review"), &json!(45))
    );
    let blocks = put(json!({"action": "block"})).await.json();
    assert_eq!((&blocks["owner"], &blocks["action"]), (&json!("payments"), &json!("block")));
    let told = shop.post("/api/fraud/detect", &payment(8, 2)).await.json();
    assert_eq!(
        (&told["decisions"][0]["decision"], &told["decisions"][0]["fraud_score"]),
        (&json!("block"), &json!(100))
    );
    assert_eq!(told["decisions"][0]["reasons"][0]["points"], 100);
    let rules = shop.get("/api/fraud/rules").await.json();
    let acts = rules["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == "acts").unwrap();
    assert_eq!((&acts["action"], &acts["owner"], &acts["points"]), (&json!("block"), &json!("payments"), &json!(0)));
}

/// A shop on disk and the header of one of its moderators.
async fn moderated() -> (Shop, String) {
    let app = TestApp::on_disk();
    let moderator = format!("Bearer {}", app.token(vigie_app::accounts::Role::Moderator).await);
    (Shop::on(app).await, moderator)
}

#[tokio::test]
async fn what_is_listed_is_let_through_or_refused_whatever_rules_say() {
    let shop = Shop::on(TestApp::on_disk()).await;
    let entry = json!({"kind": "ip", "value": "203.0.113.9/24", "effect": "block", "note": "card testing", "expires_at": "now+30d"});
    let added = shop.post("/api/fraud/lists", &entry).await;
    assert_eq!(added.status, 201, "{}", added.text());
    let added = added.json();
    assert_eq!((&added["value"], added["expires_at"].is_string()), (&json!("203.0.113.0/24"), true));
    let mut from_there = payment(9, 1);
    from_there["client_ip"] = json!("203.0.113.77");
    let told = shop.post("/api/fraud/detect", &from_there).await.json()["decisions"][0].clone();
    assert_eq!((&told["decision"], &told["indicators"]), (&json!("block"), &json!(["list_block"])));
    assert_eq!(told["reasons"][0]["text"], "the address 203.0.113.0/24 is on the list of those to be refused");
    let found = shop.get("/api/fraud/lists?kind=ip&effect=block&q=TESTING").await.json();
    assert_eq!((&found["total"], &found["entries"][0]["hit_count"]), (&json!(1), &json!(1)));
    assert_eq!(shop.get("/api/fraud/lists?kind=card").await.json()["total"], 0);
    let path = format!("/api/fraud/lists/{}", added["id"].as_str().unwrap());
    assert_eq!(shop.delete(&format!("{path}?dry_run=true")).await.json()["id"], added["id"]);
    assert_eq!(shop.delete(&path).await.json()["id"], added["id"]);
    shop.delete(&path).await.assert_problem(404);
    for (body, field) in [
        (json!({"kind": "moon", "value": "x", "effect": "block"}), "kind"),
        (json!({"kind": "user", "value": "x", "effect": "ban"}), "effect"),
        (json!({"kind": "ip", "value": "203.0.113.0/33", "effect": "block"}), "value"),
        (json!({"kind": "user", "value": "x", "effect": "block", "expires_at": "soon"}), "expires_at"),
        (json!({"kind": "user", "value": "x", "effect": "block", "expires_at": "now-1d"}), "expires_at"),
    ] {
        let answer = shop.post("/api/fraud/lists", &body).await;
        answer.assert_problem(422);
        assert_eq!(answer.json()["errors"][0]["field"], field, "{}", answer.text());
    }
    shop.get("/api/fraud/lists?kind=moon").await.assert_problem(422);
}

#[tokio::test]
async fn a_rule_is_tried_on_the_past_before_it_is_in_force() {
    let (shop, moderator) = moderated().await;
    let shop = shop.holding(&(0..6).map(|number| payment(600 - 90 * number as i64, number)).collect::<Vec<_>>()).await;
    let auth = [("authorization", moderator.as_str())];
    let draft =
        json!({"rules": [{"name": "second", "expression": "user.count_24h >= 2", "points": 90}], "from": "now-1d"});
    let begun = shop.app.post_with("/api/fraud/backtest", &draft, &auth).await;
    assert_eq!(begun.status, 202, "{}", begun.text());
    let path = format!("/api/fraud/backtest/{}", begun.json()["id"].as_str().unwrap());
    let get = async || shop.app.send(request(Method::GET, &path, &auth, Body::empty())).await.json();
    let mut found = get().await;
    while found["state"] == "running" {
        tokio::task::yield_now().await;
        found = get().await;
    }
    let report = &found["report"];
    assert_eq!((&report["payment_count"], &report["rules"][0]["hit_count"]), (&json!(6), &json!(5)), "{found}");
    assert_eq!(report["rules"][0]["good_money_blocked"], json!([{"currency": "EUR", "amount": 102.5}]));
    assert_eq!((&report["decisions_after"]["block"], &report["rules"][0]["recall"]), (&json!(5), &json!(null)));
    let cancelled = shop.app.send(request(Method::DELETE, &path, &auth, Body::empty())).await.json();
    assert_eq!(cancelled["state"], "done");
    let wrong = json!({"rules": [{"name": "x", "expression": "user.count_25h > 2", "points": 9}]});
    shop.app.post_with("/api/fraud/backtest", &wrong, &auth).await.assert_problem(422);
    shop.app.post_with("/api/fraud/backtest", &json!({"rules": []}), &auth).await.assert_problem(422);
    let nobody = request(Method::GET, "/api/fraud/backtest/nobody", &auth, Body::empty());
    shop.app.send(nobody).await.assert_problem(404);
}

#[tokio::test]
async fn what_is_known_of_a_device_is_told_with_its_list_entries() {
    let with_device = |number: u64| {
        let mut paid = payment(100 - number as i64, number);
        paid["device_id"] = json!("d/1 ü");
        paid["user_id"] = json!(format!("u-{number}"));
        paid
    };
    let shop = Shop::on(TestApp::on_disk()).await.holding(&[with_device(1), with_device(2)]).await;
    let entry = json!({"kind": "device", "value": "d/1 ü", "effect": "review"});
    assert_eq!(shop.post("/api/fraud/lists", &entry).await.status, 201);
    let found = shop.get("/api/fraud/entities/device/d%2F1%20%C3%BC").await.json();
    assert_eq!(
        (&found["payment_count"], &found["value"], &found["is_hub"]),
        (&json!(2), &json!("d/1 ü"), &json!(false))
    );
    assert_eq!(found["amounts"], json!([{"currency": "EUR", "amount": 41.0}]));
    assert_eq!(found["linked_users"].as_array().unwrap().len(), 2);
    assert_eq!(found["list_entries"][0]["effect"], "review");
    let nobody = shop.get("/api/fraud/entities/user/nobody").await.json();
    assert_eq!((&nobody["payment_count"], &nobody["first_seen_at"]), (&json!(0), &json!(null)));
    shop.get("/api/fraud/entities/planet/mars").await.assert_problem(422);
}
