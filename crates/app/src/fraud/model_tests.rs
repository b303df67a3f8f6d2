//! Models over stores: trained, tried in shadow, put in force, and known after a restart.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value as Json, json};
use vigie_domain::ports::{LogStore, MetadataStore};
use vigie_domain::{ErrorKind, Object, Scope, TimeRange, Value};
use vigie_fraud::learning::Learner;
use vigie_testkit::{LinearStore, MemoryMetadataStore};

use super::case_tests::caller;
use super::tests::{detection, payment};
use super::{FraudDetection, JobState, Label, ModelBook, ModelRole, ModelVersion, decision_id, decision_of};
use crate::ingest::IngestOptions;
use crate::test_shop::{Shop, clock, lines};

/// Payments a minute apart; every thirtieth is a fraud of hundreds of euros.
const PAYMENTS: usize = 1_500;

struct School {
    shop: Shop,
    models: ModelBook,
    detection: Arc<FraudDetection>,
    metadata: Arc<dyn MetadataStore>,
}

impl School {
    fn on(logs: Arc<dyn LogStore>, metadata: &Arc<dyn MetadataStore>) -> Self {
        let detection = Arc::new(detection(None).with_labels_in(metadata.clone()));
        let shop = Shop::on(Arc::new(detection.in_front_of(logs)));
        let stores = (shop.store.clone(), metadata.clone());
        Self { models: ModelBook::new(stores, detection.clone(), clock()), metadata: metadata.clone(), detection, shop }
    }

    async fn send(&self, payments: &[Json]) {
        self.shop.send(&lines(payments), &IngestOptions::default()).await;
    }

    async fn decision(&self, transaction_id: &str) -> Object {
        let found = decision_of(self.shop.store.as_ref(), &Scope::main(), &decision_id(transaction_id)).await.unwrap();
        found.unwrap().source
    }

    async fn trained(&self) -> JobState<ModelVersion> {
        self.trained_by(Learner::Trees).await
    }

    async fn trained_by(&self, learner: Learner) -> JobState<ModelVersion> {
        let begun = self.models.train(&caller("ann"), TimeRange::ALL, learner).await.unwrap();
        self.ended(&begun.id).await
    }

    async fn ended(&self, id: &str) -> JobState<ModelVersion> {
        loop {
            match self.models.training(id).unwrap().state {
                JobState::Running => tokio::task::yield_now().await,
                state => return state,
            }
        }
    }
}

fn paid(number: usize) -> Json {
    let amount = if number.is_multiple_of(30) { 400 + number % 7 } else { 10 + number % 40 };
    let user = format!("u-{}", number % 97);
    let second = 60 * (PAYMENTS - number) as i64;
    payment(second, number, &json!({"user_id": user, "card_hash": format!("c-{user}"), "amount": amount}))
}

fn field<'a>(body: &'a Object, name: &str) -> Option<&'a Value> {
    body.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

#[tokio::test]
async fn a_model_is_trained_tried_in_shadow_put_in_force_and_known_after_a_restart() {
    let logs: Arc<dyn LogStore> = Arc::new(LinearStore::default());
    let metadata: Arc<dyn MetadataStore> = Arc::new(MemoryMetadataStore::default());
    let school = School::on(logs.clone(), &metadata);
    school.send(&(1..PAYMENTS - 10).map(paid).collect::<Vec<_>>()).await;
    let JobState::Failed(error) = school.trained().await else { panic!("nothing is labelled") };
    assert!(error.message.contains("label more payments"), "{error}");
    let frauds: Vec<(String, Label)> =
        (1..PAYMENTS / 30).map(|place| (format!("t-{}", 30 * place), Label::Fraud)).collect();
    let stores = (school.shop.store.as_ref(), school.metadata.as_ref());
    school.detection.label(stores, "ann", &frauds).await.unwrap();
    // Labels that were given just now taught nothing before: what is judged by them is still to come.
    let JobState::Failed(_) = school.trained().await else { panic!("labels of now are no labels of then") };
    backdate_labels(metadata.as_ref()).await;
    let JobState::Done(model) = school.trained().await else { panic!("{:?}", school.trained().await) };
    assert_eq!((model.version, model.role, model.trained_by.as_str()), (1, ModelRole::Idle, "ann"));
    assert!(model.report.model.unwrap().area_under_roc > 0.95, "{:?}", model.report);

    school.models.assign(&caller("bob"), 1, ModelRole::Challenger).await.unwrap();
    let large = |number: usize| {
        payment(
            (PAYMENTS - number) as i64,
            number,
            &json!({"user_id": format!("u-{}", number % 97), "card_hash": format!("c-u-{}", number % 97), "amount": 405}),
        )
    };
    school.send(&[large(PAYMENTS - 3)]).await;
    let shadow = school.decision(&format!("t-{}", PAYMENTS - 3)).await;
    assert_eq!(field(&shadow, "model_version").and_then(Value::as_text), Some("rules"));
    assert_eq!(field(&shadow, "challenger_version").and_then(Value::as_text), Some("model-1"));
    let Some(Value::Int(suspicion)) = field(&shadow, "challenger_score") else { panic!("{shadow:?}") };
    assert!(*suspicion >= 45, "{shadow:?}");

    assert_eq!(
        school.models.assign(&caller("bob"), 1, ModelRole::Active).await.unwrap().role_by.as_deref(),
        Some("bob")
    );
    let again = School::on(logs, &metadata);
    again.send(&[large(PAYMENTS - 2)]).await;
    let judged = again.decision(&format!("t-{}", PAYMENTS - 2)).await;
    assert_eq!(field(&judged, "model_version").and_then(Value::as_text), Some("model-1"), "{judged:?}");
    let rules = serde_json::to_string(field(&judged, "rules").unwrap()).unwrap();
    assert!(rules.contains("\"model\""), "{rules}");
    assert_eq!(again.models.delete(1).await.unwrap_err().kind, ErrorKind::Conflict);
    again.models.assign(&caller("bob"), 1, ModelRole::Idle).await.unwrap();
    again.models.delete(1).await.unwrap();
    assert_eq!(again.models.models().await.unwrap(), []);
    assert_eq!(again.models.assign(&caller("bob"), 1, ModelRole::Active).await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn without_any_label_a_model_knows_what_is_usual() {
    let (logs, metadata): (Arc<dyn LogStore>, Arc<dyn MetadataStore>) =
        (Arc::new(LinearStore::default()), Arc::new(MemoryMetadataStore::default()));
    let school = School::on(logs, &metadata);
    school.send(&(1..PAYMENTS - 10).map(paid).collect::<Vec<_>>()).await;
    let JobState::Done(model) = school.trained_by(Learner::Tails).await else { panic!("it needs no label") };
    assert_eq!(
        (model.report.learner, model.report.training_fraud_count, model.report.model),
        (Learner::Tails, 0, None)
    );
    school.models.assign(&caller("bob"), model.version, ModelRole::Active).await.unwrap();
    let of = |number: usize, amount: usize| {
        let user = format!("u-{}", number % 97);
        let body = json!({"user_id": user, "card_hash": format!("c-{user}"), "amount": amount});
        payment((PAYMENTS - number) as i64, number, &body)
    };
    let (usual, rare) = (PAYMENTS - 3, PAYMENTS - 2);
    school.send(&[of(usual, 30), of(rare, 900)]).await;
    let said = |decision: &Object| serde_json::to_string(field(decision, "reasons").unwrap()).unwrap();
    let usual = school.decision(&format!("t-{usual}")).await;
    assert_eq!(field(&usual, "decision").and_then(Value::as_text), Some("allow"), "{usual:?}");
    let rare = school.decision(&format!("t-{rare}")).await;
    assert!(
        said(&rare).contains("the model finds suspicious") && said(&rare).contains("transaction.amount"),
        "{rare:?}"
    );
    assert_ne!(field(&rare, "decision").and_then(Value::as_text), Some("allow"), "{rare:?}");
}

/// As if every label had been given a minute after the oldest payment.
async fn backdate_labels(metadata: &dyn MetadataStore) {
    let request = vigie_domain::ports::FindRequest { filters: Vec::new(), limit: 1_000, after: None };
    for document in metadata.find("fraud_labels", &request).await.unwrap() {
        let mut body = document.body;
        let then = clock()().saturating_add_nanos(-60 * PAYMENTS as i64 * 1_000_000_000);
        body["at"] = serde_json::to_value(then).unwrap();
        metadata.replace("fraud_labels", &document.id, document.revision, body).await.unwrap();
    }
}

#[tokio::test]
async fn a_model_that_is_clearly_better_judges_at_once_where_that_is_wanted() {
    let logs: Arc<dyn LogStore> = Arc::new(LinearStore::default());
    let metadata: Arc<dyn MetadataStore> = Arc::new(MemoryMetadataStore::default());
    let school = School::on(logs, &metadata);
    let school = School { models: school.models.promoting(true), ..school };
    school.send(&(1..PAYMENTS - 10).map(paid).collect::<Vec<_>>()).await;
    let frauds: Vec<(String, Label)> =
        (1..PAYMENTS / 30).map(|place| (format!("t-{}", 30 * place), Label::Fraud)).collect();
    let stores = (school.shop.store.as_ref(), school.metadata.as_ref());
    school.detection.label(stores, "ann", &frauds).await.unwrap();
    backdate_labels(metadata.as_ref()).await;
    let JobState::Done(first) = school.trained().await else { panic!("it can be trained") };
    assert_eq!((first.role, first.role_by.as_deref()), (ModelRole::Active, Some("auto-promotion")));
    assert!(first.report.gain.is_some_and(|gain| gain.over.is_none() && gain.is_clear()), "{:?}", first.report.gain);
    assert_eq!(school.detection.state().scorer.models().active.as_ref().map(|(version, _)| *version), Some(1));
    // The same once more is no better.
    let JobState::Done(second) = school.trained().await else { panic!("it can be trained again") };
    assert_eq!((second.version, second.role, &second.role_by), (2, ModelRole::Idle, &None));
    assert!(
        second.report.gain.is_some_and(|gain| gain.over == Some(1) && !gain.is_clear()),
        "{:?}",
        second.report.gain
    );
    // What somebody chose while it was trained stands.
    school.models.assign(&caller("bob"), 2, ModelRole::Active).await.unwrap();
    let first = school.models.model(1).await.unwrap();
    assert_eq!(school.models.roles().promote(first.clone(), clock()()).await, first);
    assert_eq!(school.detection.state().scorer.models().active.as_ref().map(|(version, _)| *version), Some(2));
}

/// A model as XGBoost saves it: payments of 200 and more are frauds.
fn saved_by_xgboost(feature: &str) -> Bytes {
    let model = include_str!("../../../fraud/samples/xgboost/large_amounts.json");
    Bytes::from(model.replace("transaction.amount", feature))
}

#[tokio::test]
async fn a_model_that_learnt_elsewhere_is_judged_and_kept_and_may_judge() {
    let logs: Arc<dyn LogStore> = Arc::new(LinearStore::default());
    let metadata: Arc<dyn MetadataStore> = Arc::new(MemoryMetadataStore::default());
    let school = School::on(logs, &metadata);
    school.send(&(1..=PAYMENTS - 10).map(paid).collect::<Vec<_>>()).await;
    let (ann, all) = (caller("ann"), TimeRange::ALL);
    let refused = school.models.import(&ann, all, Bytes::from_static(b"{}")).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Invalid);
    assert!(refused.message.contains("save_model"), "{refused}");
    let unknown = school.models.import(&ann, all, saved_by_xgboost("amount")).await.unwrap();
    let JobState::Failed(error) = school.ended(&unknown.id).await else { panic!("there is no such signal") };
    assert!(error.message.contains("\"amount\""), "{error}");
    let begun = school.models.import(&ann, all, saved_by_xgboost("transaction.amount")).await.unwrap();
    let JobState::Done(model) = school.ended(&begun.id).await else { panic!("it is a model") };
    assert_eq!((model.version, model.role, model.report.learner), (1, ModelRole::Idle, Learner::Imported));
    assert_eq!((model.report.training_count, model.report.test_count), (0, (PAYMENTS - 10) as u64));
    assert_eq!((model.report.flagged_count as usize, model.report.gain), ((PAYMENTS - 10) / 30, None));

    let lessons = school.models.signals(all).await.unwrap();
    let table = lessons.csv_lines(0, PAYMENTS).unwrap();
    assert_eq!(table.lines().count(), PAYMENTS - 10 + 1);
    assert!(table.starts_with("at,fraud_known_at,transaction.amount,"), "{}", &table[..200]);

    school.models.assign(&ann, 1, ModelRole::Active).await.unwrap();
    school.send(&[payment(1, PAYMENTS, &json!({"user_id": "u-1", "card_hash": "c-u-1", "amount": 405}))]).await;
    let judged = school.decision(&format!("t-{PAYMENTS}")).await;
    assert_eq!(field(&judged, "model_version").and_then(Value::as_text), Some("model-1"), "{judged:?}");
}
