//! People are told of each suspicious payment, once, also when a place was down or Vigie stopped meanwhile.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use vigie_domain::ports::{LogStore, MetadataStore, Notice};
use vigie_fraud::rules::Decision;
use vigie_testkit::notifier_suite::Mood;
use vigie_testkit::{LinearStore, MemoryMetadataStore, RecordingNotifier};

use super::tests::{detection, payment};
use super::{AlertSettings, FraudAlerts};
use crate::Clock;
use crate::ingest::IngestOptions;
use crate::test_shop::{Shop, clock, lines};

struct Desk {
    shop: Shop,
    metadata: Arc<dyn MetadataStore>,
    place: Arc<RecordingNotifier>,
}

impl Desk {
    fn new() -> Self {
        let logs: Arc<dyn LogStore> = Arc::new(LinearStore::default());
        let shop = Shop::on(Arc::new(Arc::new(detection(None)).in_front_of(logs)));
        Self { shop, metadata: Arc::new(MemoryMetadataStore::default()), place: Arc::default() }
    }

    async fn tell(&self, least: Decision) -> usize {
        self.tell_at(clock(), least).await
    }

    /// As after a start: nothing is remembered but what is stored.
    async fn tell_at(&self, clock: Clock, least: Decision) -> usize {
        let settings = AlertSettings { least, public_url: "https://vigie.example".to_owned() };
        let stores = (self.shop.store.clone(), self.metadata.clone());
        FraudAlerts::new(stores, vec![self.place.clone()], settings, clock).tell().await
    }

    async fn send(&self, payments: &[Json]) {
        self.shop.send(&lines(payments), &IngestOptions::default()).await;
    }

    fn taken(&self) -> Vec<Notice> {
        self.place.taken()
    }
}

/// Payments of one customer within minutes: from the third on, rapid.
fn rapid(user: &str, numbers: std::ops::Range<usize>) -> Vec<Json> {
    let more = json!({"user_id": user, "card_hash": format!("c-{user}")});
    numbers.map(|number| payment(300 - ((number - 1) % 250) as i64, number, &more)).collect()
}

#[tokio::test]
async fn each_suspicious_payment_is_told_once_and_many_are_one_notice() {
    let desk = Desk::new();
    desk.send(&rapid("before", 1..4)).await;
    assert_eq!(desk.tell(Decision::Review).await, 0, "what was there before is not told");
    // The clock of the test stands still: what arrives at the same instant is told.
    desk.send(&rapid("u", 10..15)).await;
    let told = desk.tell(Decision::Review).await;
    assert!(told >= 3, "{told}");
    assert_eq!(desk.tell(Decision::Review).await, 0);
    let [notice] = desk.taken().try_into().unwrap();
    assert!(notice.subject.contains(&format!("{told} suspicious payments")), "{notice:?}");
    assert!(notice.text.contains("https://vigie.example/fraud?case=fraud-t-14"), "{notice:?}");
    assert_eq!(notice.content["count"], json!(told));
    assert_eq!(notice.content["payments"][0]["decision"], "review");
    desk.send(&rapid("u", 15..16)).await;
    assert_eq!(desk.tell(Decision::Review).await, 1);
    assert_ne!(desk.taken()[1].id, notice.id);
}

#[tokio::test]
async fn a_place_that_is_down_is_told_later_with_the_same_id() {
    let desk = Desk::new();
    desk.tell(Decision::Review).await;
    desk.send(&rapid("u", 1..4)).await;
    for mood in [Mood::Busy, Mood::Refuses] {
        desk.place.set_mood(mood);
        assert_eq!(desk.tell(Decision::Review).await, 0);
    }
    desk.place.set_mood(Mood::Takes);
    assert_eq!(desk.tell(Decision::Review).await, 1);
    assert_eq!(desk.taken()[0].content["payments"][0]["transaction_id"], "t-3");
}

#[tokio::test]
async fn only_what_is_to_be_refused_is_told_when_that_is_asked() {
    let desk = Desk::new();
    desk.tell(Decision::Block).await;
    desk.send(&rapid("u", 1..4)).await;
    assert_eq!(desk.tell(Decision::Block).await, 0);
}

#[tokio::test]
async fn a_place_that_was_down_for_days_is_told_of_all_of_them() {
    let desk = Desk::new();
    desk.tell(Decision::Review).await;
    desk.send(&rapid("u", 1..4)).await;
    let in_a_week: Clock = Arc::new(|| clock()().saturating_add_nanos(7 * 86_400_000_000_000));
    desk.place.set_mood(Mood::Busy);
    assert_eq!(desk.tell_at(in_a_week.clone(), Decision::Review).await, 0);
    desk.place.set_mood(Mood::Takes);
    assert_eq!(desk.tell_at(in_a_week.clone(), Decision::Review).await, 1);
    assert_eq!(desk.tell_at(in_a_week, Decision::Review).await, 0);
}

#[tokio::test]
async fn an_attack_of_more_payments_than_a_notice_holds_is_told_to_its_end() {
    let desk = Desk::new();
    desk.tell(Decision::Review).await;
    for customer in 0..5 {
        let first = 250 * customer + 1;
        desk.send(&rapid(&format!("u-{customer}"), first..first + 250)).await;
    }
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(desk.tell(Decision::Review).await);
    }
    // Of each customer's payments the first two are not rapid.
    assert_eq!(told, [1_000, 5 * 248 - 1_000, 0]);
    desk.send(&rapid("u-0", 1_500..1_501)).await;
    assert_eq!(desk.tell(Decision::Review).await, 1);
}
