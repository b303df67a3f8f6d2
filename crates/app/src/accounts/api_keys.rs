//! API keys: for programs that send or ask in a user's name, for as long and as much as their maker allows.
//!
//! Only a hash of the secret is stored. A key is worth no more than its owner is now: their role, and whether they may
//! log in, are looked at with every use. A new password of the owner does not end it; deleting it does, at once.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vigie_domain::ports::{Document, Filter, FindRequest, MetadataStore};
use vigie_domain::time::{NANOS_PER_DAY, NANOS_PER_SECOND};
use vigie_domain::{Error, ErrorKind, Result, Timestamp};

use super::caller::{Caller, Proof};
use super::key_scope::KeyScope;
use super::key_text::KeyText;
use super::live_callers::LiveCaller;
use super::permission::Role;
use super::service::Accounts;
use crate::listing::{ListRequest, Listed};
use crate::records::{encoded, record_of};

/// Collection of API keys.
const API_KEYS: &str = "api_keys";
/// Keys of one user.
pub const KEYS_PER_USER_MAX: usize = 100;
/// Keys that are listed in all; an installation with more is told that the total is not exact.
const LISTED_MAX: usize = 10_000;
/// Longest name of a key, in characters.
const NAME_CHARS_MAX: usize = 100;
/// How long a key is good unless its maker says otherwise, in days.
const EXPIRES_IN_DAYS: u32 = 365;
/// How long a key is good at most, in days.
const EXPIRES_IN_DAYS_MAX: u32 = 3_650;
/// A use within so many seconds of the one noted is not noted anew.
const USE_NOTED_EVERY_S: i64 = 60;

/// What a key is made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewKey {
    /// What it is for, in words.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<KeyScope>,
    /// How long it is good; a year unless said.
    pub expires_in_days: Option<u32>,
}

/// An API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Never changes and is never used again.
    pub id: String,
    /// What it is for, in words.
    pub name: String,
    /// Id of the user in whose name it acts.
    pub owner_id: String,
    /// Their name.
    pub owner: String,
    /// What it may be used for.
    pub scopes: Vec<KeyScope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops to be good.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// A key that was just made, and its text, which nobody sees again.
#[derive(Clone, Debug)]
pub struct MadeKey {
    /// The key.
    pub key: ApiKey,
    /// Its text.
    pub text: KeyText,
}

/// The body of a key's document.
#[derive(Clone, Serialize, Deserialize)]
struct KeyRecord {
    name: String,
    owner_id: String,
    /// As it was when the key was made; names do not change.
    owner: String,
    secret_sha256: String,
    scopes: Vec<KeyScope>,
    created_at: Timestamp,
    expires_at: Timestamp,
    last_used_at: Option<Timestamp>,
}

/// A key's document.
struct StoredKey {
    id: String,
    record: KeyRecord,
    revision: u64,
}

/// The API keys in a store.
pub(super) struct ApiKeys {
    store: Arc<dyn MetadataStore>,
    /// One new key at a time, so that nobody gets more than they may have.
    making: tokio::sync::Mutex<()>,
}

impl Accounts {
    /// Makes a key that acts in the caller's name.
    ///
    /// # Errors
    /// `Invalid` when name, scopes or expiry are wrong; `Conflict` when the caller has too many keys.
    pub async fn make_key(&self, caller: &Caller, new: &NewKey) -> Result<MadeKey> {
        let name = checked_name(&new.name)?;
        let scopes = checked_scopes(&new.scopes)?;
        let days = checked_days(new.expires_in_days)?;
        let (text, now) = (KeyText::random()?, self.now());
        let record = KeyRecord {
            name,
            owner_id: caller.user_id.clone(),
            owner: caller.username.clone(),
            secret_sha256: text.sha256(),
            scopes,
            created_at: now,
            expires_at: now.saturating_add_nanos(i64::from(days).saturating_mul(NANOS_PER_DAY)),
            last_used_at: None,
        };
        let stored = self.api_keys.add(text.id(), record).await?;
        tracing::info!(user_id = caller.user_id, key_id = stored.id, "an API key was made");
        Ok(MadeKey { key: stored.key(), text })
    }

    /// The caller's keys, latest made first; an admin sees everybody's.
    ///
    /// # Errors
    /// `Malformed` or `Invalid` when the page asked for cannot be.
    pub async fn keys(&self, caller: &Caller, request: &ListRequest) -> Result<Listed<ApiKey>> {
        let owner = (caller.role < Role::Admin).then_some(caller.user_id.as_str());
        let mut keys: Vec<ApiKey> =
            self.api_keys.of_owner(owner, LISTED_MAX).await?.iter().map(StoredKey::key).collect();
        let is_exact = keys.len() < LISTED_MAX;
        keys.sort_by_key(|key| std::cmp::Reverse(key.position()));
        request.page(keys, is_exact, ApiKey::position)
    }

    /// A key of the caller; an admin sees everybody's.
    ///
    /// # Errors
    /// `NotFound` when there is none, or it is somebody else's.
    pub async fn key(&self, caller: &Caller, id: &str) -> Result<ApiKey> {
        let stored = self.api_keys.get(id).await?;
        let is_visible = |stored: &StoredKey| caller.role == Role::Admin || stored.record.owner_id == caller.user_id;
        stored
            .filter(is_visible)
            .map(|stored| stored.key())
            .ok_or_else(|| Error::not_found(format!("there is no API key \"{id}\"; GET /api/api-keys lists yours")))
    }

    /// Deletes a key of the caller, as an admin anybody's: it is good for nothing from now on.
    ///
    /// # Errors
    /// As `key`.
    pub async fn delete_key(&self, caller: &Caller, id: &str) -> Result<ApiKey> {
        let key = self.key(caller, id).await?;
        self.api_keys.store.delete(API_KEYS, id).await?;
        self.live.forget_all_of(&key.owner_id);
        tracing::info!(user_id = caller.user_id, key_id = key.id, owner_id = key.owner_id, "an API key was deleted");
        Ok(key)
    }

    /// In whose name the bearer of the key acts. What another process changed is seen within a second.
    ///
    /// # Errors
    /// `Unauthenticated` unless the key is there and has not expired, and its owner may log in.
    pub async fn authenticate_key(&self, text: &KeyText) -> Result<Caller> {
        let now = self.now();
        let live_name = format!("key {}", text.sha256());
        if let Some(caller) = self.live.get(&live_name, now) {
            return Ok(caller);
        }
        let generation = self.live.generation();
        let is_good =
            |stored: &StoredKey| stored.record.secret_sha256 == text.sha256() && now < stored.record.expires_at;
        let stored = self.api_keys.get(text.id()).await?.filter(is_good).ok_or_else(invalid_key)?;
        let owner = self.users.get(&stored.record.owner_id).await?;
        let owner = owner.filter(|owner| owner.record.enabled).ok_or_else(invalid_key)?;
        let proof = Proof::Key { id: stored.id.clone(), scopes: stored.record.scopes.clone() };
        let caller = Caller::of(owner, proof);
        let live = LiveCaller { caller: caller.clone(), expires_at: stored.record.expires_at };
        self.api_keys.note_use(stored, now).await;
        self.live.remember(&live_name, live, now, generation);
        Ok(caller)
    }
}

impl ApiKeys {
    /// The keys in that store.
    pub(super) fn new(store: Arc<dyn MetadataStore>) -> Self {
        Self { store, making: tokio::sync::Mutex::default() }
    }

    async fn add(&self, id: &str, record: KeyRecord) -> Result<StoredKey> {
        let _one_at_a_time = self.making.lock().await;
        if self.of_owner(Some(&record.owner_id), KEYS_PER_USER_MAX).await?.len() >= KEYS_PER_USER_MAX {
            let words = format!("you have {KEYS_PER_USER_MAX} API keys, as many as there may be; delete one first");
            return Err(Error::new(ErrorKind::Conflict, words));
        }
        decoded(self.store.insert(API_KEYS, id, encoded(&record)?, &[]).await?)
    }

    async fn get(&self, id: &str) -> Result<Option<StoredKey>> {
        self.store.get(API_KEYS, id).await?.map(decoded).transpose()
    }

    /// Keys of the owner, or of everybody.
    async fn of_owner(&self, owner_id: Option<&str>, limit: usize) -> Result<Vec<StoredKey>> {
        let filter = |id: &str| Filter { field: "owner_id".to_owned(), value: id.into() };
        let filters = owner_id.map(filter).into_iter().collect();
        let found = self.store.find(API_KEYS, &FindRequest { filters, limit, after: None }).await?;
        found.into_iter().map(decoded).collect()
    }

    /// Notes that the key is being used. That it could not be noted is no reason to refuse its bearer.
    async fn note_use(&self, stored: StoredKey, now: Timestamp) {
        let StoredKey { id, mut record, revision } = stored;
        let noted_until = |at: Timestamp| at.saturating_add_nanos(USE_NOTED_EVERY_S * NANOS_PER_SECOND);
        if record.last_used_at.is_some_and(|at| at <= now && now < noted_until(at)) {
            return;
        }
        record.last_used_at = Some(now);
        let written = match encoded(&record) {
            Ok(body) => self.store.replace(API_KEYS, &id, revision, body).await.map(drop),
            Err(error) => Err(error),
        };
        match written {
            Ok(()) => {}
            // Another request or process has noted it, or the key was deleted a moment ago.
            Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::NotFound) => {}
            Err(error) => tracing::warn!(key_id = id, %error, "the use of an API key could not be noted"),
        }
    }
}

impl ApiKey {
    /// What keys are listed by.
    fn position(&self) -> (Timestamp, String) {
        (self.created_at, self.id.clone())
    }
}

impl StoredKey {
    /// What may be shown of it.
    fn key(&self) -> ApiKey {
        let record = self.record.clone();
        ApiKey {
            id: self.id.clone(),
            name: record.name,
            owner_id: record.owner_id,
            owner: record.owner,
            scopes: record.scopes,
            created_at: record.created_at,
            expires_at: record.expires_at,
            last_used_at: record.last_used_at,
        }
    }
}

fn checked_name(typed: &str) -> Result<String> {
    let name = typed.trim();
    let is_long = name.chars().nth(NAME_CHARS_MAX).is_some();
    if name.is_empty() || is_long || name.chars().any(char::is_control) {
        let message = format!("name the key in 1 to {NAME_CHARS_MAX} characters on one line, by what it is for");
        return Err(Error::invalid_field("name", message));
    }
    Ok(name.to_owned())
}

/// Each scope once, in the order of the list.
fn checked_scopes(asked: &[KeyScope]) -> Result<Vec<KeyScope>> {
    let scopes: Vec<KeyScope> = KeyScope::ALL.into_iter().filter(|scope| asked.contains(scope)).collect();
    if scopes.is_empty() {
        let message = "name at least one scope, for example [\"ingest\"]; a key without any is good for nothing";
        return Err(Error::invalid_field("scopes", message));
    }
    Ok(scopes)
}

fn checked_days(asked: Option<u32>) -> Result<u32> {
    let days = asked.unwrap_or(EXPIRES_IN_DAYS);
    if (1..=EXPIRES_IN_DAYS_MAX).contains(&days) {
        return Ok(days);
    }
    let message = format!("\"expires_in_days\" is {days}; a key is good for 1 to {EXPIRES_IN_DAYS_MAX} days");
    Err(Error::invalid_field("expires_in_days", message))
}

/// The one answer to every key that is not accepted.
fn invalid_key() -> Error {
    Error::new(ErrorKind::Unauthenticated, "the API key is not valid, has expired or was deleted; make a new one")
}

fn decoded(document: Document) -> Result<StoredKey> {
    let (id, revision) = (document.id.clone(), document.revision);
    Ok(StoredKey { id, revision, record: record_of(API_KEYS, document)? })
}
