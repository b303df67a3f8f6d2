//! Searches that go on while nobody waits: begun, asked for by their id, given up when they are deleted or their time is over.
//!
//! They are no queue: what is begun is asked of the store at once. What they answered is kept in memory within bounds, and a
//! restart forgets it. Nobody but the one who began a search learns that it is there.

mod kept;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use vigie_domain::{Error, ErrorKind, Result, Timestamp};

use crate::Clock;
use crate::accounts::{Caller, Proof, random_id};
use kept::{Kept, KeptSearches};

/// The shortest and the longest time for which a search may be kept.
const KEEP_ALIVE_MIN: Duration = Duration::from_secs(1);
const KEEP_ALIVE_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Who began a search: a user, or one of their API keys, which sees only what it began itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    user_id: String,
    key_id: Option<String>,
}

/// What the one who begins a search wants of it.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How long they wait for the answer before they are told its id.
    pub wait: Duration,
    /// How long it is kept, counted from now.
    pub keep_alive: Duration,
    /// Whether it is kept although it was answered while they waited.
    pub keeps_on_completion: bool,
}

/// How a search ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// The answer as its search wrote it.
    pub outcome: Result<Bytes>,
}

/// A search as its owner sees it.
#[derive(Clone, Debug)]
pub struct AsyncSearch {
    /// By what it can be asked for; none when nothing is kept of it.
    pub id: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it is forgotten.
    pub expires_at: Timestamp,
    /// Nothing while it is under way.
    pub ended: Option<Ended>,
}

/// Begins searches and keeps what they answer.
pub struct AsyncSearches {
    clock: Clock,
    kept: Mutex<KeptSearches>,
}

/// A search whose owner waits to be told its id. If this is dropped before, as when they leave, the search is given up, for nobody
/// could ever ask for it.
struct Untold<'a> {
    searches: &'a AsyncSearches,
    id: &'a str,
}

impl Owner {
    /// The one who makes a request.
    pub fn of(caller: &Caller) -> Self {
        let key_id = match &caller.proof {
            Proof::Key { id, .. } => Some(id.clone()),
            Proof::Session { .. } | Proof::Password => None,
        };
        Self { user_id: caller.user_id.clone(), key_id }
    }
}

impl AsyncSearches {
    /// No search yet.
    pub fn new(clock: Clock) -> Self {
        Self { clock, kept: Mutex::default() }
    }

    /// Begins a search and waits for its answer as long as the terms say.
    ///
    /// # Errors
    /// `Malformed` for a time to keep it that is out of bounds; `Throttled` when there are too many. What the search itself
    /// answers, errors included, is its outcome.
    pub async fn submit(
        self: &Arc<Self>,
        owner: Owner,
        terms: Terms,
        search: impl Future<Output = Result<Bytes>> + Send + 'static,
    ) -> Result<AsyncSearch> {
        let id = random_id()?;
        let ended = self.begin(&id, owner, terms, search)?;
        let _untold = Untold { searches: self, id: &id };
        wait_for(ended, terms.wait).await;
        self.lock().told(&id).ok_or_else(|| not_there(&id))
    }

    /// A search that was begun before, once it has ended or the time to wait is over. `keep_alive` counts anew from now.
    ///
    /// # Errors
    /// `NotFound` when this owner has none of that id; `Malformed` for a time to keep it that is out of bounds.
    pub async fn get(
        &self,
        owner: &Owner,
        id: &str,
        wait: Duration,
        keep_alive: Option<Duration>,
    ) -> Result<AsyncSearch> {
        let now = (self.clock)();
        let expires_at = keep_alive.map(|keep_alive| end_of(now, keep_alive)).transpose()?;
        let ended = {
            let mut kept = self.lock();
            let search = kept.find(owner, id, now).ok_or_else(|| not_there(id))?;
            search.expires_at = expires_at.unwrap_or(search.expires_at);
            search.ended()
        };
        wait_for(ended, wait).await;
        let mut kept = self.lock();
        kept.find(owner, id, (self.clock)()).map(|search| search.shown(id)).ok_or_else(|| not_there(id))
    }

    /// Forgets a search, and gives it up when it is under way.
    ///
    /// # Errors
    /// `NotFound` when this owner has none of that id.
    pub fn delete(&self, owner: &Owner, id: &str) -> Result<()> {
        let mut kept = self.lock();
        kept.find(owner, id, (self.clock)()).ok_or_else(|| not_there(id))?;
        kept.forget(id);
        Ok(())
    }

    fn begin(
        self: &Arc<Self>,
        id: &str,
        owner: Owner,
        terms: Terms,
        search: impl Future<Output = Result<Bytes>> + Send + 'static,
    ) -> Result<watch::Receiver<Option<Ended>>> {
        let now = (self.clock)();
        let expires_at = end_of(now, terms.keep_alive)?;
        let mut kept = self.lock();
        kept.check_room(&owner, now)?;
        let (tell, ended) = watch::channel(None);
        let (searches, own_id) = (Arc::clone(self), id.to_owned());
        let task = tokio::spawn(async move {
            let outcome = search.await;
            if let Err(error) = &outcome
                && error.kind == ErrorKind::Internal
            {
                tracing::error!(error = %error, "an async search failed");
            }
            let at = (searches.clock)();
            searches.lock().end(&own_id, Ended { at, outcome }, &tell);
        });
        kept.add(
            id,
            Kept {
                owner,
                started_at: now,
                expires_at,
                keeps_on_completion: terms.keeps_on_completion,
                is_told: false,
                ended: ended.clone(),
                task: task.abort_handle(),
            },
        );
        Ok(ended)
    }

    fn lock(&self) -> MutexGuard<'_, KeptSearches> {
        // Every change is one step, so that a panic leaves nothing half done.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Untold<'_> {
    fn drop(&mut self) {
        self.searches.lock().forget_untold(self.id);
    }
}

/// When a search that is kept for so long is forgotten.
fn end_of(now: Timestamp, keep_alive: Duration) -> Result<Timestamp> {
    if !(KEEP_ALIVE_MIN..=KEEP_ALIVE_MAX).contains(&keep_alive) {
        let words = format!(
            "[keep_alive] must be from {} second to {} days, got: [{} s]",
            KEEP_ALIVE_MIN.as_secs(),
            KEEP_ALIVE_MAX.as_secs() / (24 * 60 * 60),
            keep_alive.as_secs_f64(),
        );
        return Err(Error::malformed_field("keep_alive", words));
    }
    Ok(now.saturating_add_nanos(i64::try_from(keep_alive.as_nanos()).unwrap_or(i64::MAX)))
}

async fn wait_for(mut ended: watch::Receiver<Option<Ended>>, wait: Duration) {
    // Whether it ended, stopped or goes on is looked up by whoever waited.
    let _ = tokio::time::timeout(wait, ended.wait_for(Option::is_some)).await;
}

fn not_there(id: &str) -> Error {
    Error::not_found(format!(
        "no async search [{id}]: it expired, was deleted, was never kept, or somebody else began it"
    ))
}
