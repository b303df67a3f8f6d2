//! What is known of customers and what they share, and who is linked to a fraud.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use vigie_domain::ports::{LogStore, MetadataStore};
use vigie_domain::{Scope, TimeRange};
use vigie_testkit::{LinearStore, MemoryMetadataStore};

use super::tests::{detection, payment};
use super::{Entity, EntityKind, EntityProfile, FraudDetection, FraudEntities, Label};
use crate::ingest::IngestOptions;
use crate::test_shop::{Shop, lines};

struct House {
    shop: Shop,
    entities: FraudEntities,
    detection: Arc<FraudDetection>,
    metadata: Arc<dyn MetadataStore>,
}

impl House {
    async fn with(payments: &[Json]) -> Self {
        let metadata: Arc<dyn MetadataStore> = Arc::new(MemoryMetadataStore::default());
        let detection = Arc::new(detection(None).with_labels_in(metadata.clone()));
        let logs: Arc<dyn LogStore> = Arc::new(LinearStore::default());
        let shop = Shop::on(Arc::new(detection.in_front_of(logs)));
        shop.send(&lines(payments), &IngestOptions::default()).await;
        let entities = FraudEntities::new(shop.store.clone(), metadata.clone());
        Self { shop, entities, detection, metadata }
    }

    async fn profile(&self, kind: EntityKind, value: &str) -> EntityProfile {
        self.entities.profile(&Scope::main(), &(kind, value.to_owned()), TimeRange::ALL).await.unwrap()
    }

    async fn fraud(&self, transaction_id: &str) {
        let stores = (self.shop.store.as_ref(), self.metadata.as_ref());
        self.detection.label(stores, "ann", &[(transaction_id.to_owned(), Label::Fraud)]).await.unwrap();
    }
}

fn paid(number: usize, user: &str, device: &str, card: &str) -> Json {
    payment(1_000 - number as i64, number, &json!({"user_id": user, "device_id": device, "card_hash": card}))
}

fn device(value: &str) -> Entity {
    (EntityKind::Device, value.to_owned())
}

#[tokio::test]
async fn a_customer_is_linked_to_whoever_shares_a_device_or_a_card() {
    let house = House::with(&[
        paid(1, "u-1", "d-1", "c-1"),
        paid(2, "u-2", "d-1", "c-2"),
        paid(3, "u-3", "d-3", "c-2"),
        payment(
            5,
            4,
            &json!({"user_id": "u-1", "device_id": "d-4", "card_hash": "c-1", "status": "declined", "currency": "USD"}),
        ),
    ])
    .await;
    house.fraud("t-2").await;
    let found = house.profile(EntityKind::User, "u-1").await;
    assert_eq!((found.payment_count, found.declined_count, found.fraud_count), (2, 1, 0));
    assert_eq!(found.amounts.sums().collect::<Vec<_>>(), [("EUR", 20.5), ("USD", 20.5)]);
    assert_eq!(found.decisions.iter().map(|(_, count)| count).sum::<u64>(), 2);
    let (first, link) = &found.links[0];
    assert_eq!((first, link.payment_count, link.fraud_count, link.users.len()), (&device("d-1"), 2, 1, 2));
    let [(user, linked)] = found.linked_users.as_slice() else { panic!("{:?}", found.linked_users) };
    assert_eq!((user.as_str(), linked.fraud_count, linked.via.iter().next()), ("u-2", 1, Some(&device("d-1"))));
    let card = house.profile(EntityKind::Card, "c-2").await;
    let users: Vec<&str> = card.linked_users.iter().map(|(user, _)| user.as_str()).collect();
    assert_eq!((users, card.fraud_count), (vec!["u-2", "u-3"], 1));
    assert_eq!(house.profile(EntityKind::Email, "nobody").await, EntityProfile::default());
}

#[tokio::test]
async fn what_many_share_links_nobody() {
    let crowd =
        |count: usize| (1..=count).map(|number| paid(number, &format!("u-{number}"), "d-1", &format!("c-{number}")));
    let linked = async |count: usize| {
        let house = House::with(&crowd(count).collect::<Vec<_>>()).await;
        house.profile(EntityKind::User, "u-1").await.linked_users.len()
    };
    assert_eq!((linked(20).await, linked(21).await), (19, 0));
}
