//! Cases, labels and changed rules: one holder each, outcomes that weigh at once, rules that fail without harm.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use vigie_domain::ports::{LogStore, MetadataStore};
use vigie_domain::{ErrorKind, EventId, Scope, TimeRange, Timestamp, Value};
use vigie_fraud::rules::{Mode, RuleDefinition};
use vigie_testkit::{LinearStore, MemoryMetadataStore};

use super::tests::{detection, payment};
use super::{
    CaseFilter, CaseList, CaseOutcome, CaseState, FraudCases, Label, RuleBook, RuleChange, TagChange, decision_of,
};
use crate::accounts::{Caller, Proof, Role};
use crate::ingest::IngestOptions;
use crate::listing::ListRequest;
use crate::test_shop::{Shop, clock, lines, settings};

/// Those of all times.
fn asked(list: CaseList) -> CaseFilter {
    CaseFilter { list, tag: None, range: TimeRange { from: Timestamp::MIN, to: Timestamp::MAX } }
}

pub(super) fn caller(name: &str) -> Caller {
    Caller {
        user_id: format!("id-{name}"),
        username: name.to_owned(),
        role: Role::Analyst,
        proof: Proof::Session { id: "s".to_owned() },
    }
}

/// A shop with cases, over stores that outlive it.
struct Desk {
    shop: Shop,
    cases: FraudCases,
}

impl Desk {
    fn on(logs: Arc<dyn LogStore>, metadata: &Arc<dyn MetadataStore>, snapshot: Option<&Path>) -> Self {
        let detection = Arc::new(detection(snapshot).with_labels_in(metadata.clone()));
        let shop = Shop::on(Arc::new(detection.in_front_of(logs)));
        let stores = (shop.store.clone(), metadata.clone());
        Self { cases: FraudCases::new(stores, detection, settings().redactor, clock()), shop }
    }

    fn new() -> Self {
        let metadata: Arc<dyn MetadataStore> = Arc::new(MemoryMetadataStore::default());
        Self::on(Arc::new(LinearStore::default()), &metadata, None)
    }

    async fn send(&self, payments: &[Json]) {
        self.shop.send(&lines(payments), &IngestOptions::default()).await;
    }

    /// What is said of a payment: the rules that fired.
    async fn rules(&self, transaction_id: &str) -> String {
        let id = EventId(format!("fraud-{transaction_id}"));
        let hit = decision_of(self.shop.store.as_ref(), &Scope::main(), &id).await.unwrap().unwrap();
        let rules = hit.source.into_iter().find(|(name, _)| name == "rules").map(|(_, value)| value);
        serde_json::to_string(&rules.unwrap_or(Value::Null)).unwrap()
    }
}

#[tokio::test]
async fn a_rule_that_fails_is_off_and_payments_go_on() {
    let metadata: Arc<dyn MetadataStore> = Arc::new(MemoryMetadataStore::default());
    let logs: Arc<dyn LogStore> = Arc::new(LinearStore::default());
    let detection = Arc::new(detection(None).with_labels_in(metadata.clone()));
    let shop = Shop::on(Arc::new(detection.in_front_of(logs.clone())));
    let book = RuleBook::new(metadata.clone(), detection.clone(), clock());
    let rule = |expression: &str| RuleDefinition::draft("odd", expression, 90);
    let (anne, scope) = (caller("anne"), Scope::main());
    book.put(&anne, rule("100 / (user.count_30d - 1) > 5"), None).await.unwrap();
    for number in 0..2 {
        let report =
            shop.send(&lines(&[payment(90 - number as i64, number, &json!({}))]), &IngestOptions::default()).await;
        assert_eq!(report.accepted, 1);
    }
    let reports = detection.rules();
    let odd = reports.iter().find(|report| report.rule.name == "odd").unwrap();
    assert_eq!((odd.rule.mode, odd.hit_count), (Mode::Off, 0));
    assert!(odd.failure.as_deref().is_some_and(|why| why.contains("zero")), "{odd:?}");
    let decided = decision_of(logs.as_ref(), &scope, &EventId("fraud-t-1".into())).await.unwrap();
    assert!(decided.is_some(), "the payment behind it was judged all the same");
    // Mended, it is in force again, also after a restart.
    book.put(&anne, rule("user.count_30d > 2"), Some(1)).await.unwrap();
    let stale = book.put(&anne, rule("true"), Some(1)).await.map_err(|error| error.kind);
    assert_eq!(stale.err(), Some(ErrorKind::Conflict));
    let desk = Desk::on(logs, &metadata, None);
    desk.send(&[payment(80, 5, &json!({}))]).await;
    assert!(desk.rules("t-5").await.contains("odd"), "{}", desk.rules("t-5").await);
}

/// Payments of which the third and later ones are suspected.
fn rapid(count: usize) -> Vec<Json> {
    (0..count).map(|number| payment(1_500 - number as i64, number, &json!({}))).collect()
}

#[tokio::test]
async fn two_people_cannot_take_one_case() {
    let desk = Desk::new();
    desk.send(&rapid(1_002)).await;
    let scope = Scope::main();
    let (anne, bob) = (caller("anne"), caller("bob"));
    for number in 2..1_002 {
        let id = format!("fraud-t-{number}");
        let (left, right) = tokio::join!(desk.cases.take(&scope, &anne, &id), desk.cases.take(&scope, &bob, &id));
        let refused = [&left, &right].into_iter().filter_map(|taken| taken.as_ref().err()).collect::<Vec<_>>();
        assert_eq!(refused.len(), 1, "{id}");
        assert_eq!(refused[0].kind, ErrorKind::Conflict);
        assert!(refused[0].message.contains("held by"), "{}", refused[0]);
    }
}

#[tokio::test]
async fn a_case_goes_from_hand_to_hand_and_is_closed_once() {
    let desk = Desk::new();
    desk.send(&rapid(4)).await;
    let (scope, anne, bob) = (Scope::main(), caller("anne"), caller("bob"));
    let id = "fraud-t-2";
    assert_eq!(desk.cases.get(&scope, id).await.unwrap().record.state, CaseState::Open);
    desk.cases.take(&scope, &anne, id).await.unwrap();
    desk.cases.take(&scope, &anne, id).await.unwrap();
    let kind = |result: vigie_domain::Result<super::Case>| result.map_err(|error| error.kind).err();
    assert_eq!(kind(desk.cases.release(&scope, &bob, id).await), Some(ErrorKind::Conflict));
    assert_eq!(kind(desk.cases.close(&scope, &bob, (id, CaseOutcome::Valuable)).await), Some(ErrorKind::Conflict));
    let noted = desk.cases.note(&scope, &bob, (id, "card 4242 4242 4242 4242 looks odd")).await.unwrap();
    assert!(!noted.record.notes[0].text.contains("4242 4242 4242"), "{:?}", noted.record.notes);
    assert_eq!(kind(desk.cases.note(&scope, &bob, (id, "  ")).await), Some(ErrorKind::Invalid));
    desk.cases.release(&scope, &anne, id).await.unwrap();
    assert_eq!(kind(desk.cases.release(&scope, &anne, id).await), Some(ErrorKind::Conflict));
    let closed = desk.cases.close(&scope, &bob, (id, CaseOutcome::FalsePositive)).await.unwrap();
    assert_eq!((closed.record.state, closed.record.holder.as_deref()), (CaseState::Closed, Some("bob")));
    assert_eq!(kind(desk.cases.take(&scope, &anne, id).await), Some(ErrorKind::Conflict));
    assert_eq!(kind(desk.cases.get(&scope, "fraud-nobody").await), Some(ErrorKind::NotFound));
    let ids = async |which: CaseList, who: &Caller| {
        let listed = desk.cases.list(&scope, who, &asked(which), &ListRequest::default()).await.unwrap();
        listed.entries.into_iter().map(|case| case.decision.id.0).collect::<Vec<_>>()
    };
    assert_eq!(ids(CaseList::Open, &anne).await, ["fraud-t-3"]);
    assert_eq!(ids(CaseList::All, &anne).await, ["fraud-t-3", "fraud-t-2"]);
    desk.cases.take(&scope, &anne, "fraud-t-3").await.unwrap();
    assert_eq!(
        (ids(CaseList::Mine, &anne).await, ids(CaseList::Mine, &bob).await),
        (vec!["fraud-t-3".to_owned()], vec![])
    );
}

#[tokio::test]
async fn tags_are_put_on_and_taken_off_and_find_cases() {
    let desk = Desk::new();
    desk.send(&rapid(4)).await;
    let (scope, anne, bob, id) = (Scope::main(), caller("anne"), caller("bob"), "fraud-t-3");
    let texts = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
    let change = |add: &[&str], remove: &[&str]| TagChange::new(&texts(add), &texts(remove)).unwrap();
    desk.cases.take(&scope, &anne, id).await.unwrap();
    desk.cases.note(&scope, &bob, (id, "a note beside them")).await.unwrap();
    let (one, other) = (change(&[" Chargeback "], &[]), change(&["ring: north", "chargeback"], &[]));
    let both = tokio::join!(desk.cases.tag(&scope, (id, &one)), desk.cases.tag(&scope, (id, &other)));
    assert!(both.0.is_ok() && both.1.is_ok());
    let tags: Vec<String> = desk.cases.get(&scope, id).await.unwrap().record.tags.into_iter().collect();
    assert_eq!(tags, ["chargeback", "ring: north"]);
    let found = async |tag: &str| {
        let filter = CaseFilter { tag: Some(tag.to_owned()), ..asked(CaseList::All) };
        desk.cases.list(&scope, &anne, &filter, &ListRequest::default()).await.unwrap().entries.len()
    };
    assert_eq!((found("chargeback").await, found("other").await), (1, 0));
    let left = desk.cases.tag(&scope, (id, &change(&["ring: south"], &["ring: north", "unknown"]))).await.unwrap();
    assert_eq!(left.record.tags.into_iter().collect::<Vec<_>>(), ["chargeback", "ring: south"]);
    let many: Vec<String> = (0..19).map(|number| format!("tag-{number}")).collect();
    let error = desk.cases.tag(&scope, (id, &TagChange::new(&many, &[]).unwrap())).await.unwrap_err();
    assert!(error.kind == ErrorKind::Invalid && error.message.contains("21 tags"), "{error:?}");
    let card = change(&["4242 4242 4242 4242"], &[]);
    assert_eq!(desk.cases.tag(&scope, (id, &card)).await.unwrap_err().kind, ErrorKind::Invalid);
    for wrong in ["", "  ", "a,b", "<b>", &"a".repeat(41)] {
        assert!(TagChange::new(&texts(&[wrong]), &[]).is_err(), "{wrong}");
    }
    assert!(TagChange::new(&[], &[]).is_err());
}

#[tokio::test]
async fn open_cases_are_found_behind_many_closed_ones() {
    let desk = Desk::new();
    desk.send(&rapid(30)).await;
    let (scope, anne) = (Scope::main(), caller("anne"));
    for number in 10..30 {
        desk.cases.close(&scope, &anne, (&format!("fraud-t-{number}"), CaseOutcome::Valuable)).await.unwrap();
    }
    let request = ListRequest { limit: Some(3), cursor: None };
    let first = desk.cases.list(&scope, &anne, &asked(CaseList::Open), &request).await.unwrap();
    assert_eq!(first.entries.len(), 3);
    let request = ListRequest { limit: Some(200), cursor: first.next_cursor };
    let rest = desk.cases.list(&scope, &anne, &asked(CaseList::Open), &request).await.unwrap();
    assert_eq!((rest.entries.len(), rest.next_cursor), (5, None));
}

#[tokio::test]
async fn a_confirmed_fraud_weighs_on_the_next_payment_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = folder.path().join("remembered");
    let logs: Arc<dyn LogStore> = Arc::new(LinearStore::default());
    let metadata: Arc<dyn MetadataStore> = Arc::new(MemoryMetadataStore::default());
    let (scope, anne) = (Scope::main(), caller("anne"));
    let of_card =
        |number: usize, user: &str| payment(90 - number as i64, number, &json!({"user_id": user, "card_hash": "c-9"}));

    let desk = Desk::on(logs.clone(), &metadata, Some(&snapshot));
    desk.send(&[of_card(1, "u-7")]).await;
    desk.send(&[of_card(2, "u-8")]).await;
    assert_eq!(desk.rules("t-2").await, "[]");
    let report =
        desk.cases.label(&anne, &[("t-1".into(), Label::Fraud), ("t-none".into(), Label::Fraud)]).await.unwrap();
    assert_eq!((report.applied, report.unknown), (1, vec!["t-none".to_owned()]));
    desk.send(&[of_card(3, "u-9")]).await;
    assert!(desk.rules("t-3").await.contains("known_fraud"), "{}", desk.rules("t-3").await);

    // Without a snapshot the label is read back, and so it is when it came behind one.
    let desk = Desk::on(logs.clone(), &metadata, None);
    desk.send(&[of_card(4, "u-10")]).await;
    assert!(desk.rules("t-4").await.contains("known_fraud"));

    let closed = desk.cases.reopen(&scope, &anne, "fraud-t-4").await.map_err(|error| error.kind);
    assert_eq!(closed.err(), Some(ErrorKind::Conflict), "it was never closed");
    desk.cases.close(&scope, &anne, ("fraud-t-4", CaseOutcome::Confirmed)).await.unwrap();
    desk.cases.reopen(&scope, &anne, "fraud-t-4").await.unwrap();
    desk.cases.label(&anne, &[("t-1".into(), Label::Legitimate)]).await.unwrap();
    desk.send(&[of_card(5, "u-11")]).await;
    assert!(!desk.rules("t-5").await.contains("known_fraud"), "{}", desk.rules("t-5").await);
}

#[tokio::test]
async fn a_case_is_put_off_comes_back_and_is_late() {
    let desk = Desk::new();
    desk.send(&[payment(90_000, 1, &json!({})), payment(89_990, 2, &json!({})), payment(89_980, 3, &json!({}))]).await;
    let (scope, anne, bob) = (Scope::main(), caller("anne"), caller("bob"));
    let ids = async |which: CaseList| {
        let found = desk.cases.list(&scope, &anne, &asked(which), &ListRequest::default()).await.unwrap();
        found.entries.into_iter().map(|case| case.decision.id.0).collect::<Vec<_>>()
    };
    let id = "fraud-t-3";
    assert_eq!((ids(CaseList::Late).await, ids(CaseList::Snoozed).await.len()), (vec![id.to_owned()], 0));
    let later = clock()().saturating_add_nanos(3_600_000_000_000);
    let case = desk.cases.snooze(&scope, &anne, (id, Some(later))).await.unwrap();
    assert_eq!((case.record.state, case.record.snoozed_until), (CaseState::Taken, Some(later)));
    assert_eq!((ids(CaseList::Open).await.len(), ids(CaseList::Late).await.len()), (0, 0));
    assert_eq!((ids(CaseList::Snoozed).await, ids(CaseList::Mine).await.len()), (vec![id.to_owned()], 1));
    let refused = desk.cases.snooze(&scope, &bob, (id, None)).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    for wrong in [clock()(), clock()().saturating_add_nanos(181 * 86_400_000_000_000)] {
        assert_eq!(desk.cases.snooze(&scope, &anne, (id, Some(wrong))).await.unwrap_err().kind, ErrorKind::Invalid);
    }
    desk.cases.snooze(&scope, &anne, (id, None)).await.unwrap();
    assert_eq!(ids(CaseList::Late).await, [id]);
    desk.cases.close(&scope, &anne, (id, CaseOutcome::Valuable)).await.unwrap();
    assert_eq!(ids(CaseList::Late).await, [""; 0]);
    assert_eq!(desk.cases.snooze(&scope, &anne, (id, Some(later))).await.unwrap_err().kind, ErrorKind::Conflict);
}

#[tokio::test]
async fn an_escalated_case_is_decided_by_who_may_change_rules() {
    let desk = Desk::new();
    desk.send(&rapid(4)).await;
    let (scope, anne, bob, id) = (Scope::main(), caller("anne"), caller("bob"), "fraud-t-3");
    let zoe = Caller { role: Role::Moderator, ..caller("zoe") };
    let kind = |result: vigie_domain::Result<super::Case>| result.map_err(|error| error.kind).err();
    let ids = async |which: CaseList| {
        let found = desk.cases.list(&scope, &anne, &asked(which), &ListRequest::default()).await.unwrap();
        found.entries.into_iter().map(|case| case.decision.id.0).collect::<Vec<_>>()
    };
    desk.cases.take(&scope, &anne, id).await.unwrap();
    assert_eq!(kind(desk.cases.escalate(&scope, &bob, (id, "mine")).await), Some(ErrorKind::Conflict));
    assert_eq!(kind(desk.cases.escalate(&scope, &anne, (id, " ")).await), Some(ErrorKind::Invalid));
    let words = " a ring? card 4242 4242 4242 4242 ";
    let escalated = desk.cases.escalate(&scope, &anne, (id, words)).await.unwrap().record;
    let escalation = escalated.escalation.clone().unwrap();
    assert_eq!((escalated.state, escalation.by.as_str(), escalation.at), (CaseState::Open, "anne", clock()()));
    assert!(escalation.reason.starts_with("a ring?") && !escalation.reason.contains("4242 4242 4242"));
    assert_eq!(
        (ids(CaseList::Open).await, ids(CaseList::Escalated).await),
        (vec!["fraud-t-2".into()], vec![id.into()])
    );
    for who in [&anne, &bob] {
        assert_eq!(kind(desk.cases.take(&scope, who, id).await), Some(ErrorKind::Forbidden));
        assert_eq!(kind(desk.cases.snooze(&scope, who, (id, None)).await), Some(ErrorKind::Forbidden));
        let closed = desk.cases.close(&scope, who, (id, CaseOutcome::Valuable)).await.unwrap_err();
        assert!(closed.kind == ErrorKind::Forbidden && closed.message.contains("moderator"), "{closed}");
        assert_eq!(kind(desk.cases.escalate(&scope, who, (id, "again")).await), Some(ErrorKind::Conflict));
    }
    // Who escalated it may think better of it until somebody took it.
    assert_eq!(kind(desk.cases.deescalate(&scope, &bob, id).await), Some(ErrorKind::Forbidden));
    assert_eq!(desk.cases.deescalate(&scope, &anne, id).await.unwrap().record.escalation, None);
    assert_eq!(kind(desk.cases.deescalate(&scope, &anne, id).await), Some(ErrorKind::Conflict));
    desk.cases.escalate(&scope, &anne, (id, "a ring after all")).await.unwrap();
    desk.cases.take(&scope, &zoe, id).await.unwrap();
    assert_eq!(kind(desk.cases.deescalate(&scope, &anne, id).await), Some(ErrorKind::Conflict));
    desk.cases.deescalate(&scope, &zoe, id).await.unwrap();
    assert_eq!(ids(CaseList::Escalated).await, [""; 0]);
    desk.cases.escalate(&scope, &bob, (id, "mine this time")).await.unwrap();
    let closed = desk.cases.close(&scope, &zoe, (id, CaseOutcome::Confirmed)).await.unwrap().record;
    assert_eq!((closed.holder.as_deref(), closed.is_escalated()), (Some("zoe"), false));
    assert_eq!(closed.escalation.map(|escalation| escalation.by), Some("bob".to_owned()), "who asked is still known");
    assert_eq!(kind(desk.cases.reopen(&scope, &bob, id).await), Some(ErrorKind::Forbidden));
    assert_eq!(kind(desk.cases.deescalate(&scope, &zoe, id).await), Some(ErrorKind::Conflict));
}

#[tokio::test]
async fn a_change_of_a_rule_waits_for_a_second_person() {
    let metadata: Arc<dyn MetadataStore> = Arc::new(MemoryMetadataStore::default());
    let detection = Arc::new(detection(None));
    let book = RuleBook::new(metadata, detection.clone(), clock()).needing_second(true);
    let (anne, bob) = (caller("anne"), caller("bob"));
    let rule = |expression: &str| RuleDefinition::draft("mine", expression, 10);
    let is_in_force = || detection.rules().iter().any(|report| report.rule.name == "mine");
    let asked = book.put(&anne, rule("transaction.amount > 1.0"), Some(0)).await.unwrap();
    assert!(matches!(&asked, RuleChange::Proposed(change) if change.version == 1), "{asked:?}");
    assert!(!is_in_force());
    assert_eq!(book.proposals().await.unwrap().len(), 1);
    assert_eq!(book.approve(&anne, "mine").await.unwrap_err().kind, ErrorKind::Forbidden);
    assert_eq!(book.approve(&bob, "mine").await.unwrap().changed_by, "anne");
    assert!(is_in_force());
    assert_eq!(book.approve(&bob, "mine").await.unwrap_err().kind, ErrorKind::NotFound);
    book.delete(&bob, "mine", Some(1)).await.unwrap();
    assert!(is_in_force());
    assert_eq!(book.reject("mine").await.unwrap().rule, None);
    assert_eq!(book.proposals().await.unwrap(), []);
    assert!(book.put(&anne, rule("transaction.amount > "), Some(1)).await.is_err());
    assert_eq!(book.proposals().await.unwrap(), []);
}
