//! What the tests of accounts stand on: a store in memory and a clock that stands still until it is moved.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use async_trait::async_trait;
use serde_json::Value as Json;
use vigie_domain::ports::{Document, Filter, FindRequest, MetadataStore};
use vigie_domain::{Error, ErrorKind, Result, Timestamp};
use vigie_testkit::MemoryMetadataStore;

use super::{Accounts, AccountsSettings, HashCost, Role, Session, TokenKeys};

const SECRET: &[u8; 32] = b"a secret that only tests know !!";
pub(super) const PASSWORD: &str = "quiet-lantern-42-orbit";
pub(super) const OTHER_PASSWORD: &str = "slow-harbour-17-candle";

/// Accounts on a store in memory, and the clock that they look at.
pub(super) struct House {
    pub(super) accounts: Accounts,
    pub(super) store: Arc<dyn MetadataStore>,
    now_s: Arc<AtomicI64>,
}

impl House {
    pub(super) fn new() -> Self {
        Self::on(Arc::new(MemoryMetadataStore::default()), Arc::new(AtomicI64::new(1_800_000_000)))
    }

    /// Another process on the same store.
    pub(super) fn neighbour(&self) -> Self {
        Self::on(Arc::clone(&self.store), Arc::clone(&self.now_s))
    }

    pub(super) fn on(store: Arc<dyn MetadataStore>, now_s: Arc<AtomicI64>) -> Self {
        let keys = TokenKeys::from_secrets(SECRET, None).unwrap();
        let told = Arc::clone(&now_s);
        let clock = Arc::new(move || Timestamp::from_seconds(told.load(Ordering::SeqCst)));
        let settings = AccountsSettings { hash_cost: HashCost::FOR_TESTS };
        let accounts = Accounts::open_with(Arc::clone(&store), keys, clock, settings).unwrap();
        Self { accounts, store, now_s }
    }

    pub(super) async fn with_anne() -> Self {
        let house = Self::new();
        house.accounts.add_user("anne", Role::Analyst, PASSWORD).await.unwrap();
        house
    }

    pub(super) fn pass(&self, seconds: i64) {
        self.now_s.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(super) async fn login(&self) -> Session {
        self.accounts.login("anne", PASSWORD, address(1)).await.unwrap()
    }

    pub(super) async fn accepts(&self, session: &Session) -> bool {
        self.accounts.authenticate(&session.access_token).await.is_ok()
    }

    pub(super) async fn change_user(&self, username: &str, field: &str, value: Json) {
        let filters = vec![Filter { field: "username".into(), value: username.into() }];
        let found = self.store.find("users", &FindRequest { filters, limit: 1, after: None }).await.unwrap();
        let mut body = found[0].body.clone();
        body[field] = value;
        self.store.replace("users", &found[0].id, found[0].revision, body).await.unwrap();
    }

    pub(super) async fn count(&self, collection: &str) -> usize {
        self.store
            .find(collection, &FindRequest { filters: Vec::new(), limit: 1_000, after: None })
            .await
            .unwrap()
            .len()
    }
}

pub(super) fn address(last: u8) -> IpAddr {
    IpAddr::from([203, 0, 113, last])
}

#[track_caller]
pub(super) fn is_unauthenticated<T: std::fmt::Debug>(answer: Result<T>) {
    assert_eq!(answer.unwrap_err().kind, ErrorKind::Unauthenticated);
}

/// A store that can go away.
#[derive(Default)]
pub(super) struct FragileStore {
    inner: MemoryMetadataStore,
    pub(super) is_down: AtomicBool,
}

impl FragileStore {
    fn reach(&self) -> Result<&MemoryMetadataStore> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "the store is down"));
        }
        Ok(&self.inner)
    }
}

#[async_trait]
impl MetadataStore for FragileStore {
    async fn insert(&self, collection: &str, id: &str, body: Json, unique: &[&str]) -> Result<Document> {
        self.reach()?.insert(collection, id, body, unique).await
    }

    async fn replace(&self, collection: &str, id: &str, expected_revision: u64, body: Json) -> Result<Document> {
        self.reach()?.replace(collection, id, expected_revision, body).await
    }

    async fn get(&self, collection: &str, id: &str) -> Result<Option<Document>> {
        self.reach()?.get(collection, id).await
    }

    async fn find(&self, collection: &str, request: &FindRequest) -> Result<Vec<Document>> {
        self.reach()?.find(collection, request).await
    }

    async fn count(&self, collection: &str, filters: &[Filter]) -> Result<u64> {
        self.reach()?.count(collection, filters).await
    }

    async fn delete(&self, collection: &str, id: &str) -> Result<bool> {
        self.reach()?.delete(collection, id).await
    }
}
