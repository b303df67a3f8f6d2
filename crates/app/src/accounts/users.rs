//! Users as documents: how they are stored, found and changed.
//!
//! Whatever ends a user's sessions raises `session_epoch` in the same write, so that no session begun
//! before it can outlive it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vigie_domain::ports::{Document, Filter, FindRequest, MetadataStore};
use vigie_domain::{Error, ErrorKind, Result, Timestamp};

use super::permission::Role;
use super::random::random_id;
use super::username::Username;
use crate::records::{encoded, record_of};

/// Collection of users.
const USERS: &str = "users";
/// Field that no two users share.
const UNIQUE_NAME: &str = "username_folded";
/// How often a change is tried again after somebody else changed the same user.
const ATTEMPTS_MAX: usize = 5;

/// A user, without anything secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Never changes and is never used again.
    pub id: String,
    /// As it was typed when the user was added.
    pub username: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may log in.
    pub enabled: bool,
    /// When they were added.
    pub created_at: Timestamp,
    /// When the password was last set.
    pub password_changed_at: Timestamp,
}

/// The body of a user's document.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct UserRecord {
    pub(super) username: String,
    pub(super) username_folded: String,
    pub(super) password_hash: String,
    pub(super) role: Role,
    pub(super) enabled: bool,
    pub(super) created_at: Timestamp,
    pub(super) password_changed_at: Timestamp,
    /// Sessions of a smaller epoch have ended.
    pub(super) session_epoch: u64,
}

/// A user's document.
#[derive(Clone)]
pub(super) struct StoredUser {
    pub(super) id: String,
    pub(super) record: UserRecord,
    revision: u64,
}

/// The users in a store.
pub(super) struct Users {
    store: Arc<dyn MetadataStore>,
}

impl UserRecord {
    /// A user who may log in from now on.
    pub(super) fn new(username: &Username, role: Role, password_hash: String, now: Timestamp) -> Self {
        Self {
            username: username.shown().to_owned(),
            username_folded: username.folded().to_owned(),
            password_hash,
            role,
            enabled: true,
            created_at: now,
            password_changed_at: now,
            session_epoch: 1,
        }
    }
}

impl StoredUser {
    /// What may be shown of them.
    pub(super) fn user(&self) -> User {
        let record = &self.record;
        User {
            id: self.id.clone(),
            username: record.username.clone(),
            role: record.role,
            enabled: record.enabled,
            created_at: record.created_at,
            password_changed_at: record.password_changed_at,
        }
    }
}

impl Users {
    /// The users in that store.
    pub(super) fn new(store: Arc<dyn MetadataStore>) -> Self {
        Self { store }
    }

    /// Adds a user; `Conflict` when the name is taken.
    pub(super) async fn add(&self, record: UserRecord) -> Result<StoredUser> {
        let added = self.store.insert(USERS, &random_id()?, encoded(&record)?, &[UNIQUE_NAME]).await;
        match added {
            Ok(document) => decoded(document),
            Err(error) if error.kind == ErrorKind::Conflict => Err(Error::new(
                ErrorKind::Conflict,
                format!("a user named \"{}\" exists already; choose another name", record.username),
            )),
            Err(error) => Err(error),
        }
    }

    /// Whether there is any user.
    pub(super) async fn is_empty(&self) -> Result<bool> {
        Ok(self.store.find(USERS, &FindRequest { filters: Vec::new(), limit: 1, after: None }).await?.is_empty())
    }

    /// The user of that id.
    pub(super) async fn get(&self, id: &str) -> Result<Option<StoredUser>> {
        self.store.get(USERS, id).await?.map(decoded).transpose()
    }

    /// The user of that name, in whatever letter case.
    pub(super) async fn by_name(&self, folded: &str) -> Result<Option<StoredUser>> {
        let filters = vec![Filter { field: UNIQUE_NAME.to_owned(), value: folded.into() }];
        let found = self.store.find(USERS, &FindRequest { filters, limit: 1, after: None }).await?;
        found.into_iter().next().map(decoded).transpose()
    }

    /// Whether somebody else is an admin who may log in.
    pub(super) async fn has_other_admin(&self, id: &str) -> Result<bool> {
        let filters = vec![
            Filter { field: "role".to_owned(), value: Role::Admin.as_str().into() },
            Filter { field: "enabled".to_owned(), value: true.into() },
        ];
        let found = self.store.find(USERS, &FindRequest { filters, limit: 2, after: None }).await?;
        Ok(found.iter().any(|document| document.id != id))
    }

    /// Changes the user of that name, again when somebody else changed them meanwhile.
    pub(super) async fn change(
        &self,
        username: &Username,
        change: impl Fn(&mut UserRecord) + Send + Sync,
    ) -> Result<StoredUser> {
        let mut last_error = None;
        for _ in 0..ATTEMPTS_MAX {
            let Some(mut stored) = self.by_name(username.folded()).await? else {
                return Err(no_such_user(username));
            };
            change(&mut stored.record);
            let body = encoded(&stored.record)?;
            match self.store.replace(USERS, &stored.id, stored.revision, body).await {
                Ok(document) => return decoded(document),
                Err(error) if error.kind == ErrorKind::Conflict => last_error = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last_error.unwrap_or_else(|| no_such_user(username)))
    }
}

/// What is said of a name that nobody has.
pub(super) fn no_such_user(username: &Username) -> Error {
    Error::not_found(format!("there is no user named \"{}\"", username.shown()))
}

fn decoded(document: Document) -> Result<StoredUser> {
    let (id, revision) = (document.id.clone(), document.revision);
    Ok(StoredUser { id, revision, record: record_of(USERS, document)? })
}
