//! API keys, through the public door.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::json;
use vigie_domain::ports::{FindRequest, MetadataStore};
use vigie_domain::{ErrorKind, Timestamp};

use super::test_house::{FragileStore, House, OTHER_PASSWORD, PASSWORD, address, is_unauthenticated};
use super::{Caller, KEYS_PER_USER_MAX, KeyScope, KeyText, MadeKey, NewKey, Permission, Proof, Role};
use crate::listing::ListRequest;

const DAY_S: i64 = 24 * 3_600;

impl House {
    async fn caller(&self, username: &str) -> Caller {
        self.accounts.authenticate_password(username, PASSWORD, address(1)).await.unwrap()
    }

    async fn make_key(&self, username: &str, scopes: &[KeyScope]) -> MadeKey {
        let new = NewKey { name: " a till ".into(), scopes: scopes.to_vec(), expires_in_days: Some(30) };
        self.accounts.make_key(&self.caller(username).await, &new).await.unwrap()
    }

    async fn takes(&self, made: &MadeKey) -> vigie_domain::Result<Caller> {
        self.accounts.authenticate_key(&KeyText::parse(&made.text.plain()).unwrap()).await
    }

    async fn ids(&self, username: &str) -> Vec<String> {
        let listed = self.accounts.keys(&self.caller(username).await, &ListRequest::default()).await.unwrap();
        assert_eq!((listed.total, listed.is_total_exact), (listed.entries.len() as u64, true));
        listed.entries.into_iter().map(|key| key.id).collect()
    }
}

#[tokio::test]
async fn a_key_acts_in_its_makers_name_within_its_scopes() {
    let house = House::with_anne().await;
    let made = house.make_key("anne", &[KeyScope::Read, KeyScope::Ingest, KeyScope::Read]).await;
    let now = Timestamp::from_seconds(1_800_000_000);
    assert_eq!((made.key.name.as_str(), made.key.owner.as_str(), made.key.created_at), ("a till", "anne", now));
    assert_eq!(made.key.scopes, [KeyScope::Ingest, KeyScope::Read]);
    let caller = house.takes(&made).await.unwrap();
    let scopes = vec![KeyScope::Ingest, KeyScope::Read];
    assert_eq!(caller.proof, Proof::Key { id: made.key.id.clone(), scopes });
    assert_eq!((caller.username.as_str(), caller.role), ("anne", Role::Analyst));
    assert!(caller.require(Permission::LogsIngest).is_ok());
    assert!(caller.require(Permission::KeysManage).is_err());
    assert!(house.accounts.logout(&caller).await.is_ok() && house.takes(&made).await.is_ok());
}

#[tokio::test]
async fn the_secret_is_stored_nowhere() {
    let house = House::with_anne().await;
    let made = house.make_key("anne", &[KeyScope::Read]).await;
    house.takes(&made).await.unwrap();
    let stored =
        house.store.find("api_keys", &FindRequest { filters: Vec::new(), limit: 10, after: None }).await.unwrap();
    let plain = made.text.plain();
    // `vigie_ID_SECRET`; the secret may itself hold a `_`.
    let secret = plain.splitn(3, '_').nth(2).unwrap();
    assert_eq!(secret.len(), 43);
    assert!(stored.len() == 1 && !format!("{stored:?}").contains(secret));
    assert!(!format!("{made:?}").contains(secret));
}

#[tokio::test]
async fn made_up_keys_are_refused_alike() {
    let house = House::with_anne().await;
    let made = house.make_key("anne", &[KeyScope::Read]).await;
    let id = &made.key.id;
    let (known, unknown) =
        (format!("vigie_{id}_{}", "x".repeat(43)), format!("vigie_{}_{}", "f".repeat(32), "x".repeat(43)));
    let mut answers = Vec::new();
    for text in [&known, &unknown, "vigie_0_0"] {
        answers.push(house.accounts.authenticate_key(&KeyText::parse(text).unwrap()).await.unwrap_err());
    }
    assert_eq!(answers[0].kind, ErrorKind::Unauthenticated);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn a_key_ends_when_it_expires_or_is_deleted() {
    let house = House::with_anne().await;
    let (expiring, deleted) =
        (house.make_key("anne", &[KeyScope::Read]).await, house.make_key("anne", &[KeyScope::Read]).await);
    assert!(house.takes(&deleted).await.is_ok());
    let anne = house.caller("anne").await;
    assert_eq!(house.accounts.key(&anne, &deleted.key.id).await.unwrap().id, deleted.key.id);
    assert!(house.takes(&deleted).await.is_ok(), "looking at it ends nothing");
    house.accounts.delete_key(&anne, &deleted.key.id).await.unwrap();
    is_unauthenticated(house.takes(&deleted).await);
    house.pass(30 * DAY_S - 1);
    assert!(house.takes(&expiring).await.is_ok());
    house.pass(1);
    is_unauthenticated(house.takes(&expiring).await);
    assert_eq!(house.ids("anne").await, [expiring.key.id], "an expired key is still shown");
}

#[tokio::test]
async fn a_key_is_worth_no_more_than_its_owner() {
    let house = House::with_anne().await;
    let made = house.make_key("anne", &KeyScope::ALL).await;
    assert_eq!(house.takes(&made).await.unwrap().role, Role::Analyst);
    house.change_user("anne", "role", json!("viewer")).await;
    house.pass(1);
    let caller = house.takes(&made).await.unwrap();
    assert!(caller.require(Permission::LogsIngest).is_err() && caller.require(Permission::LogsRead).is_ok());
    house.accounts.set_enabled("anne", false).await.unwrap();
    is_unauthenticated(house.takes(&made).await);
    house.accounts.set_enabled("anne", true).await.unwrap();
    house.accounts.reset_password("anne", OTHER_PASSWORD).await.unwrap();
    assert!(house.takes(&made).await.is_ok(), "a new password does not end it");
}

#[tokio::test]
async fn what_another_process_deletes_is_seen_within_a_second() {
    let house = House::with_anne().await;
    let made = house.make_key("anne", &[KeyScope::Read]).await;
    let neighbour = house.neighbour();
    assert!(neighbour.takes(&made).await.is_ok());
    house.accounts.delete_key(&house.caller("anne").await, &made.key.id).await.unwrap();
    house.pass(1);
    is_unauthenticated(neighbour.takes(&made).await);
}

#[tokio::test]
async fn one_sees_ones_own_keys_and_an_admin_everybodys() {
    let house = House::with_anne().await;
    house.accounts.add_user("mona", Role::Moderator, PASSWORD).await.unwrap();
    house.accounts.add_user("root", Role::Admin, PASSWORD).await.unwrap();
    let annes = house.make_key("anne", &[KeyScope::Read]).await.key.id;
    house.pass(1);
    let monas = house.make_key("mona", &[KeyScope::Read]).await.key.id;
    assert_eq!(house.ids("anne").await, [annes.as_str()]);
    assert_eq!(house.ids("mona").await, [monas.as_str()]);
    assert_eq!(house.ids("root").await, [monas.clone(), annes.clone()], "latest made first");
    let (anne, mona, root) = (house.caller("anne").await, house.caller("mona").await, house.caller("root").await);
    let foreign = house.accounts.delete_key(&mona, &annes).await.unwrap_err();
    let unknown = house.accounts.delete_key(&mona, "0a").await.unwrap_err();
    assert_eq!((foreign.kind, unknown.kind), (ErrorKind::NotFound, ErrorKind::NotFound));
    assert_eq!(foreign.message.replace(&annes, "0a"), unknown.message);
    assert!(house.accounts.delete_key(&root, &annes).await.is_ok());
    assert!(house.accounts.key(&anne, &annes).await.is_err());
}

#[tokio::test]
async fn the_last_use_is_noted_to_the_minute() {
    let house = House::with_anne().await;
    let made = house.make_key("anne", &[KeyScope::Read]).await;
    let anne = house.caller("anne").await;
    let last_used_s = async || {
        let key = house.accounts.key(&anne, &made.key.id).await.unwrap();
        key.last_used_at.map(|at| at.as_seconds() - 1_800_000_000)
    };
    assert_eq!(last_used_s().await, None);
    for (passes_s, expected) in [(5, 5), (59, 5), (1, 65), (0, 65)] {
        house.pass(passes_s);
        house.takes(&made).await.unwrap();
        assert_eq!(last_used_s().await, Some(expected), "{passes_s}");
    }
}

#[tokio::test]
async fn wrong_wishes_are_refused_by_field() {
    let house = House::with_anne().await;
    let anne = house.caller("anne").await;
    let check = async |name: &str, scopes: &[KeyScope], expires_in_days: Option<u32>, field: &str| {
        let new = NewKey { name: name.into(), scopes: scopes.to_vec(), expires_in_days };
        let error = house.accounts.make_key(&anne, &new).await.unwrap_err();
        assert_eq!((error.kind, error.details[0].field.as_str()), (ErrorKind::Invalid, field), "{name}");
    };
    let read = [KeyScope::Read];
    check("  ", &read, None, "name").await;
    check("two\nlines", &read, None, "name").await;
    check(&"é".repeat(101), &read, None, "name").await;
    check("no scope", &[], None, "scopes").await;
    check("no time", &read, Some(0), "expires_in_days").await;
    check("too long", &read, Some(3_651), "expires_in_days").await;
    let long = NewKey { name: "é".repeat(100), scopes: read.to_vec(), expires_in_days: Some(3_650) };
    assert!(house.accounts.make_key(&anne, &long).await.is_ok());
    let usual = NewKey { expires_in_days: None, ..long };
    let made = house.accounts.make_key(&anne, &usual).await.unwrap().key;
    assert_eq!(made.expires_at.as_seconds() - made.created_at.as_seconds(), 365 * DAY_S);
}

#[tokio::test]
async fn nobody_has_more_keys_than_allowed() {
    let house = House::with_anne().await;
    let anne = house.caller("anne").await;
    let new = NewKey { name: "one of many".into(), scopes: vec![KeyScope::Read], expires_in_days: None };
    let making = (0..KEYS_PER_USER_MAX + 5).map(|_| house.accounts.make_key(&anne, &new));
    let answers = futures_util::future::join_all(making).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), KEYS_PER_USER_MAX);
    let refused = answers.into_iter().find_map(Result::err).unwrap();
    assert_eq!(refused.kind, ErrorKind::Conflict);
}

#[tokio::test]
async fn an_outage_of_the_store_lets_no_key_in() {
    let store = Arc::new(FragileStore::default());
    let house = House::on(Arc::clone(&store) as Arc<dyn MetadataStore>, Arc::new(AtomicI64::new(1_800_000_000)));
    house.accounts.add_user("anne", Role::Analyst, PASSWORD).await.unwrap();
    let made = house.make_key("anne", &[KeyScope::Read]).await;
    store.is_down.store(true, Ordering::SeqCst);
    assert_eq!(house.takes(&made).await.unwrap_err().kind, ErrorKind::Unavailable);
    store.is_down.store(false, Ordering::SeqCst);
    assert!(house.takes(&made).await.is_ok());
}
