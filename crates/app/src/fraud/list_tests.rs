//! Lists and backtests over stores: in force at once and after a restart, tried without a trace.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use vigie_domain::ports::{LogStore, MetadataStore};
use vigie_domain::{ErrorKind, Scope, TimeRange, Timestamp};
use vigie_fraud::backtest::{BacktestReport, DecisionCounts};
use vigie_fraud::lists::ListKind;
use vigie_fraud::rules::{Effect, RuleDefinition};
use vigie_testkit::{LinearStore, MemoryMetadataStore};

use super::case_tests::caller;
use super::tests::{detection, payment};
use super::{Backtests, FraudDetection, JobState, Label, ListBook, ListDraft, decision_id, decision_of};
use crate::ingest::IngestOptions;
use crate::test_shop::{Shop, clock, lines, settings};

struct Lists {
    shop: Shop,
    lists: ListBook,
    backtests: Backtests,
    detection: Arc<FraudDetection>,
    metadata: Arc<dyn MetadataStore>,
}

impl Lists {
    fn on(logs: Arc<dyn LogStore>, metadata: &Arc<dyn MetadataStore>) -> Self {
        let detection = Arc::new(detection(None).with_labels_in(metadata.clone()));
        let shop = Shop::on(Arc::new(detection.in_front_of(logs)));
        Self {
            lists: ListBook::new(metadata.clone(), detection.clone(), settings().redactor, clock()),
            backtests: Backtests::new((shop.store.clone(), metadata.clone()), detection.clone()),
            metadata: metadata.clone(),
            detection,
            shop,
        }
    }

    fn new() -> Self {
        Self::on(Arc::new(LinearStore::default()), &memory())
    }

    async fn send(&self, payments: &[Json]) {
        self.shop.send(&lines(payments), &IngestOptions::default()).await;
    }

    async fn decision(&self, transaction_id: &str) -> String {
        let found = decision_of(self.shop.store.as_ref(), &Scope::main(), &decision_id(transaction_id)).await.unwrap();
        let decision = found.unwrap().source.into_iter().find(|(name, _)| name == "decision").unwrap().1;
        decision.as_text().unwrap().to_owned()
    }
}

fn memory() -> Arc<dyn MetadataStore> {
    Arc::new(MemoryMetadataStore::default())
}

fn blocked_user(value: &str) -> ListDraft {
    ListDraft {
        kind: ListKind::User,
        value: value.to_owned(),
        effect: Effect::Block,
        note: Some(" charged back ".to_owned()),
        expires_at: None,
    }
}

#[tokio::test]
async fn an_entry_is_in_force_at_once_after_a_restart_and_until_it_is_taken_off() {
    let (logs, metadata): (Arc<dyn LogStore>, _) = (Arc::new(LinearStore::default()), memory());
    let desk = Lists::on(logs.clone(), &metadata);
    let of = |second: i64, number: usize| payment(second, number, &json!({"user_id": "u-9"}));
    desk.send(&[of(90, 1)]).await;
    let kept = desk.lists.add(&caller("ann"), blocked_user("u-9")).await.unwrap();
    assert_eq!((kept.note.as_deref(), kept.added_by.as_str()), (Some("charged back"), "ann"));
    desk.send(&[of(80, 2)]).await;
    assert_eq!(desk.lists.get(&kept.id).await.unwrap().hit_count, 1);
    let again = Lists::on(logs, &metadata);
    again.send(&[of(70, 3)]).await;
    again.lists.remove(&kept.id).await.unwrap();
    again.send(&[of(10, 4)]).await;
    let mut decisions = Vec::new();
    for number in 1..=4 {
        decisions.push(again.decision(&format!("t-{number}")).await);
    }
    assert_eq!(decisions[..3], ["allow", "block", "block"]);
    assert_ne!(decisions[3], "block");
    assert_eq!(again.lists.get(&kept.id).await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn what_cannot_be_listed_is_refused_by_name() {
    let desk = Lists::new();
    desk.lists.add(&caller("ann"), blocked_user("u-1")).await.unwrap();
    let twice = desk.lists.add(&caller("bob"), blocked_user(" u-1 ")).await.unwrap_err();
    assert_eq!((twice.kind, twice.message.contains("\"u-1\"")), (ErrorKind::Conflict, true));
    let check = async |draft: ListDraft, field: &str| {
        let error = desk.lists.add(&caller("ann"), draft).await.unwrap_err();
        assert_eq!((error.kind, error.details[0].field.as_str()), (ErrorKind::Invalid, field), "{error}");
        assert!(!error.message.contains("4111"), "{error}");
    };
    check(blocked_user("4111 1111 1111 1111"), "value").await;
    check(blocked_user(""), "value").await;
    check(ListDraft { note: Some("card 4111111111111111".to_owned()), ..blocked_user("u-2") }, "note").await;
    check(ListDraft { note: Some("n".repeat(1_001)), ..blocked_user("u-2") }, "note").await;
    check(ListDraft { expires_at: Some(clock()()), ..blocked_user("u-2") }, "expires_at").await;
    assert_eq!(desk.lists.naming(ListKind::User, "u-1").await.unwrap().len(), 1);
}

fn draft(expression: &str) -> RuleDefinition {
    RuleDefinition::draft("draft", expression, 50)
}

/// The state of a backtest once it is not under way any more.
async fn ended(backtests: &Backtests, id: &str) -> JobState<BacktestReport> {
    loop {
        match backtests.get(id).unwrap().state {
            JobState::Running => tokio::task::yield_now().await,
            state => return state,
        }
    }
}

#[tokio::test]
async fn a_backtest_says_what_a_rule_would_have_done_and_changes_nothing() {
    let desk = Lists::new();
    let payments: Vec<Json> = (1..=4)
        .map(|number| {
            payment(
                900 - 100 * number,
                number as usize,
                &json!({"user_id": format!("u-{number}"), "card_hash": format!("c-{number}"), "amount": 100 * number}),
            )
        })
        .collect();
    desk.send(&payments).await;
    let stores = (desk.shop.store.as_ref(), desk.metadata.as_ref());
    desk.detection.label(stores, "ann", &[("t-4".to_owned(), Label::Fraud)]).await.unwrap();
    let begun = desk.backtests.begin(vec![draft("transaction.amount > 250.0")], TimeRange::ALL).unwrap();
    let JobState::Done(report) = ended(&desk.backtests, &begun.id).await else { panic!("it is not done") };
    let total = &report.rules[0].total;
    assert_eq!((report.payment_count, report.fraud_count, total.hit_count, total.fraud_hit_count), (4, 1, 2, 1));
    assert_eq!(total.money_saved.sums().collect::<Vec<_>>(), [("EUR", 400.0)]);
    assert_eq!((report.before, report.after.review), (DecisionCounts { allow: 4, review: 0, block: 0 }, 2));
    let status = desk.backtests.get(&begun.id).unwrap();
    assert_eq!((status.read_count, status.total_count), (4, 4));
    assert!(desk.detection.rules().iter().all(|report| report.rule.name != "draft"));
    // Of a range, only its payments are judged.
    let from = Timestamp::from_nanos(clock()().as_nanos() - 650_000_000_000);
    let begun = desk.backtests.begin(vec![draft("true")], TimeRange { from, to: Timestamp::MAX }).unwrap();
    let JobState::Done(report) = ended(&desk.backtests, &begun.id).await else { panic!("it is not done") };
    assert_eq!((report.payment_count, desk.backtests.get(&begun.id).unwrap().read_count), (2, 4));
}

#[tokio::test]
async fn backtests_are_bounded_refused_and_given_up() {
    let desk = Lists::new();
    let wrong = desk.backtests.begin(vec![draft("transaction.amout > 1.0")], TimeRange::ALL).unwrap_err();
    assert_eq!(wrong.details[0].field, "expression");
    assert_eq!(desk.backtests.begin(Vec::new(), TimeRange::ALL).unwrap_err().kind, ErrorKind::Invalid);
    let begun = desk.backtests.begin(vec![draft("true")], TimeRange::ALL).unwrap();
    let other = desk.backtests.begin(vec![draft("true")], TimeRange::ALL).unwrap_err();
    assert_eq!(other.kind, ErrorKind::Throttled);
    assert!(matches!(desk.backtests.cancel(&begun.id).unwrap().state, JobState::Cancelled));
    let next = desk.backtests.begin(vec![draft("true")], TimeRange::ALL).unwrap();
    assert!(matches!(ended(&desk.backtests, &next.id).await, JobState::Done(_)));
    assert!(matches!(desk.backtests.cancel(&next.id).unwrap().state, JobState::Done(_)));
    assert_eq!(desk.backtests.get("nobody").unwrap_err().kind, ErrorKind::NotFound);
}
