//! The searches that are under way or kept, by their id, and the bounds of what all of them hold.

use std::collections::HashMap;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use vigie_domain::{Error, ErrorKind, Timestamp};

use super::{AsyncSearch, Ended, Owner};

/// Searches under way at once; half of the places that the store has for questions.
pub(super) const RUNNING_MAX: usize = 32;
/// Searches that are under way or kept for one owner.
pub(super) const OF_OWNER_MAX: usize = 100;
/// Searches that are under way or kept for all.
const SEARCHES_MAX: usize = 1_000;
/// Bytes of an answer that is kept.
pub(super) const ANSWER_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Bytes of all answers that are kept.
pub(super) const BYTES_MAX: usize = 64 * 1024 * 1024;
/// When a search may be begun for which there is no room now, in seconds.
const RETRY_AFTER_S: u64 = 1;

/// A search that is under way or kept. Dropped, it is given up.
pub(super) struct Kept {
    pub(super) owner: Owner,
    pub(super) started_at: Timestamp,
    pub(super) expires_at: Timestamp,
    /// Whether it is kept even if it ends before its owner is told its id.
    pub(super) keeps_on_completion: bool,
    /// Whether its owner was told its id.
    pub(super) is_told: bool,
    pub(super) ended: watch::Receiver<Option<Ended>>,
    pub(super) task: AbortHandle,
}

/// Searches by their id.
#[derive(Default)]
pub(super) struct KeptSearches {
    by_id: HashMap<String, Kept>,
}

impl KeptSearches {
    /// Refuses one more search of this owner when there are too many.
    pub(super) fn check_room(&mut self, owner: &Owner, now: Timestamp) -> Result<(), Error> {
        self.by_id.retain(|_, search| search.expires_at > now);
        let of_owner = self.by_id.values().filter(|search| search.owner == *owner).count();
        let running = self.by_id.values().filter(|search| search.is_running()).count();
        let words = if of_owner >= OF_OWNER_MAX {
            format!("{of_owner} async searches are kept for you, and that is the most; delete those that you have read")
        } else if self.by_id.len() >= SEARCHES_MAX {
            format!("{SEARCHES_MAX} async searches are kept, and that is the most; try again when some have expired")
        } else if running >= RUNNING_MAX {
            format!("{running} async searches are under way, and that is the most; try again when one has ended")
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Throttled, words).with_retry_after_s(RETRY_AFTER_S))
    }

    pub(super) fn add(&mut self, id: &str, search: Kept) {
        self.by_id.insert(id.to_owned(), search);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn forget(&mut self, id: &str) {
        self.by_id.remove(id);
    }

    /// The search of this owner, unless it has expired.
    pub(super) fn find(&mut self, owner: &Owner, id: &str, now: Timestamp) -> Option<&mut Kept> {
        self.by_id.retain(|_, search| search.expires_at > now);
        self.by_id.get_mut(id).filter(|search| search.owner == *owner)
    }

    /// Forgets a search whose owner cannot ask for it.
    pub(super) fn forget_untold(&mut self, id: &str) {
        if self.by_id.get(id).is_some_and(|search| !search.is_told) {
            self.forget(id);
        }
    }

    /// What the owner of a new search is told: its answer, and nothing is kept; or its id, and it is kept.
    pub(super) fn told(&mut self, id: &str) -> Option<AsyncSearch> {
        let search = self.by_id.get_mut(id)?;
        search.is_told = search.is_running() || search.keeps_on_completion;
        let shown = search.shown(id);
        Some(if search.is_told { shown } else { AsyncSearch { id: None, ..shown } })
    }

    /// Tells that a search has ended; an answer that there is no room for is replaced by words that say so.
    pub(super) fn end(&self, id: &str, mut ended: Ended, tell: &watch::Sender<Option<Ended>>) {
        if self.by_id.get(id).is_some_and(Kept::stays)
            && let Ok(answer) = &ended.outcome
        {
            let room_bytes = BYTES_MAX.saturating_sub(self.bytes());
            if let Some(error) = refusal(answer.len(), room_bytes) {
                ended.outcome = Err(error);
            }
        }
        tell.send_replace(Some(ended));
    }

    /// Of all answers that are kept.
    fn bytes(&self) -> usize {
        self.by_id.values().filter(|search| search.stays()).map(Kept::answer_bytes).sum()
    }
}

/// Why an answer is not kept.
fn refusal(answer_bytes: usize, room_bytes: usize) -> Option<Error> {
    if answer_bytes > ANSWER_BYTES_MAX {
        let words = format!(
            "Can't store an async search response larger than [{ANSWER_BYTES_MAX}] bytes, got [{answer_bytes}]; ask for less, or wait for the answer"
        );
        return Some(Error::malformed(words));
    }
    let words = "there is no room for the answer among those that are kept; delete what you have read, and ask again";
    (answer_bytes > room_bytes).then(|| Error::new(ErrorKind::Throttled, words).with_retry_after_s(RETRY_AFTER_S))
}

impl Kept {
    /// Ends when it ends.
    pub(super) fn ended(&self) -> watch::Receiver<Option<Ended>> {
        self.ended.clone()
    }

    /// As its owner sees it.
    pub(super) fn shown(&self, id: &str) -> AsyncSearch {
        let (started_at, expires_at) = (self.started_at, self.expires_at);
        AsyncSearch { id: Some(id.to_owned()), started_at, expires_at, ended: self.end() }
    }

    /// How it ended; a bug in it is an error in its answer.
    fn end(&self) -> Option<Ended> {
        // Looked at first: what is told is told before the one who tells is gone.
        let is_gone = self.ended.has_changed().is_err();
        let ended = self.ended.borrow().clone();
        ended.or_else(|| {
            let outcome = Err(Error::internal("the search stopped without an answer"));
            is_gone.then_some(Ended { at: self.started_at, outcome })
        })
    }

    /// Whether its answer stays when it ends. If not, its owner waits for it and takes it away.
    const fn stays(&self) -> bool {
        self.is_told || self.keeps_on_completion
    }

    fn is_running(&self) -> bool {
        self.ended.has_changed().is_ok() && self.ended.borrow().is_none()
    }

    fn answer_bytes(&self) -> usize {
        self.ended.borrow().as_ref().and_then(|ended| ended.outcome.as_ref().ok()).map_or(0, bytes::Bytes::len)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.task.abort();
    }
}
