//! Sessions as documents, and the refresh tokens that keep them alive.
//!
//! One login is one session: a family of refresh tokens of which only the latest is good. A session that
//! has ended is no longer there, so that what cannot be found is refused.
//!
//! A refresh token is the session's key (32 random bytes that stay) and a part that changes with each
//! use (32 more). Only hashes are stored. Who shows the right key with an old part holds a token that was
//! used before: stolen, or copied from the one who now holds the other; the session ends. Who does not
//! know the key can neither name a session nor end it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use vigie_domain::ports::{Document, Filter, FindRequest, MetadataStore};
use vigie_domain::time::NANOS_PER_DAY;
use vigie_domain::{Error, ErrorKind, Result, Timestamp};

use super::random::{hex, random_bytes};
use crate::records::{encoded, record_of};

/// Collection of sessions.
const SESSIONS: &str = "sessions";
/// How long a refresh token is good, in days.
const REFRESH_TOKEN_DAYS: i64 = 30;
/// How long a session lasts at most, however often it is refreshed, in days.
const SESSION_DAYS_MAX: i64 = 90;
/// Sessions of one user; one more ends the one refreshed longest ago.
const SESSIONS_PER_USER_MAX: usize = 50;
/// Sessions looked at in one go.
const PAGE_MAX: usize = 200;
/// Goes at ending all sessions of a user. What is left after them is ended by its epoch all the same.
const PAGES_MAX: usize = 50;

/// The body of a session's document.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SessionRecord {
    pub(super) user_id: String,
    /// The user's `session_epoch` when it began.
    pub(super) epoch: u64,
    refresh_sha256: String,
    created_at: Timestamp,
    refreshed_at: Timestamp,
    /// When the latest refresh token expires, and the session with it.
    pub(super) expires_at: Timestamp,
}

/// A session's document.
pub(super) struct StoredSession {
    pub(super) id: String,
    pub(super) record: SessionRecord,
    revision: u64,
}

/// A session and the refresh token that will be good for it next.
pub(super) struct Granted {
    pub(super) session: StoredSession,
    pub(super) refresh_token: String,
}

/// The sessions in a store.
pub(super) struct Sessions {
    store: Arc<dyn MetadataStore>,
}

/// A refresh token as its bearer sent it.
pub(super) struct RefreshToken {
    session_key: [u8; 32],
    changing_part: [u8; 32],
}

impl Sessions {
    /// The sessions in that store.
    pub(super) fn new(store: Arc<dyn MetadataStore>) -> Self {
        Self { store }
    }

    /// Begins a session, and ends those of the user that are one too many.
    pub(super) async fn begin(&self, user_id: &str, epoch: u64, now: Timestamp) -> Result<Granted> {
        self.tidy(user_id, epoch, now).await?;
        let token = RefreshToken { session_key: random_bytes()?, changing_part: random_bytes()? };
        let record = SessionRecord {
            user_id: user_id.to_owned(),
            epoch,
            refresh_sha256: token.sha256(),
            created_at: now,
            refreshed_at: now,
            expires_at: expires_at(now, now),
        };
        let document = self.store.insert(SESSIONS, &token.session_id(), encoded(&record)?, &[]).await?;
        Ok(Granted { session: decoded(document)?, refresh_token: token.to_text() })
    }

    /// The session of that id, unless it has expired or ended.
    pub(super) async fn get(&self, id: &str, now: Timestamp) -> Result<Option<StoredSession>> {
        let session = self.store.get(SESSIONS, id).await?.map(decoded).transpose()?;
        Ok(session.filter(|session| now < session.record.expires_at))
    }

    /// Takes the refresh token for a new one. An old one ends the session.
    pub(super) async fn rotate(
        &self,
        session: StoredSession,
        token: &RefreshToken,
        now: Timestamp,
    ) -> Result<Option<Granted>> {
        let StoredSession { id, mut record, revision } = session;
        if record.refresh_sha256 != token.sha256() {
            self.end_reused(&id).await?;
            return Ok(None);
        }
        let next = RefreshToken { session_key: token.session_key, changing_part: random_bytes()? };
        record.refresh_sha256 = next.sha256();
        record.refreshed_at = now;
        record.expires_at = expires_at(record.created_at, now);
        match self.store.replace(SESSIONS, &id, revision, encoded(&record)?).await {
            Ok(document) => Ok(Some(Granted { session: decoded(document)?, refresh_token: next.to_text() })),
            // Somebody else was quicker with the same token: it has been used twice.
            Err(error) if error.kind == ErrorKind::Conflict => {
                self.end_reused(&id).await?;
                Ok(None)
            }
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Ends the session; it does not matter whether it had ended before.
    pub(super) async fn end(&self, id: &str) -> Result<()> {
        self.store.delete(SESSIONS, id).await.map(drop)
    }

    /// Clears away all sessions of the user.
    pub(super) async fn end_all_of(&self, user_id: &str) -> Result<()> {
        for _ in 0..PAGES_MAX {
            let sessions = self.of_user(user_id).await?;
            if sessions.is_empty() {
                break;
            }
            for session in sessions {
                self.end(&session.id).await?;
            }
        }
        Ok(())
    }

    async fn end_reused(&self, id: &str) -> Result<()> {
        tracing::warn!(session_id = id, "a refresh token was used twice: the session has been ended");
        self.end(id).await
    }

    /// Clears away sessions of the user that have ended, and those that are too many.
    async fn tidy(&self, user_id: &str, epoch: u64, now: Timestamp) -> Result<()> {
        let mut kept = 0;
        for session in self.of_user(user_id).await? {
            let is_live = now < session.record.expires_at && session.record.epoch >= epoch;
            if is_live && kept + 1 < SESSIONS_PER_USER_MAX {
                kept += 1;
            } else {
                self.end(&session.id).await?;
            }
        }
        Ok(())
    }

    /// Sessions of the user, latest refreshed first.
    async fn of_user(&self, user_id: &str) -> Result<Vec<StoredSession>> {
        let filters = vec![Filter { field: "user_id".to_owned(), value: user_id.into() }];
        let found = self.store.find(SESSIONS, &FindRequest { filters, limit: PAGE_MAX, after: None }).await?;
        found.into_iter().map(decoded).collect()
    }
}

impl RefreshToken {
    /// Reads what a client sent; `None` when it cannot be one of ours.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 64];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        let (session_key, changing_part) = bytes[..length].split_at_checked(32)?;
        Some(Self { session_key: session_key.try_into().ok()?, changing_part: changing_part.try_into().ok()? })
    }

    /// The id of its session: told from the key, which cannot be told from the id.
    pub(super) fn session_id(&self) -> String {
        let mut hash = Sha256::new_with_prefix(b"vigie session id\0");
        hash.update(self.session_key);
        hex(&hash.finalize()[..16])
    }

    fn sha256(&self) -> String {
        let mut hash = Sha256::new_with_prefix(self.session_key);
        hash.update(self.changing_part);
        hex(&hash.finalize())
    }

    fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode([self.session_key, self.changing_part].concat())
    }
}

/// The one answer to every refresh token that is not accepted.
pub(super) fn invalid_refresh_token() -> Error {
    Error::new(
        ErrorKind::Unauthenticated,
        "the refresh token is not valid, was used before or has expired; log in again",
    )
}

fn expires_at(created_at: Timestamp, refreshed_at: Timestamp) -> Timestamp {
    let in_days = |from: Timestamp, days: i64| from.saturating_add_nanos(days * NANOS_PER_DAY);
    in_days(refreshed_at, REFRESH_TOKEN_DAYS).min(in_days(created_at, SESSION_DAYS_MAX))
}

fn decoded(document: Document) -> Result<StoredSession> {
    let (id, revision) = (document.id.clone(), document.revision);
    Ok(StoredSession { id, revision, record: record_of(SESSIONS, document)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_its_halves_matter() {
        let token = RefreshToken { session_key: [1; 32], changing_part: [2; 32] };
        let read = RefreshToken::parse(&token.to_text()).unwrap();
        assert_eq!((read.session_id(), read.sha256()), (token.session_id(), token.sha256()));
        let next = RefreshToken { session_key: [1; 32], changing_part: [3; 32] };
        assert_eq!(next.session_id(), token.session_id());
        assert_ne!(next.sha256(), token.sha256());
        let other = RefreshToken { session_key: [4; 32], changing_part: [2; 32] };
        assert_ne!(other.session_id(), token.session_id());
    }

    #[test]
    fn what_is_not_64_bytes_is_no_token() {
        let check = |text: &str| assert!(RefreshToken::parse(text).is_none(), "{text:?}");
        check("");
        check("not a token");
        check(&URL_SAFE_NO_PAD.encode([1; 31]));
        check(&URL_SAFE_NO_PAD.encode([1; 63]));
        check(&URL_SAFE_NO_PAD.encode([1; 65]));
        check(&URL_SAFE_NO_PAD.encode([1; 5_000]));
    }

    #[test]
    fn sessions_end_30_days_after_the_last_refresh_and_after_90_at_the_latest() {
        let day = |number: i64| Timestamp::from_nanos(number * NANOS_PER_DAY);
        assert_eq!(expires_at(day(0), day(0)), day(30));
        assert_eq!(expires_at(day(0), day(20)), day(50));
        assert_eq!(expires_at(day(0), day(80)), day(90));
    }

    #[tokio::test]
    async fn of_two_that_read_the_same_session_one_rotates_it_and_the_other_ends_it() {
        let sessions = Sessions::new(Arc::new(vigie_testkit::MemoryMetadataStore::default()));
        let now = Timestamp::from_seconds(1_800_000_000);
        let granted = sessions.begin("u1", 1, now).await.unwrap();
        let id = granted.session.id;
        let token = RefreshToken::parse(&granted.refresh_token).unwrap();
        assert_eq!(token.session_id(), id);
        let one = sessions.get(&id, now).await.unwrap().unwrap();
        let other = sessions.get(&id, now).await.unwrap().unwrap();
        assert!(sessions.rotate(one, &token, now).await.unwrap().is_some());
        assert!(sessions.rotate(other, &token, now).await.unwrap().is_none());
        assert!(sessions.get(&id, now).await.unwrap().is_none(), "the session has ended");
    }
}
