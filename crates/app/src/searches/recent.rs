//! The searches that a person ran, latest first, each once.
//!
//! Only what a person runs is remembered: whoever asks says so, and what asks by itself every few seconds does not.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vigie_domain::ports::{Document, MetadataStore};
use vigie_domain::{ErrorKind, Result, Timestamp};
use vigie_pipeline::Redactor;

use super::content::SearchContent;
use super::saved::SearchKeeper;
use crate::Clock;
use crate::records::{encoded, record_of};

/// Collection of recent searches: a document per user.
const RECENT: &str = "recent_searches";
/// Searches remembered of one user; older ones are forgotten.
pub const RECENT_MAX: usize = 50;
/// How often remembering is tried again after the same user ran something else meanwhile.
const ATTEMPTS_MAX: usize = 5;

/// A search that somebody ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentSearch {
    /// What it asked for.
    pub content: SearchContent,
    /// When it was last run.
    pub ran_at: Timestamp,
}

/// The body of a user's document.
#[derive(Default, Serialize, Deserialize)]
struct RecentRecord {
    searches: Vec<RecentSearch>,
}

/// The recent searches in a store.
pub struct RecentSearches {
    store: Arc<dyn MetadataStore>,
    redactor: Arc<Redactor>,
    clock: Clock,
}

impl RecentSearches {
    /// In this store; a search that holds what this redactor takes out is not remembered.
    pub fn new(store: Arc<dyn MetadataStore>, redactor: Arc<Redactor>, clock: Clock) -> Self {
        Self { store, redactor, clock }
    }

    /// What is to be remembered, within its bounds.
    ///
    /// # Errors
    /// `Malformed` or `Invalid` when it is not.
    pub fn checked(&self, content: SearchContent) -> Result<SearchContent> {
        content.checked((self.clock)())
    }

    /// Remembers that the keeper ran this, in front of all others.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached; `Conflict` when the same user runs searches all the time.
    pub async fn remember(&self, keeper: &SearchKeeper, content: &SearchContent) -> Result<()> {
        if content.asks_nothing() || content.holds_secret(&self.redactor) {
            return Ok(());
        }
        let id = id_of(keeper);
        let mut outcome = Ok(());
        for _ in 0..ATTEMPTS_MAX {
            let document = self.store.get(RECENT, &id).await?;
            let revision = document.as_ref().map(|document| document.revision);
            let mut record = read(document)?;
            record.searches.retain(|search| !search.content.asks_the_same(content));
            record.searches.insert(0, RecentSearch { content: content.clone(), ran_at: (self.clock)() });
            record.searches.truncate(RECENT_MAX);
            let body = encoded(&record)?;
            outcome = match revision {
                Some(revision) => self.store.replace(RECENT, &id, revision, body).await.map(drop),
                None => self.store.insert(RECENT, &id, body, &[]).await.map(drop),
            };
            let is_beaten =
                outcome.as_ref().is_err_and(|error| matches!(error.kind, ErrorKind::Conflict | ErrorKind::NotFound));
            if !is_beaten {
                break;
            }
        }
        outcome
    }

    /// What the keeper ran, latest first.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    pub async fn list(&self, keeper: &SearchKeeper) -> Result<Vec<RecentSearch>> {
        Ok(read(self.store.get(RECENT, &id_of(keeper)).await?)?.searches)
    }

    /// Forgets all of it; how many they were.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    pub async fn forget(&self, keeper: &SearchKeeper) -> Result<usize> {
        let count = self.list(keeper).await?.len();
        self.store.delete(RECENT, &id_of(keeper)).await?;
        Ok(count)
    }
}

fn read(document: Option<Document>) -> Result<RecentRecord> {
    document.map(|document| record_of(RECENT, document)).transpose().map(Option::unwrap_or_default)
}

fn id_of(keeper: &SearchKeeper) -> String {
    format!("{} {}", keeper.tenant, keeper.user_id)
}
