//! Payments judged on their way to the store: once each, also after failures and restarts.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value as Json, json};
use vigie_domain::fraud::features::Bounds;
use vigie_domain::ports::{Append, AppendOutcome, Fields, Hit, LogStore, SearchRequest, Selection, SortOrder};
use vigie_domain::query::parse;
use vigie_domain::{Error, ErrorKind, EventId, Result, Scope, TimeRange, Timestamp, Value};
use vigie_fraud::rules::{BUILTIN_RULES, Builtin, RuleDefinition, RuleSet, Thresholds};
use vigie_generator::ShopOptions;
use vigie_pipeline::{DecodeOptions, decode_bytes};
use vigie_testkit::LinearStore;

use super::{Evaluation, FraudDetection, FraudSettings, decision_of, detect, stats, suspicious};
use crate::door::{Door, DoorStore};
use crate::ingest::IngestOptions;
use crate::listing::ListRequest;
use crate::test_shop::{NOW, Shop, clock, event, lines, settings};

const BOUNDS: Bounds = Bounds { keys_max: 20_000, kept_max: 200 };
const ALL_TIME: TimeRange = TimeRange { from: Timestamp::MIN, to: Timestamp::MAX };

pub(super) fn detection(snapshot: Option<&Path>) -> FraudDetection {
    let settings =
        FraudSettings { thresholds: Thresholds::default(), bounds: BOUNDS, snapshot: snapshot.map(Path::to_path_buf) };
    FraudDetection::new(settings, clock()).unwrap()
}

/// A shop whose payments are judged, over this store.
fn judged(store: Arc<dyn LogStore>, snapshot: Option<&Path>) -> (Shop, Arc<FraudDetection>) {
    let detection = Arc::new(detection(snapshot));
    (Shop::on(Arc::new(detection.in_front_of(store))), detection)
}

pub(super) fn payment(seconds_ago: i64, number: usize, more: &Json) -> Json {
    let mut fields = json!({"log_type": "transaction", "transaction_id": format!("t-{number}"), "amount": 20.5, "currency": "EUR",
                            "user_id": "u-1", "card_hash": "c-1", "status": "completed"});
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event(seconds_ago, &fields)
}

/// Every decision, oldest first: the payment, and the whole event as text.
async fn decisions(store: &dyn LogStore) -> Vec<(String, String)> {
    let request = SearchRequest {
        selection: Selection { query: parse("log_type:fraud AND service:vigie").unwrap(), range: ALL_TIME },
        order: SortOrder::OldestFirst,
        after: None,
        skip: 0,
        limit: 10_000,
        count_total: false,
        fields: Fields::All,
    };
    let hits = store.search(&Scope::main(), &request).await.unwrap().hits;
    let told = |hit: Hit| {
        let text = serde_json::to_string(&Value::Object(hit.source)).unwrap();
        (hit.id.0, text)
    };
    let mut told: Vec<_> = hits.into_iter().map(told).collect();
    told.sort();
    told
}

#[test]
fn whoever_would_wait_for_others_to_be_scored_is_told() {
    let detection = detection(None);
    let options = DecodeOptions::new(NOW, settings().redactor);
    let mut events = decode_bytes(lines(&[payment(5, 1, &json!({}))]).as_bytes(), &options).unwrap().events;
    let others = detection.state();
    assert!(detection.try_score(&mut events).is_none());
    assert_eq!(events.len(), 1, "the batch stays");
    drop(others);
    assert_eq!(detection.try_score(&mut events).map(|scored| scored.added), Some(vec!["t-1".to_owned()]));
}

#[tokio::test]
async fn a_payment_is_stored_with_what_is_said_of_it() {
    let (shop, detection) = judged(Arc::new(LinearStore::default()), None);
    let payments: Vec<Json> = (0..4).map(|number| payment(100 - number as i64, number, &json!({}))).collect();
    let report = shop.send(&lines(&payments), &IngestOptions::default()).await;
    assert_eq!((report.accepted, report.deduplicated), (4, 0), "verdicts are not the sender's events");
    assert_eq!(shop.total().await, 8);
    let found = decision_of(shop.store.as_ref(), &shop.scope, &EventId("fraud-t-2".into())).await.unwrap().unwrap();
    let text = serde_json::to_string(&Value::Object(found.source)).unwrap();
    assert!(
        text.contains(r#""decision":"review""#)
            && text.contains("3 payments of this customer and 3 with this card within ten minutes"),
        "{text}"
    );
    let numbers = stats(shop.store.as_ref(), &shop.scope, ALL_TIME).await.unwrap();
    assert_eq!((numbers.judged_count, numbers.by_rule), (4, vec![("rapid_transactions".to_owned(), 2)]));
    assert_eq!(numbers.by_decision, [("allow".to_owned(), 2), ("review".to_owned(), 2)]);
    let rapid = detection.rules().into_iter().find(|report| report.rule.name == "rapid_transactions").unwrap();
    assert_eq!((rapid.hit_count, rapid.shadow_hit_count, rapid.failure), (2, 0, None));
}

#[tokio::test]
async fn suspicious_payments_are_listed_page_by_page() {
    let (shop, _) = judged(Arc::new(LinearStore::default()), None);
    let payments: Vec<Json> = (0..7).map(|number| payment(100 - number as i64, number, &json!({}))).collect();
    shop.send(&lines(&payments), &IngestOptions::default()).await;
    let (mut seen, mut cursor) = (Vec::new(), None);
    for _ in 0..3 {
        let request = ListRequest { limit: Some(2), cursor };
        let page = suspicious(shop.store.as_ref(), &shop.scope, ALL_TIME, &request).await.unwrap();
        assert_eq!(page.total, 5);
        seen.extend(page.entries.into_iter().map(|hit| hit.id.0));
        cursor = page.next_cursor;
    }
    assert_eq!(seen, ["fraud-t-6", "fraud-t-5", "fraud-t-4", "fraud-t-3", "fraud-t-2"]);
    assert_eq!(cursor, None);
}

#[tokio::test]
async fn a_payment_is_judged_once_however_often_it_is_told() {
    let (shop, _) = judged(Arc::new(LinearStore::default()), None);
    let told = [payment(90, 1, &json!({"status": "pending"})), payment(80, 1, &json!({"status": "declined"}))];
    shop.send(&lines(&told), &IngestOptions::default()).await;
    let options = IngestOptions { idempotency_key: Some("k".into()), ..IngestOptions::default() };
    for expected in [(1, 0), (0, 1)] {
        let report = shop.send(&lines(&[payment(70, 2, &json!({}))]), &options).await;
        assert_eq!((report.accepted, report.deduplicated), expected);
    }
    let ids: Vec<String> = decisions(shop.store.as_ref()).await.into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["fraud-t-1", "fraud-t-2"]);
}

/// Refuses the first batches.
struct Stubborn {
    refusals_left: AtomicUsize,
}

#[async_trait]
impl Door for Stubborn {
    async fn append(&self, store: &dyn LogStore, scope: &Scope, batch: Append) -> Result<AppendOutcome> {
        let refuse = |left: usize| left.checked_sub(1);
        if self.refusals_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, refuse).is_ok() {
            return Err(Error::new(ErrorKind::Unavailable, "not now"));
        }
        store.append(scope, batch).await
    }
}

#[tokio::test]
async fn what_the_store_refused_is_judged_the_same_when_it_is_sent_again() {
    let stubborn = Arc::new(Stubborn { refusals_left: AtomicUsize::new(2) });
    let (shop, _) = judged(Arc::new(DoorStore::new(Arc::new(LinearStore::default()), stubborn)), None);
    let (undisturbed, _) = judged(Arc::new(LinearStore::default()), None);
    let payments: Vec<Json> = (0..4).map(|number| payment(100 - number as i64, number, &json!({}))).collect();
    let body = Bytes::from(lines(&payments));
    for _ in 0..2 {
        let refused = shop.ingest.accept(&shop.scope, body.clone(), &IngestOptions::default()).await;
        assert_eq!(refused.map_err(|error| error.kind), Err(ErrorKind::Unavailable));
    }
    for shop in [&shop, &undisturbed] {
        let report = shop.send(&lines(&payments), &IngestOptions::default()).await;
        assert_eq!(report.accepted, 4);
    }
    assert_eq!(decisions(shop.store.as_ref()).await, decisions(undisturbed.store.as_ref()).await);
}

/// Batches of a generated day.
fn generated(seed: u64, events: u64, hours: i64) -> Vec<String> {
    let options = ShopOptions { seed, from: NOW.saturating_add_nanos(-hours * 3_600 * 1_000_000_000), to: NOW, events };
    let events: Vec<String> = vigie_generator::past(options).map(|event| event.json + "\n").collect();
    events.chunks(500).map(<[String]>::concat).collect()
}

#[tokio::test]
async fn a_restart_changes_no_decision() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = folder.path().join("fraud").join("remembered");
    let batches = generated(5, 6_000, 10);
    let (undisturbed, _) = judged(Arc::new(LinearStore::default()), None);
    for batch in &batches {
        undisturbed.send(batch, &IngestOptions::default()).await;
    }
    let expected = decisions(undisturbed.store.as_ref()).await;
    assert!(expected.len() > 300, "{}", expected.len());

    let store: Arc<dyn LogStore> = Arc::new(LinearStore::default());
    let (mut shop, mut running) = judged(store.clone(), Some(&snapshot));
    for (number, batch) in batches.iter().enumerate() {
        // Killed, now and then behind a snapshot, once with a damaged one.
        if number % 3 == 2 {
            (shop, running) = judged(store.clone(), Some(&snapshot));
        }
        shop.send(batch, &IngestOptions::default()).await;
        if number % 4 == 1 {
            running.keep().await.unwrap();
        }
        if number == 6 {
            std::fs::write(&snapshot, b"VGFRAUD1 damaged").unwrap();
        }
    }
    assert_eq!(decisions(store.as_ref()).await, expected);
}

#[tokio::test]
async fn payments_that_cannot_be_judged_are_named_and_none_is_stored() {
    let (shop, detection) = judged(Arc::new(LinearStore::default()), None);
    let check = async |body: Json, kind: ErrorKind, words: &str| {
        let stores = (&shop.ingest, shop.store.as_ref());
        let error = detect(&detection, stores, &shop.scope, Bytes::from(body.to_string())).await;
        let error = error.expect_err(&body.to_string());
        assert_eq!(error.kind, kind, "{body}: {error}");
        assert!(error.message.contains(words), "{body}: {error}");
    };
    let fine = |more: &Json| payment(5, 1, more);
    check(json!({"transaction_id": "t"}), ErrorKind::Invalid, "\"amount\" is missing").await;
    check(json!({"amount": 5}), ErrorKind::Invalid, "\"transaction_id\" is missing").await;
    check(fine(&json!({"amount": -1})), ErrorKind::Invalid, "\"amount\" is -1").await;
    check(fine(&json!({"amount": "NaN"})), ErrorKind::Invalid, "no number").await;
    check(fine(&json!({"amount": 1e300})), ErrorKind::Invalid, "no number").await;
    check(fine(&json!({"amount": null})), ErrorKind::Invalid, "no number").await;
    check(fine(&json!({"currency": "DOUBLOON"})), ErrorKind::Invalid, "ISO 4217").await;
    check(fine(&json!({"note": "x".repeat(70_000)})), ErrorKind::Invalid, "65536").await;
    check(fine(&json!({"note": "x".repeat(1_200_000)})), ErrorKind::Invalid, "payment 1").await;
    check(json!([fine(&json!({})), {"amount": 1}]), ErrorKind::Invalid, "payment 2").await;
    check(payment(-86_400, 1, &json!({})), ErrorKind::Invalid, "payment 1").await;
    check(json!([]), ErrorKind::Invalid, "no payment").await;
    assert_eq!(shop.total().await, 0);
}

#[tokio::test]
async fn whoever_waits_gets_the_same_answer_again() {
    let logs: Arc<dyn LogStore> = Arc::new(LinearStore::default());
    let (shop, detection) = judged(logs.clone(), None);
    let body = Bytes::from(json!([payment(9, 1, &json!({})), payment(8, 2, &json!({}))]).to_string());
    // What was just stored is not read back: nothing is found in another store.
    let elsewhere = LinearStore::default();
    let first = detect(&detection, (&shop.ingest, &elsewhere), &shop.scope, body.clone()).await.unwrap();
    let again = detect(&detection, (&shop.ingest, &elsewhere), &shop.scope, body.clone()).await.unwrap();
    assert_eq!(first.len(), 2);
    assert_eq!(first, again);
    assert_eq!(shop.total().await, 4, "two payments and two decisions");
    assert_eq!(first[1].id, Some(EventId("fraud-t-2".into())));
    let (shop, restarted) = judged(logs, None);
    let stores = (&shop.ingest, shop.store.as_ref());
    let found = detect(&restarted, stores, &shop.scope, body).await.unwrap();
    assert_eq!(found, first, "read back from the store");
}

#[tokio::test]
async fn a_payment_that_was_forgotten_gets_the_answer_that_is_stored() {
    let bounds = Bounds { keys_max: 8, ..BOUNDS };
    let settings = FraudSettings { thresholds: Thresholds::default(), bounds, snapshot: None };
    let detection = Arc::new(FraudDetection::new(settings, clock()).unwrap());
    let shop = Shop::on(Arc::new(detection.in_front_of(Arc::new(LinearStore::default()))));
    let stores = (&shop.ingest, shop.store.as_ref());
    let ask = async |number: usize, more: &Json| {
        let body = Bytes::from(payment(100 - number as i64, number, more).to_string());
        detect(&detection, stores, &shop.scope, body).await.unwrap()
    };
    let first = ask(1, &json!({})).await;
    for number in 2..30 {
        ask(number, &json!({})).await;
    }
    // By now rules are others, and nobody remembers that this payment was judged.
    let rule = RuleDefinition::draft("all", "true", 90);
    detection.put_in_force(RuleSet::new(vec![rule], Thresholds::default()).unwrap());
    assert_eq!(ask(1, &json!({"note": "sent again"})).await, first);
    assert_eq!(shop.total().await, 2 * 29);
}

#[tokio::test]
async fn attacks_of_the_generated_shop_are_found() {
    let rules = RuleSet::new(BUILTIN_RULES.iter().map(Builtin::definition).collect(), Thresholds::default()).unwrap();
    let mut evaluation = Evaluation::new(Arc::new(rules), BOUNDS);
    let decode = DecodeOptions::new(NOW, settings().redactor);
    for batch in generated(77, 60_000, 48) {
        evaluation.take(&decode_bytes(batch.as_bytes(), &decode).unwrap().events);
    }
    let report = evaluation.report();
    let found: u64 = report.kinds.values().map(|kind| kind.found_count).sum();
    let all: u64 = report.kinds.values().map(|kind| kind.attack_count).sum();
    assert!(all >= 10 && found * 10 >= all * 8, "{report:#?}");
    assert!(report.clean_count > 3_000 && report.false_alert_share() <= 0.005, "{report:#?}");
}
