//! Saved searches: a name for what was typed.
//!
//! A name exists once per owner. A private search is its owner's alone, for anybody else it is not there; a shared one is
//! read by everybody of the tenant who may keep searches, and changed and deleted by its owner or an admin.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vigie_domain::error::ErrorDetail;
use vigie_domain::ports::{Document, Filter, FindRequest, MetadataStore};
use vigie_domain::{Error, ErrorKind, Result, Timestamp};
use vigie_pipeline::Redactor;

use super::content::SearchContent;
use crate::Clock;
use crate::accounts::{Caller, Role, random_id};
use crate::listing::{ListPosition, ListRequest, Listed};
use crate::records::{encoded, record_of};

/// Collection of saved searches.
const SAVED: &str = "saved_searches";
/// Field that no two of them share.
const UNIQUE_NAME: &str = "owned_name";
/// Saved searches of one user.
pub const SAVED_PER_USER_MAX: usize = 200;
/// Shared searches that are listed; a tenant with more is told that the total is not exact.
const SHARED_LISTED_MAX: usize = 2_000;
/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 100;

/// Who keeps searches, and of which tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchKeeper {
    /// Whose events are searched.
    pub tenant: String,
    /// Id of the user.
    pub user_id: String,
    /// Their name.
    pub username: String,
    /// Whether they look after what others share.
    pub is_admin: bool,
}

/// What a saved search is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchDraft {
    /// Its name.
    pub name: String,
    /// Whether others of the tenant see it.
    pub is_shared: bool,
    /// What it asks for.
    pub content: SearchContent,
}

/// A saved search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedSearch {
    /// Never changes and is never used again.
    pub id: String,
    /// One more with every change.
    pub version: u64,
    /// Its name.
    pub name: String,
    /// Whether others of the tenant see it.
    pub is_shared: bool,
    /// Id of the user who saved it.
    pub owner_id: String,
    /// Their name.
    pub owner: String,
    /// What it asks for.
    pub content: SearchContent,
    /// When it was saved.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The body of its document.
#[derive(Clone, Serialize, Deserialize)]
struct SavedRecord {
    tenant: String,
    /// Tenant, owner and folded name: what nobody else may have.
    owned_name: String,
    name: String,
    shared: bool,
    owner_id: String,
    /// As it was when the search was saved; names do not change.
    owner: String,
    content: SearchContent,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// The saved searches in a store.
pub struct SavedSearches {
    store: Arc<dyn MetadataStore>,
    redactor: Arc<Redactor>,
    clock: Clock,
    /// One new search at a time, so that nobody gets more than they may have.
    saving: tokio::sync::Mutex<()>,
}

impl SearchKeeper {
    /// The caller, as one who keeps searches of this tenant.
    pub fn of(tenant: &str, caller: &Caller) -> Self {
        Self {
            tenant: tenant.to_owned(),
            user_id: caller.user_id.clone(),
            username: caller.username.clone(),
            is_admin: caller.role == Role::Admin,
        }
    }

    fn sees(&self, record: &SavedRecord) -> bool {
        record.tenant == self.tenant && (record.shared || record.owner_id == self.user_id)
    }

    fn may_change(&self, search: &SavedSearch) -> bool {
        self.is_admin || search.owner_id == self.user_id
    }
}

impl SavedSearches {
    /// In this store; what this redactor takes out is not kept.
    pub fn new(store: Arc<dyn MetadataStore>, redactor: Arc<Redactor>, clock: Clock) -> Self {
        Self { store, redactor, clock, saving: tokio::sync::Mutex::default() }
    }

    /// Saves a search.
    ///
    /// # Errors
    /// `Invalid` or `Malformed` when name or content are wrong; `Conflict` when the keeper has one of that name, or as
    /// many as there may be.
    pub async fn save(&self, keeper: &SearchKeeper, draft: SearchDraft) -> Result<SavedSearch> {
        let now = (self.clock)();
        let (name, content) = self.checked(&draft.name, draft.content)?;
        let record = SavedRecord {
            tenant: keeper.tenant.clone(),
            owned_name: owned_name(&keeper.tenant, &keeper.user_id, &name),
            name,
            shared: draft.is_shared,
            owner_id: keeper.user_id.clone(),
            owner: keeper.username.clone(),
            content,
            created_at: now,
            updated_at: now,
        };
        let _one_at_a_time = self.saving.lock().await;
        if self.store.count(SAVED, &owned_by(keeper)).await? >= SAVED_PER_USER_MAX as u64 {
            let words =
                format!("you have {SAVED_PER_USER_MAX} saved searches, as many as there may be; delete one first");
            return Err(Error::new(ErrorKind::Conflict, words));
        }
        match self.store.insert(SAVED, &random_id()?, encoded(&record)?, &[UNIQUE_NAME]).await {
            Ok(document) => saved(document),
            Err(error) if error.kind == ErrorKind::Conflict => Err(name_taken(&record.name)),
            Err(error) => Err(error),
        }
    }

    /// The keeper's searches and those that others share, latest saved first.
    ///
    /// # Errors
    /// `Malformed` or `Invalid` when the page asked for cannot be.
    pub async fn list(&self, keeper: &SearchKeeper, request: &ListRequest) -> Result<Listed<SavedSearch>> {
        let shared = vec![of_tenant(keeper), Filter { field: "shared".to_owned(), value: true.into() }];
        let own = self.found(owned_by(keeper).to_vec(), SAVED_PER_USER_MAX).await?;
        let shared = self.found(shared, SHARED_LISTED_MAX).await?;
        let is_exact = shared.len() < SHARED_LISTED_MAX;
        let foreign = shared.into_iter().filter(|search| search.owner_id != keeper.user_id);
        let mut searches: Vec<SavedSearch> = own.into_iter().chain(foreign).collect();
        searches.sort_by_key(|search| std::cmp::Reverse(search.position()));
        request.page(searches, is_exact, SavedSearch::position)
    }

    /// A search that the keeper sees.
    ///
    /// # Errors
    /// `NotFound` when there is none, or it is somebody else's and not shared.
    pub async fn get(&self, keeper: &SearchKeeper, id: &str) -> Result<SavedSearch> {
        let no_such = || {
            let words = format!("there is no saved search \"{id}\"; GET /api/logs/search/saved lists what you see");
            Error::not_found(words)
        };
        let document = self.store.get(SAVED, id).await?.ok_or_else(no_such)?;
        let record: SavedRecord = record_of(SAVED, document.clone())?;
        if keeper.sees(&record) { Ok(record.search(document)) } else { Err(no_such()) }
    }

    /// A search that the keeper may change.
    ///
    /// # Errors
    /// As `get`; `Forbidden` when it is shared by somebody else and the keeper is no admin.
    pub async fn owned(&self, keeper: &SearchKeeper, id: &str) -> Result<SavedSearch> {
        let search = self.get(keeper, id).await?;
        if keeper.may_change(&search) {
            return Ok(search);
        }
        let words = format!(
            "the saved search \"{}\" is that of {}; ask them or an admin, or save one of your own",
            search.name, search.owner
        );
        Err(Error::new(ErrorKind::Forbidden, words))
    }

    /// Changes a search that still has this version.
    ///
    /// # Errors
    /// As `owned` and `save`; `Conflict` when it has another version, which the detail `version` tells.
    pub async fn change(
        &self,
        keeper: &SearchKeeper,
        (id, version): (&str, u64),
        draft: SearchDraft,
    ) -> Result<SavedSearch> {
        let now = (self.clock)();
        let search = self.owned(keeper, id).await?;
        let (name, content) = self.checked(&draft.name, draft.content)?;
        if search.version != version {
            return Err(changed_meanwhile(search.version, version));
        }
        let record = SavedRecord {
            tenant: keeper.tenant.clone(),
            owned_name: owned_name(&keeper.tenant, &search.owner_id, &name),
            name,
            shared: draft.is_shared,
            owner_id: search.owner_id,
            owner: search.owner,
            content,
            created_at: search.created_at,
            updated_at: now,
        };
        match self.store.replace(SAVED, id, version, encoded(&record)?).await {
            Ok(document) => saved(document),
            Err(error) if error.kind == ErrorKind::Conflict => {
                let current = self.get(keeper, id).await?.version;
                Err(if current == version { name_taken(&record.name) } else { changed_meanwhile(current, version) })
            }
            Err(error) => Err(error),
        }
    }

    /// Deletes a search.
    ///
    /// # Errors
    /// As `owned`.
    pub async fn delete(&self, keeper: &SearchKeeper, id: &str) -> Result<SavedSearch> {
        let search = self.owned(keeper, id).await?;
        self.store.delete(SAVED, id).await?;
        if search.owner_id != keeper.user_id {
            tracing::info!(user_id = keeper.user_id, owner_id = search.owner_id, "an admin deleted a shared search");
        }
        Ok(search)
    }

    fn checked(&self, name: &str, content: SearchContent) -> Result<(String, SearchContent)> {
        let (name, content) = (checked_name(name)?, content.checked((self.clock)())?);
        if self.redactor.finds_secret(&name) || content.holds_secret(&self.redactor) {
            let message = "the search holds a card number, a password or a token, which are never stored: no event has them either; leave them out";
            return Err(Error::invalid_field("query", message));
        }
        Ok((name, content))
    }

    async fn found(&self, filters: Vec<Filter>, limit: usize) -> Result<Vec<SavedSearch>> {
        let documents = self.store.find(SAVED, &FindRequest { filters, limit, after: None }).await?;
        documents.into_iter().map(saved).collect()
    }
}

impl SavedSearch {
    /// What they are listed by.
    fn position(&self) -> ListPosition {
        (self.created_at, self.id.clone())
    }
}

impl SavedRecord {
    fn search(self, document: Document) -> SavedSearch {
        SavedSearch {
            id: document.id,
            version: document.revision,
            name: self.name,
            is_shared: self.shared,
            owner_id: self.owner_id,
            owner: self.owner,
            content: self.content,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

fn saved(document: Document) -> Result<SavedSearch> {
    let record: SavedRecord = record_of(SAVED, document.clone())?;
    Ok(record.search(document))
}

fn of_tenant(keeper: &SearchKeeper) -> Filter {
    Filter { field: "tenant".to_owned(), value: keeper.tenant.as_str().into() }
}

fn owned_by(keeper: &SearchKeeper) -> [Filter; 2] {
    [of_tenant(keeper), Filter { field: "owner_id".to_owned(), value: keeper.user_id.as_str().into() }]
}

/// Ids have no blanks, so that no two pairs of owner and name read alike.
fn owned_name(tenant: &str, owner_id: &str, name: &str) -> String {
    format!("{tenant} {owner_id} {}", name.to_lowercase())
}

fn checked_name(typed: &str) -> Result<String> {
    let name = typed.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_long = name.chars().nth(NAME_CHARS_MAX).is_some();
    if name.is_empty() || is_long || name.chars().any(char::is_control) {
        let message = format!("name the search in 1 to {NAME_CHARS_MAX} characters on one line, by what it finds");
        return Err(Error::invalid_field("name", message));
    }
    Ok(name)
}

fn name_taken(name: &str) -> Error {
    let message = format!("there is a saved search named \"{name}\" already; choose another name, or change that one");
    let detail = ErrorDetail { field: "name".to_owned(), span: None, message: message.clone() };
    Error::new(ErrorKind::Conflict, message).with_detail(detail)
}

fn changed_meanwhile(current: u64, asked: u64) -> Error {
    let message = format!("the saved search has version {current}, not {asked}; read it again and change that one");
    let detail = ErrorDetail { field: "version".to_owned(), span: None, message: current.to_string() };
    Error::new(ErrorKind::Conflict, message).with_detail(detail)
}
